"""What a recording of an exchange's messages holds about one instrument, and the shape of every venue's reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.core.clock import Nanos
from engine.domain.market import Symbol


class Message(NamedTuple):
    """A message as it came in: line number, arrival (ns UTC), address for the answer to a request (else empty), JSON value."""

    line: int
    at: Nanos
    url: str
    body: Any


class Best(NamedTuple):
    """Best bid and ask in price units as known at `at` (ns UTC, arrival)."""

    line: int
    at: Nanos
    bid: float
    ask: float


class Deal(NamedTuple):
    """A trade, stamped with its arrival: what was known when."""

    line: int
    at: Nanos
    price: float
    amount: float


class Kline(NamedTuple):
    """A finished bar as the exchange sent it; `at` its open time, `span` its length (ns)."""

    line: int
    at: Nanos
    span: Nanos
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(slots=True)
class Events:
    """Everything found of one instrument. `books` come from order books, `tickers` from summaries, in order of arrival."""

    books: list[Best] = field(default_factory=list)
    tickers: list[Best] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    klines: list[Kline] = field(default_factory=list)

    @property
    def quotes(self) -> list[Best]:
        """The finer of both: two sources of the same prices with different delays must not be mixed."""
        return self.books or self.tickers


Reader = Callable[[Iterable[Message]], dict[Symbol, Events]]
"""Reads all messages of a venue: the events by instrument, instruments spelled as `canonical` spells them."""


def canonical(name: str) -> Symbol:
    """An exchange's name of an instrument as this program spells it: `BTC-USDT`, `XBT/USDT` and `btcusdt` are BTCUSDT."""
    parts = name.upper().replace("/", "-").replace("_", "-").split("-")
    return "".join("BTC" if part == "XBT" else part for part in parts)
