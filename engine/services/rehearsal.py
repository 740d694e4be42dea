"""Compiling ahead: in a process of its own, because a compiler at work on a thread beside the window would freeze its picture."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from engine.core.cache import prepare_numba_cache, source_hash
from engine.core.errors import EngineStopped, NiceGoldError
from engine.core.workers import run_apart
from engine.domain.instrument import Instrument
from engine.domain.intents import SubmitOrder
from engine.domain.market import Bars, Timeframe
from engine.request import Progress, Request, silent
from engine.signals.desk import Mode

BARS = 1_500
"""A trading day: orders are filled in it and the night is paid for."""
QUOTES = 100
WORDS = "compiling for this computer, once after an installation"


def compile_ahead(request: Request) -> None:
    """Fills the cache of compiled kernels where that was not done yet. EngineStopped, from the request's progress, gives up.

    A rehearsal that fails is no reason not to open: what is missing is compiled where it is first needed.
    """
    done = prepare_numba_cache() / f"rehearsed-{source_hash(Path(__file__).parents[1])}"
    if done.exists():
        return
    try:
        run_apart(rehearse, (replace(request, apart=False, progress=silent),), request.progress)
        done.touch()
    except EngineStopped:
        raise
    except (NiceGoldError, OSError):
        return


def rehearse(request: Request, progress: Progress) -> None:
    """Plays a day of the simulated market on books that are thrown away, and asks a model that is kept once."""
    from engine.learning import load_model, rehearse_model
    from engine.session import open_session

    progress(0.0, WORDS)
    with tempfile.TemporaryDirectory() as folder:
        books = f"sqlite:///{Path(folder).as_posix()}/books.db"
        session = open_session(
            replace(request, db=books, replay=None, also=(), policy="sma_cross", model=None, mode=Mode.AUTO, until=None)
        )
        progress(0.5, WORDS)
        session.play(most=QUOTES)
        session.pipeline.on_intent(SubmitOrder(request.instrument.symbol, "buy", "market", 1))
        while session.pipeline.bars_closed < BARS:
            session.play(most=QUOTES)
        _ask_for_the_rest(request.instrument, request.timeframe, session.before[request.instrument.symbol][-BARS:])
        session.close()
    progress(0.8, WORDS)
    for manifest in sorted(request.models.glob("*/*/manifest.json"))[-1:]:
        rehearse_model(load_model(manifest.parent))
    progress(1.0, WORDS)


def _ask_for_the_rest(instrument: Instrument, timeframe: Timeframe, bars: Bars) -> None:
    """What the day may not come to: a recorded file's quotes, stops and targets on their way, and a size by risk."""
    from engine.market.tape import BarTape
    from engine.rules import fills, sizing

    next(BarTape(instrument, timeframe, bars).reels())
    fills.progress(1, 3, 2)
    fills.stop_price(1, 1, 3, 2, True, 0)
    fills.limit_price(-1, 1, 3, 2, True)
    sizing.by_risk(2, 1)
