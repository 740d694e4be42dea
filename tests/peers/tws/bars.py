"""Bars that are made from live quotes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.core.clock import SECOND
from tests.peers.tws import messages
from tests.peers.tws.codec import Message
from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Market
from tests.peers.tws.path import Bar
from tests.peers.tws.streams import Send, Stream


@dataclass
class Building:
    """A bar in the making."""

    start: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0

    def add(self, price: Decimal) -> None:
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price

    def bar(self) -> Bar:
        return Bar(self.start, self.open, self.high, self.low, self.close, self.volume, self.volume // 2)


class LiveBars(Stream):
    """Bars made from quotes. `price` is MIDPOINT, BID, ASK or TRADES."""

    def __init__(self, send: Send, request: int, market: Market, contract: Contract, price: str, size_s: int) -> None:
        super().__init__(send, request, market, contract)
        self.what = price
        self.size_s = size_s
        self._bar = self._new()

    def on_quote(self) -> None:
        self._bar.add(self._price())

    def on_time(self) -> None:
        while self.market.clock.now() // SECOND >= self._bar.start + self.size_s:
            self.closed(self._bar.bar())
            start = self._bar.start + self.size_s
            self._bar = self._new()
            self._bar.start = start

    def closed(self, bar: Bar) -> None:
        """A bar is over."""

    def _new(self) -> Building:
        price = self._price()
        start = self.market.clock.now() // SECOND // self.size_s * self.size_s
        return Building(start, price, price, price, price)

    def _price(self) -> Decimal:
        quote = self.quote
        prices = {"BID": quote.bid, "ASK": quote.ask, "TRADES": quote.last or quote.mid}
        return prices.get(self.what, quote.mid)


class RealTimeBars(LiveBars):
    """Five-second bars, each sent when it is over."""

    def closed(self, bar: Bar) -> None:
        volume, average, count = messages.volume_of(bar)
        prices = (bar.open, bar.high, bar.low, bar.close)
        self.send(Message("realtimeBar", (3, self.request, bar.start, *prices, volume, average, count)))


class KeptUpToDate(LiveBars):
    """The last bar of a history, sent again with each change; `begun` is that bar as the history had it."""

    def __init__(
        self,
        send: Send,
        request: int,
        market: Market,
        contract: Contract,
        price: str,
        size_s: int,
        format_date: int,
        begun: Bar | None,
    ) -> None:
        super().__init__(send, request, market, contract, price, size_s)
        self._format = format_date
        if begun is not None:
            self._bar = Building(begun.start, begun.open, begun.high, begun.low, begun.close, begun.volume)

    def on_quote(self) -> None:
        super().on_quote()
        self._tell()

    def on_time(self) -> None:
        before = self._bar.start
        super().on_time()
        if self._bar.start != before:
            self._tell()

    def _tell(self) -> None:
        self.send(messages.historical_update(self.request, self._bar.bar(), self._format, self.size_s >= 86_400, Decimal(0)))
