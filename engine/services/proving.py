"""What the self-test asks of the engine: replays of a history that is made on the spot, and what had to be compiled.

Nothing in the facts depends on the machine, so that a checkout and a package of the same version give the same hashes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import Config, ModelSection
from engine.core.cache import prepare_numba_cache
from engine.core.clock import SECOND, SystemClock
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.models.learners import LEARNERS
from engine.request import Request
from engine.signals.desk import Mode

SYMBOL, FRAME, SEED, WEEKS = "XAUUSD", "M1", 7, 2
FILE = f"{SYMBOL}_{FRAME}.csv"


@dataclass(frozen=True, slots=True)
class Proof:
    """A replay as it came out: its books were audited when `differences` is empty; `seconds` with reading and training."""

    policy: str
    facts: int
    facts_sha256: str
    model_sha256: str
    bars: int
    trades: int
    differences: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Kernels:
    """`compiled` and `loaded` in this process; `files` in the cache, other processes' among them."""

    compiled: int
    loaded: int
    files: int
    folder: Path


def simulated_request(folder: Path) -> Request:
    """The simulated market with a model and nothing traded by itself, on books and models in `folder`."""
    books = f"sqlite:///{(folder / 'books.db').as_posix()}"
    instrument, frame = instrument_of(SYMBOL), Timeframe.of(FRAME)
    return Request(books, folder / "models", instrument, frame, Config(), mode=Mode.MANUAL, seed=SEED)


def write_history(folder: Path) -> Path:
    """Two weeks of the seeded simulated market as a CSV file, the same bytes everywhere."""
    from engine.market.clocks import parse_clock
    from engine.market.exporting import Order, exporter_of, render
    from engine.market.simulated import SimulatedTape

    instrument = instrument_of(SYMBOL)
    bars = SimulatedTape(instrument, SEED, WEEKS).history()
    path = folder / FILE
    path.write_bytes(render(exporter_of("csv"), Order(bars, instrument, Timeframe.of(FRAME), parse_clock("UTC"))))
    return path


def prove_replay(history: Path, policy: str, learner: str = LEARNERS[0]) -> Proof:
    """Replays the file to its end on books of their own beside it, with trades made automatically.

    UserError where the `learner` of the model is not installed.
    """
    from engine.services.bookkeeping import audit
    from engine.session import open_session

    clock = SystemClock()
    begun = clock.monotonic()
    books = f"sqlite:///{(history.parent / f'{policy}-{learner}').as_posix()}.db"
    config = Config(model=ModelSection(learner=learner))
    instrument, frame = instrument_of(SYMBOL), Timeframe.of(FRAME)
    models = history.parent / "models"
    session = open_session(
        Request(books, models, instrument, frame, config, replay=history, clock="UTC", policy=policy, mode=Mode.AUTO, seed=SEED)
    )
    try:
        while not session.is_over:
            session.play()
        summary = session.finish()
    finally:
        session.close()
    differences = tuple(audit(books, None).differences)
    return Proof(
        policy,
        summary["facts"],
        summary["facts_sha256"],
        summary["model_sha256"] or "",
        summary["bars"],
        summary["trades"],
        differences,
        (clock.monotonic() - begun) / SECOND,
    )


def kernels() -> Kernels:
    """What this process compiled or loaded so far, and the cache it did so with."""
    folder = prepare_numba_cache()
    compiled = loaded = 0
    for dispatcher in _dispatchers():
        compiled += sum(dispatcher.stats.cache_misses.values())
        loaded += sum(dispatcher.stats.cache_hits.values())
    return Kernels(compiled, loaded, sum(1 for _ in folder.rglob("*.nbc")), folder)


def _dispatchers() -> Iterator[Any]:
    """Every kernel of the program's modules in use, once."""
    if "numba" not in sys.modules:
        return
    from numba.core.dispatcher import Dispatcher

    seen: set[int] = set()
    for module in [module for name, module in sorted(sys.modules.items()) if name.startswith("engine.")]:
        for value in tuple(vars(module).values()):
            if isinstance(value, Dispatcher) and id(value) not in seen:
                seen.add(id(value))
                yield value
