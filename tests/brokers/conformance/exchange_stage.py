"""Binance on this stage: the real ccxt in front of the loopback exchange."""

from __future__ import annotations

import asyncio
import importlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from engine.brokers.exchange.broker import ExchangeBroker
from engine.brokers.exchange.keys import ApiKey
from engine.core.clock import Nanos, SystemClock
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side
from engine.ports.broker import Report
from engine.ports.venue import VenueAddress
from tests.peers.exchange import Exchange, Fees

SYMBOL = "PAXGUSDT"
FREE = Fees(Decimal(0), Decimal(0))


class ExchangeStage:
    """Its requests are signed by the machine's clock; `now` is the engine's, which runs ahead of it with the quotes."""

    def __init__(self, exchange: Exchange) -> None:
        self.now: Nanos = SystemClock().now()
        self.instrument = INSTRUMENTS[SYMBOL]
        self.base, self.lot, self.balance = 390_000, 1_000, exchange.wallet.total("USDT")
        self.said: deque[Report] = deque()
        self.broker = ExchangeBroker(
            VenueAddress("binance", url=exchange.rest_url, ws_url=exchange.socket_url),
            ApiKey(exchange.key, exchange.secret, is_for_tests=True),
            {SYMBOL: self.instrument},
            self.said.append,
            clock=SystemClock(),
            random=Random(1),
            quiet_s=3600.0,
            paced=False,
        )
        self._exchange = exchange

    async def move(self, quote: Quote) -> None:
        self.now = quote.at
        bid, ask = (self.instrument.price(ticks) for ticks in (quote.bid, quote.ask))
        sizes = [self.instrument.lots(size) for size in (quote.bid_size, quote.ask_size)]
        await self._exchange.book(SYMBOL, [(bid, sizes[0])], [(ask, sizes[1])])
        await self._exchange.last(SYMBOL, ask)
        await self._exchange.last(SYMBOL, bid)

    async def settle(self) -> None:
        """Everything asked of the broker is carried out, and the exchange was asked how its orders stand."""
        assert self.broker._watch is not None
        await self.broker._outbox.idle()
        await self.broker._watch._ask()

    async def pass_time(self, to: Nanos) -> None:
        self.now = to

    async def end_day(self, to: Nanos) -> None:
        await self.pass_time(to)

    def refused(self, order: str) -> Order:
        whole = 10 * int(self.balance)
        return Order(order, SYMBOL, Side.BUY, OrderType.LIMIT, whole, Role.ENTRY, limit=self.base)


@dataclass(frozen=True)
class Binance:
    """The exchange with an account that has money and no gold; it takes `fees` out of what is bought or got for it."""

    name: str
    fees: Fees = FREE

    @asynccontextmanager
    async def stage(self) -> AsyncIterator[ExchangeStage]:
        await asyncio.to_thread(importlib.import_module, "ccxt.pro")
        async with Exchange(balances={"USDT": Decimal(1_000_000)}, fees=self.fees) as exchange:
            stage = ExchangeStage(exchange)
            await stage.broker.connect()
            stage.said.clear()
            try:
                yield stage
            finally:
                await stage.broker.close()
