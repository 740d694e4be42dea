"""The simulated market's history on disk: the same seed gives the same bars, and reading them is what makes a start quick."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from engine.core.cache import prepare_numba_cache, source_hash
from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, Bars
from engine.market.simulated import HISTORY_WEEKS, SimulatedTape

_ENGINE = Path(__file__).resolve().parent.parent


def remembered_history(instrument: Instrument, seed: int) -> Bars:
    """The bars of `SimulatedTape(instrument, seed).history()`, made once and then read from beside the compiled kernels.

    A file that was damaged, or cannot be written, costs the time of making them.
    """
    file = _file(instrument, seed)
    known = _read(file)
    if known is None:
        known = SimulatedTape(instrument, seed).history()
        _write(file, known)
    return known


def _file(instrument: Instrument, seed: int) -> Path:
    """Named by all that decides the bars: terms and seed, the sources that make them, and the version of their arithmetic."""
    key = f"{instrument!r} {seed} {HISTORY_WEEKS} {source_hash(_ENGINE)} {np.__version__}"
    return prepare_numba_cache() / f"history-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"


def _read(file: Path) -> Bars | None:
    try:
        table = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.ndim != 2 or table.dtype != np.float64 or len(table) != len(BAR_COLUMNS):
        return None
    return Bars(table[0].view(np.int64), *table[1:])


def _write(file: Path, bars: Bars) -> None:
    """One row a column; the times keep their bits."""
    table = np.stack([bars.at.view(np.float64), *(getattr(bars, name) for name in BAR_COLUMNS[1:])])
    fresh = file.with_suffix(f".{os.getpid()}.npy")
    try:
        np.save(fresh, table)
        os.replace(fresh, file)
    except OSError:
        fresh.unlink(missing_ok=True)
