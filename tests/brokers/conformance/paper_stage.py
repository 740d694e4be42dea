"""Paper on this stage: the simulated venue behind PaperBroker. Its market is what the pipeline is told of."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from engine.brokers.sim.paper import PaperBroker
from engine.brokers.sim.terms import SimTerms
from engine.core.clock import Nanos
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side
from engine.ports.broker import Report
from engine.ports.outside import Abilities
from tests.engine.rig import FREE_GOLD, MONDAY


class PaperStage:
    """Its clock stands still unless it is moved; requests take effect `latency` ns after they were made."""

    def __init__(self, terms: SimTerms) -> None:
        self.now: Nanos = MONDAY
        self.instrument = FREE_GOLD
        self.base, self.lot, self.balance = 200_000, 10, Decimal(100_000)
        self.said: deque[Report] = deque()
        self.broker = PaperBroker(
            {FREE_GOLD.symbol: FREE_GOLD}, terms, self.said.append, "paper", "USD", self.balance, self._Clock(self)
        )

    @dataclass
    class _Clock:
        stage: PaperStage

        def now(self) -> Nanos:
            return self.stage.now

    async def move(self, quote: Quote) -> None:
        self.now = quote.at

    async def settle(self) -> None:
        due = self.broker.next_arrival
        if due is not None:
            await self.pass_time(due)

    async def pass_time(self, to: Nanos) -> None:
        self.now = to
        self.broker.on_time(to)

    async def end_day(self, to: Nanos) -> None:
        await self.pass_time(to)
        self.broker.on_roll()

    def refused(self, order: str) -> Order:
        return Order(order, self.instrument.symbol, Side.BUY, OrderType.STOP_LIMIT, self.lot, Role.ENTRY, stop=self.base + 100)


@dataclass(frozen=True)
class Paper:
    """Paper as it comes, or with terms of its own; with `abilities` the engine is told that it holds no more than these."""

    name: str
    terms: SimTerms
    abilities: Abilities | None = None

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[PaperStage]:
        stage = PaperStage(self.terms)
        stage.broker.abilities = self.abilities or stage.broker.abilities
        await stage.broker.connect()
        try:
            yield stage
        finally:
            await stage.broker.close()
