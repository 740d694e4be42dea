"""Interactive Brokers on this stage: the broker that sends, through the real ib_async, at the loopback TWS."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from engine.brokers.ib.broker import IbBroker
from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side
from engine.ports.broker import Report
from engine.ports.venue import VenueAddress
from tests.brokers.ib_trading import settled
from tests.peers.tws import Peer

TIMEOUT_S = 5.0


class IbStage:
    """Its clock is the peer's; an order fills for no more than the size that is shown, once a quote."""

    def __init__(self, peer: Peer) -> None:
        self.instrument = INSTRUMENTS["XAUUSD"]
        self.base, self.lot, self.balance = 400_000, 10, Decimal(1_000_000)
        self.said: deque[Report] = deque()
        self._peer = peer
        peer.partial_fills()
        address = VenueAddress("ib", peer.host, peer.port, client_id=1, timeout=TIMEOUT_S)
        instruments = {self.instrument.symbol: self.instrument}
        self.broker = IbBroker(address, instruments, self.said.append, clock=peer.clock, random=Random(1), timeout_s=TIMEOUT_S)

    @property
    def now(self) -> Nanos:
        return self._peer.clock.now()

    async def move(self, quote: Quote) -> None:
        await self.pass_time(quote.at)
        bid, ask = (self.instrument.price(it) for it in (quote.bid, quote.ask))
        await self._peer.quote(quote.symbol, bid, ask, bid_size=quote.bid_size, ask_size=quote.ask_size)

    async def settle(self) -> None:
        await settled(self.broker)
        await asyncio.sleep(0)

    async def pass_time(self, to: Nanos) -> None:
        await self._peer.advance((to - self.now) / SECOND)

    async def end_day(self, to: Nanos) -> None:
        await self.pass_time(to)

    def refused(self, order: str) -> Order:
        return Order(order, self.instrument.symbol, Side.BUY, OrderType.MARKET, 100_000, Role.ENTRY)


@dataclass(frozen=True)
class Ib:
    """TWS of one server version."""

    name: str
    version: int

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[IbStage]:
        async with Peer(server_version=self.version, cash=1_000_000) as peer:
            stage = IbStage(peer)
            await stage.broker.connect()
            stage.said.clear()
            try:
                yield stage
            finally:
                await stage.broker.close()
            while peer.clients:
                await asyncio.sleep(0)
