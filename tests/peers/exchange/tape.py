"""What was traded: prints, one-minute bars, longer bars made of them, and the last day."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from tests.peers.exchange.accounts import NOTHING
from tests.peers.exchange.orders import SELL

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
INTERVALS = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
}
"""Minutes in a bar."""
KEPT_PRINTS = 1000


@dataclass(frozen=True, slots=True)
class Print:
    """A trade of the market; `side` is the taker's."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    side: str
    at_ms: int

    @property
    def maker_bought(self) -> bool:
        return self.side == SELL


@dataclass(slots=True)
class Bar:
    """Prices and volume from `opened_ms` on; `turnover` in the quote asset."""

    opened_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = NOTHING
    turnover: Decimal = NOTHING
    count: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, later: Bar) -> None:
        """Lengthens this bar by one that follows."""
        self.high, self.low, self.close = max(self.high, later.high), min(self.low, later.low), later.close
        self.volume += later.volume
        self.turnover += later.turnover
        self.count += later.count
        self.last_id = later.last_id
        if self.first_id < 0:
            self.first_id = later.first_id


class Tape:
    """The trades of one symbol."""

    def __init__(self) -> None:
        self.prints: deque[Print] = deque(maxlen=KEPT_PRINTS)
        self.bars: list[Bar] = []
        self.last: Decimal | None = None

    def load(self, bars: Iterable[Bar]) -> None:
        """A history of one-minute bars, oldest first, all before the first print."""
        self.bars = list(bars)
        self.last = self.bars[-1].close if self.bars else None

    def add(self, it: Print) -> None:
        self.prints.append(it)
        self.last = it.price
        opened = it.at_ms - it.at_ms % MINUTE_MS
        price, number = it.price, it.trade_id
        bar = Bar(opened, price, price, price, price, it.quantity, it.quantity * price, 1, number, number)
        if self.bars and self.bars[-1].opened_ms >= opened:
            self.bars[-1].add(bar)
        else:
            self.bars.append(bar)

    def klines(self, minutes: int, start_ms: int | None, end_ms: int | None, limit: int) -> list[Bar]:
        """Bars of so many minutes, oldest first: the first ones from `start_ms`, else the last ones."""
        span = minutes * MINUTE_MS
        since = self._since(start_ms, span, limit)
        found: list[Bar] = []
        for bar in self.bars[since:]:
            opened = bar.opened_ms - bar.opened_ms % span
            if end_ms is not None and opened > end_ms:
                break
            if found and found[-1].opened_ms == opened:
                found[-1].add(bar)
            else:
                found.append(_copy(bar, opened))
        return found[:limit] if start_ms is not None else found[-limit:]

    def day(self, now_ms: int) -> Bar | None:
        """The last 24 hours as one bar."""
        found: Bar | None = None
        for bar in self.bars[-1440:]:
            if bar.opened_ms > now_ms - DAY_MS:
                if found is None:
                    found = _copy(bar, bar.opened_ms)
                else:
                    found.add(bar)
        return found

    def _since(self, start_ms: int | None, span: int, limit: int) -> int:
        """Where in the one-minute bars to begin: bars are at least a minute apart, so the last ones are near the end."""
        if start_ms is None:
            first = len(self.bars) - limit * (span // MINUTE_MS) - 1
            return max(first, 0) if first <= 0 else self._aligned(first, span)
        first = start_ms + -start_ms % span
        return bisect_left(self.bars, first, key=lambda bar: bar.opened_ms)

    def _aligned(self, first: int, span: int) -> int:
        """The next one-minute bar that begins a longer one."""
        while first and self.bars[first].opened_ms // span == self.bars[first - 1].opened_ms // span:
            first -= 1
        return first


def _copy(bar: Bar, opened_ms: int) -> Bar:
    return Bar(opened_ms, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, bar.count, bar.first_id, bar.last_id)
