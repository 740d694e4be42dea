"""Binance spot and futures: bookTicker, finished klines, aggregated trades, depth snapshots.

Depth updates are not used: they need the snapshot of another file, and bookTicker says the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from engine.core.clock import DAY, HOUR, MINUTE, SECOND, Nanos
from engine.domain.market import Symbol
from engine.market.formats.venues.events import Best, Deal, Events, Kline, Message, canonical

HOSTS = ("binance.com", "binance.us")
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_SYMBOL = re.compile(r"[?&]symbol=(\w+)")
_MILLISECOND = SECOND // 1000


def read(messages: Iterable[Message]) -> dict[Symbol, Events]:
    """KeyError and ValueError where a message is not what its name says."""
    found: dict[Symbol, Events] = defaultdict(Events)
    for message in messages:
        body = message.body.get("data", message.body) if isinstance(message.body, dict) else {}
        if not isinstance(body, dict):
            continue
        if message.url and "bids" in body and (match := _SYMBOL.search(message.url)):
            _snapshot(found[canonical(match[1])], message, body)
        elif "s" in body:
            _stream(found[canonical(body["s"])], message, body)
    return dict(found)


def _snapshot(events: Events, message: Message, body: dict[str, Any]) -> None:
    if body["bids"] and body["asks"]:
        events.books.append(Best(message.line, message.at, float(body["bids"][0][0]), float(body["asks"][0][0])))


def _stream(events: Events, message: Message, body: dict[str, Any]) -> None:
    kind = body.get("e", "bookTicker" if "b" in body and "B" in body else "")
    if kind == "bookTicker":
        events.tickers.append(Best(message.line, message.at, float(body["b"]), float(body["a"])))
    elif kind in ("aggTrade", "trade"):
        events.deals.append(Deal(message.line, message.at, float(body["p"]), float(body["q"])))
    elif kind == "kline" and body["k"]["x"]:
        bar = body["k"]
        values = (float(bar[name]) for name in ("o", "h", "l", "c", "v"))
        events.klines.append(Kline(message.line, int(bar["t"]) * _MILLISECOND, _span(bar["i"]), *values))


def _span(interval: str) -> Nanos:
    """The length of an interval such as 1m or 4h; months have none and count as zero."""
    return int(interval[:-1]) * _UNITS.get(interval[-1], 0)
