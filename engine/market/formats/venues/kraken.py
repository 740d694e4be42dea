"""Kraken's first WebSocket API: books, tickers, trades, as `[channel, {...}, "book-1000", "XBT/USD"]`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from engine.domain.market import Symbol
from engine.market.formats.venues.events import Best, Deal, Events, Message, canonical
from engine.market.formats.venues.ladder import Ladder

HOSTS = ("kraken.com",)


def read(messages: Iterable[Message]) -> dict[Symbol, Events]:
    """KeyError and ValueError where a message is not what its name says."""
    found: dict[Symbol, Events] = defaultdict(Events)
    ladders: dict[str, Ladder] = {}
    for message in messages:
        body = message.body
        if not isinstance(body, list) or len(body) < 4:
            continue
        channel, pair = str(body[-2]), str(body[-1])
        events = found[canonical(pair)]
        if channel.startswith("book-"):
            ladder = ladders.setdefault(pair, Ladder(int(channel.partition("-")[2])))
            for part in body[1:-2]:
                _keep_up(ladder, part)
            events.books += ladder.best(message.line, message.at)
        elif channel == "ticker":
            events.tickers.append(Best(message.line, message.at, float(body[1]["b"][0]), float(body[1]["a"][0])))
        elif channel == "trade":
            events.deals += [Deal(message.line, message.at, float(deal[0]), float(deal[1])) for deal in body[1]]
    return dict(found)


def _keep_up(ladder: Ladder, part: dict[str, Any]) -> None:
    if "as" in part or "bs" in part:
        ladder.reset(part.get("bs", ()), part.get("as", ()))
    else:
        ladder.change(part.get("b", ()), part.get("a", ()))
