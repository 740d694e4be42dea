"""A market that moves by itself: a walk from a seed, for trying the terminal by hand and for soaks."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from random import Random

from tests.peers.exchange.book import Level
from tests.peers.exchange.market import Market
from tests.peers.exchange.orders import BUY, SELL
from tests.peers.exchange.server import Exchange
from tests.peers.exchange.tape import MINUTE_MS, Bar

STARTS = {"PAXGUSDT": Decimal("3900.00"), "BTCUSDT": Decimal("90000.00")}
MINUTE_MOVE = 0.0003
"""Standard deviation of a minute's return."""
LEVELS = 20


class Feed:
    """Moves every symbol of an exchange; the same seed makes the same moves."""

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self._exchange = exchange
        self._random = Random(seed)
        self._prices = dict(STARTS)

    def begin(self, minutes: int) -> None:
        """A history of so many minutes up to now, and the first quotes."""
        opened = self._exchange.now_ms() // MINUTE_MS * MINUTE_MS - minutes * MINUTE_MS
        for symbol, market in self._exchange.desk.matching.markets.items():
            self._exchange.history(symbol, [self._bar(market, opened + number * MINUTE_MS) for number in range(minutes)])
            self._quote(symbol, market)

    async def run(self, every_s: float = 0.2) -> None:
        """Moves until it is cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self.step(every_s)

    def step(self, seconds: float) -> None:
        """One move of every symbol, as large as so many seconds make it, and sometimes a trade."""
        for symbol, market in self._exchange.desk.matching.markets.items():
            self._move(symbol, market, MINUTE_MOVE * (seconds / 60) ** 0.5)
            self._quote(symbol, market)
            if self._random.random() < 0.3:
                side = self._random.choice((BUY, SELL))
                self._exchange.desk.matching.hit(symbol, side, self._size(market), None)

    def _move(self, symbol: str, market: Market, deviation: float) -> Decimal:
        tick = market.listing.tick
        moved = self._prices[symbol] * (1 + Decimal(self._random.gauss(0, deviation)))
        self._prices[symbol] = (moved / tick).to_integral_value() * tick
        return self._prices[symbol]

    def _bar(self, market: Market, opened_ms: int) -> Bar:
        symbol = market.listing.symbol
        first = self._prices[symbol]
        path = [first, *(self._move(symbol, market, MINUTE_MOVE / 2) for _ in range(4))]
        volume = self._size(market) * 20
        return Bar(opened_ms, first, max(path), min(path), path[-1], volume, volume * path[-1], 20)

    def _quote(self, symbol: str, market: Market) -> None:
        price, tick = self._prices[symbol], market.listing.tick
        half = tick * self._random.randint(1, 8)
        self._exchange.desk.matching.street(
            symbol, self._side(market, price - half, -tick), self._side(market, price + half, tick)
        )

    def _side(self, market: Market, best: Decimal, away: Decimal) -> list[Level]:
        return [(best + away * number, self._size(market)) for number in range(LEVELS)]

    def _size(self, market: Market) -> Decimal:
        """About 2,000 of the quote asset, in whole steps."""
        step = market.listing.step
        size = Decimal(self._random.lognormvariate(7.6, 0.8)) / self._prices[market.listing.symbol]
        return max((size / step).to_integral_value() * step, step)
