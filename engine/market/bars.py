"""Bars from quotes."""

from __future__ import annotations

from engine.core.clock import Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Bar, BarSide, Quote, Timeframe


class BarBuilder:
    """Builds the bars of one instrument and timeframe on the side the instrument names.

    A bar opens with the first quote of its span and closes at its boundary (`due`), when `close` is called; spans without
    a quote make no bar. Where the quotes came out of a recorded bar, `record` hands that bar over and it is what `close`
    returns, because features see what was recorded. Volume is the number of quotes, or where `counts` is False always 1: quotes
    of a live feed are as many as the wire is quick, which is no volume that a model could have learned from.
    """

    __slots__ = (
        "_close",
        "_count",
        "_counts",
        "_high",
        "_instrument",
        "_is_of_bids",
        "_low",
        "_open",
        "_opened",
        "_recorded",
        "_side",
        "_spread",
        "due",
        "timeframe",
    )

    def __init__(self, instrument: Instrument, timeframe: Timeframe, counts: bool = True) -> None:
        self.timeframe = timeframe
        self._counts = counts
        self._instrument = instrument
        self._side = instrument.bar_side
        self._is_of_bids = self._side is BarSide.BID
        self._opened: Nanos = 0
        self._open = self._high = self._low = self._close = 0
        self._spread = self._count = 0
        self._recorded: Bar | None = None
        self.due: Nanos = 0

    def record(self, bar: Bar) -> None:
        """The recorded bar that the coming quotes unfold."""
        self._recorded = bar

    def push(self, quote: Quote) -> None:
        """Takes a quote into the open bar; the first one after a close opens the next."""
        price, ask = quote.bid, quote.ask
        self._spread += ask - price
        if not self._is_of_bids:
            price = ask if self._side is BarSide.ASK else (price + ask) // 2
        if not self.due:
            self._start(quote.at, price)
            self._spread = quote.ask - quote.bid
        if price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price
        self._count += 1

    def _start(self, at: Nanos, price: int) -> None:
        recorded = self._recorded
        self._opened = recorded.at if recorded is not None else self.timeframe.floor(at)
        self.due = self._opened + self.timeframe.span
        self._open = self._high = self._low = price
        self._count = 0

    def close(self) -> Bar:
        """The finished bar; the next quote starts a new one."""
        self.due = 0
        recorded, self._recorded = self._recorded, None
        return recorded if recorded is not None else self._built()

    def peek(self) -> Bar | None:
        """The bar as it stands, None before its first quote."""
        return self._built() if self.due else None

    def _built(self) -> Bar:
        tick = float(self._instrument.tick_size)
        decimals = self._instrument.price_decimals
        open_, high, low, close = (round(price * tick, decimals) for price in (self._open, self._high, self._low, self._close))
        spread = round(self._spread / max(1, self._count)) * tick
        volume = float(self._count) if self._counts else 1.0
        return Bar(self._opened, open_, high, low, close, volume, round(spread, decimals))
