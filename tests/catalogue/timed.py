"""A live session on paper whose machine's clocks, prices and history are in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.clock import MINUTE, SECOND, Nanos
from engine.core.steady import SteadyClock
from engine.domain import facts as f
from engine.domain.market import Bars, Quote, Symbol, Timeframe
from engine.live import opening, session
from engine.ports.outside import LiveQuote
from engine.signals.desk import Mode
from tests.catalogue.invariants import Wire, violations
from tests.live.rig import GOLD, Desk, Ticker, on_paper

LEVEL = 400_000
"""Ticks that the market of the history stands at, and that a price is put up at unless another is said."""


@dataclass
class Machine:
    """The two clocks of a machine: `pass_time` lets time go by, `set_by` sets the wall clock, `sleep` stops the other."""

    wall: Nanos
    mono: Nanos = 0

    def now(self) -> Nanos:
        return self.wall

    def monotonic(self) -> Nanos:
        return self.mono

    def pass_time(self, span: Nanos) -> None:
        self.wall += span
        self.mono += span

    def set_by(self, span: Nanos) -> None:
        self.wall += span

    sleep = set_by
    """A machine that sleeps counts its monotonic time on only while it is awake."""


class Market(Ticker):
    """Prices of the machine's time. Its history stands still at LEVEL, its older half at `scale` times that; `asked` notes each
    question for it, which `refusal` answers where there is one."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.asked: list[tuple[Nanos, Nanos]] = []
        self.refusal: Exception | None = None
        self.scale = 1.0

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        self.asked.append((since, until))
        if self.refusal is not None:
            raise self.refusal
        bars = await super().history(symbol, timeframe, since, until)
        flat = np.full(len(bars), LEVEL / 100)
        flat[: len(bars) // 2] *= self.scale
        return replace(bars, open=flat, high=flat + 0.5, low=flat - 0.5, close=flat)

    def say(self, bid: int, ask: int, is_tradeable: bool = True) -> None:
        self._waiting.put_nowait(LiveQuote(Quote(GOLD, self.machine.now(), bid, ask), is_tradeable))


@dataclass
class Timed(Desk):
    """The session with its machine and market."""

    machine: Machine = None  # type: ignore[assignment]  # always given; the fields before it have defaults

    @property
    def market(self) -> Market:
        assert isinstance(self.feed, Market)
        return self.feed

    async def seen(self, bid: int = LEVEL) -> None:
        """Puts a price up and returns when it was taken in."""
        count = self.session.quotes
        self.market.say(bid, bid + 30)
        await self.until(lambda: self.session.quotes > count)

    async def waits(self, span: Nanos) -> None:
        """Time goes by while the session looks at its clock, which it does more often than that."""
        while span > 0:
            step = min(span, 30 * SECOND)
            self.machine.pass_time(step)
            self.session.clock.now()
            span -= step
        await self.reached()

    async def reached(self) -> None:
        """Returns when the session stands where the machine does."""
        await self.until(lambda: self.session.pipeline.due > self.session.clock.now())

    async def minutes(self, *bids: int) -> None:
        """Whole minutes of one price each, begun at the minute's first second and closed by the clock."""
        for bid in bids:
            await self.waits(MINUTE - self.machine.wall % MINUTE + SECOND)
            await self.seen(bid)
            await self.waits(MINUTE - self.machine.wall % MINUTE)

    def told(self, *kinds: type[f.Fact]) -> list[Any]:
        """All facts of these kinds so far."""
        return [fact for fact in self.facts if isinstance(fact, kinds)]


@asynccontextmanager
async def timed(
    folder: Path, patch: pytest.MonkeyPatch, start: Nanos, mode: Mode = Mode.MANUAL, **terms: Any
) -> AsyncIterator[Timed]:
    """A session that begins at `start`. Afterwards the invariants hold, paper being its own venue, and nothing broke."""
    machine = Machine(start)
    market = Market(machine)
    market.scale = terms.pop("history_scale", 1.0)
    patch.setattr(opening, "SteadyClock", lambda: SteadyClock(machine))
    patch.setattr(session, "REST_S", 0.005)
    async with on_paper(folder, patch, mode, market, **terms) as desk:
        yield Timed(desk.session, desk.opened, desk.feed, desk.faults, machine)
    broker = desk.session.broker  # its book is still there
    held = {GOLD: sum(broker.steps(GOLD, row.quantity) for row in (await broker.standing()).positions)}
    found = violations(f"sqlite:///{(folder / 'books.db').as_posix()}", Wire(), held)
    assert not found, found
    assert desk.faults == []


async def turns(count: int = 50) -> None:
    """Lets everything that is ready have its turn."""
    for _ in range(count):
        await asyncio.sleep(0)
