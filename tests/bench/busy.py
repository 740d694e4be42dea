"""A replay at full speed on the engine's own thread, for whoever wants to be measured beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.config import load
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.host import MAX_SPEED, Host
from engine.session import Request
from tests.bench.bars import walk, write_mt4

BARS = 1_000_000
PATIENCE_S = 120


@contextmanager
def replay_at_full_speed() -> Iterator[None]:
    """The moving-average cross with its journal on SQLite, in slices as beside the window, until the context is left."""
    errors: list[BaseException] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "XAUUSD_M1.csv"
        write_mt4(file, walk(BARS))
        host = Host(_request(Path(folder), file), errors.append)
        host.start().result(PATIENCE_S)
        host.set_playing(True, MAX_SPEED).result(PATIENCE_S)
        try:
            yield
            if errors or not host.is_busy:
                raise RuntimeError(f"the replay ended before the measuring did {errors}")
        finally:
            host.stop()


def _request(folder: Path, file: Path) -> Request:
    return Request(
        db=f"sqlite:///{folder / 'books.db'}",
        models=folder,
        instrument=instrument_of("XAUUSD"),
        timeframe=Timeframe.of("M1"),
        config=load(),
        replay=file,
        clock="UTC",
        policy="sma_cross",
    )
