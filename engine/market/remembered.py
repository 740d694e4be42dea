"""The simulated market's history on disk: the same seed gives the same bars, and reading them is what makes a start quick."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from engine.core.cache import prepare_numba_cache, source_hash
from engine.core.clock import Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, Bars
from engine.market.simulated import HISTORY_WEEKS, SimulatedTape

_ENGINE = Path(__file__).resolve().parent.parent


def remembered_history(instrument: Instrument, seed: int) -> tuple[Bars, Nanos]:
    """The bars of `SimulatedTape(instrument, seed).history()` and the time of its first quote after them (ns UTC).

    They are made once and then read from beside the compiled kernels. A file that was damaged, or cannot be written, costs the
    time of making them. UserError as from the tape.
    """
    file = _file(instrument, seed)
    known = _read(file)
    if known is None:
        tape = SimulatedTape(instrument, seed)
        known = tape.history(), next(tape.reels()).quotes[0].at
        _write(file, *known)
    return known


def _file(instrument: Instrument, seed: int) -> Path:
    """Named by all that decides the bars: terms and seed, the sources that make them, and the version of their arithmetic."""
    key = f"first quote {instrument!r} {seed} {HISTORY_WEEKS} {source_hash(_ENGINE)} {np.__version__}"
    return prepare_numba_cache() / f"history-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"


def _read(file: Path) -> tuple[Bars, Nanos] | None:
    try:
        table = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.ndim != 2 or table.dtype != np.float64 or table.shape[0] != len(BAR_COLUMNS) or table.shape[1] < 1:
        return None
    at = table[0].view(np.int64)
    return Bars(at[:-1], *table[1:, :-1]), int(at[-1])


def _write(file: Path, bars: Bars, first: Nanos) -> None:
    """One row a column, times with their bits kept; at the end of their row stands `first`."""
    times = np.append(bars.at, first).view(np.float64)
    table = np.stack([times, *(np.append(getattr(bars, name), 0.0) for name in BAR_COLUMNS[1:])])
    fresh = file.with_suffix(f".{os.getpid()}.npy")
    try:
        np.save(fresh, table)
        os.replace(fresh, file)
    except OSError:
        fresh.unlink(missing_ok=True)
