"""What a session plays: a tape, and the bars that lie before it. Read before anything heavy is imported, for the chart's sake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.clock import Nanos, to_iso
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Timeframe
from engine.market.importing import History, read_history
from engine.market.tape import BarTape, Tape, TickTape
from engine.request import Request

GENERATION = 2
"""Raised when the simulated market's generator changes, so that a book is never gone on with over other prices."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A tape, its `first` quote's time, and what lies before it.

    `before` warms the features, `identity` names the data in the run's hash, `doubts` say why a file's clock may be wrong.
    """

    tape: Tape
    before: Bars
    identity: dict[str, Any]
    kind: str
    first: Nanos
    signal_rate: float = 0.02
    doubts: tuple[str, ...] = ()


def feed_of(request: Request) -> Feed:
    """The recorded file, or the built-in market. DataError and UserError for what the user must mend."""
    return simulated_feed(request) if request.replay is None else replay_feed(request)


def replay_feed(request: Request) -> Feed:
    """The recorded file; a model that is trained on it takes its first share, and only the rest is the tape."""
    assert request.replay is not None
    request.progress(0.0, f"reading {request.replay.name}")
    history = _taken(request.replay, request.instrument, request.timeframe, request.clock)
    identity = {"file": history.sha256, "clock": history.clock.spec}
    if history.bars is None:
        return _tick_feed(request, history, identity)
    cut = int(len(history.bars) * request.config.model.train_share) if request.learns_from_file else 0
    traded = history.bars[cut:]
    if not len(traded):
        raise UserError(f"{history.source} holds no bars to trade; give a longer file")
    tape = BarTape(request.instrument, request.timeframe, traded)
    return Feed(tape, history.bars[:cut], identity, "replay", int(traded.at[0]), doubts=_doubts(history))


def feed_beside(request: Request, first: Nanos) -> Feed:
    """A recorded file that is played beside another whose tape begins at `first`: what lies before that is its history."""
    assert request.replay is not None
    request.progress(0.0, f"reading {request.replay.name}")
    history = _taken(request.replay, request.instrument, request.timeframe, request.clock)
    if history.bars is None:
        raise UserError(f"{history.source} holds ticks; --also plays bars")
    cut = int(history.bars.at.searchsorted(first))
    traded = history.bars[cut:]
    if not len(traded):
        raise UserError(f"{history.source} ends before {to_iso(first)}, where trading begins; give a file of the same time")
    identity = {"file": history.sha256, "clock": history.clock.spec}
    tape = BarTape(request.instrument, request.timeframe, traded)
    return Feed(tape, history.bars[:cut], identity, "replay", int(traded.at[0]), doubts=_doubts(history))


def _doubts(history: History) -> tuple[str, ...]:
    return tuple(f"{history.source}: {sentence}" for sentence in history.clock.doubts)


def _tick_feed(request: Request, history: History, identity: dict[str, Any]) -> Feed:
    assert history.quotes is not None
    if request.learns_from_file:
        raise UserError(f"{history.source} holds ticks; give --model PATH, --train-from db or --policy sma_cross to trade it")
    if not len(history.quotes):
        raise UserError(f"{history.source} holds no quotes to trade; give a longer file")
    tape = TickTape(request.instrument, history.quotes)
    return Feed(tape, Bars.empty(), identity, "replay", int(history.quotes.at[0]), doubts=_doubts(history))


def simulated_feed(request: Request) -> Feed:
    """The built-in market of the request's seed."""
    from engine.market.remembered import remembered_history
    from engine.market.simulated import SimulatedTape

    if request.timeframe.name != "M1":
        raise UserError(f"the simulated market is made of M1 bars, not {request.timeframe.name}; leave --timeframe out")
    before, first = remembered_history(request.instrument, request.seed)
    tape = SimulatedTape(request.instrument, request.seed)
    identity = {"simulated": request.seed, "market": GENERATION}
    return Feed(tape, before, identity, "simulated", first, signal_rate=0.2)


_read: dict[tuple[Any, ...], History] = {}
"""The file whose timeframe was asked for, until the session that follows takes it: it is not read twice."""


def timeframe_of(path: Path, instrument: Instrument, clock: str | None) -> Timeframe | None:
    """The timeframe a recorded file's rows are of; None for ticks. DataError when it cannot be read."""
    history = read_history(path, instrument, None, clock)
    _read.clear()
    _read[_key(path, instrument, history.timeframe, clock)] = history
    return history.timeframe


def _taken(path: Path, instrument: Instrument, timeframe: Timeframe, clock: str | None) -> History:
    """The history just read, if the file has not changed since; else read now."""
    known = _read.pop(_key(path, instrument, timeframe, clock), None) if _read and path.exists() else None
    return known or read_history(path, instrument, timeframe, clock)


def _key(path: Path, instrument: Instrument, timeframe: Timeframe | None, clock: str | None) -> tuple[Any, ...]:
    found = path.stat()
    return path.resolve(), found.st_size, found.st_mtime_ns, instrument, timeframe, clock
