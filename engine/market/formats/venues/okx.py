"""OKX, fifth API: books, tickers, trades, as `{"arg": {"channel", "instId"}, "data": [...]}`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from engine.domain.market import Symbol
from engine.market.formats.venues.events import Best, Deal, Events, Message, canonical
from engine.market.formats.venues.ladder import Ladder

HOSTS = ("okx.com", "okex.com")


def read(messages: Iterable[Message]) -> dict[Symbol, Events]:
    """KeyError and ValueError where a message is not what its name says."""
    found: dict[Symbol, Events] = defaultdict(Events)
    ladders: dict[str, Ladder] = defaultdict(Ladder)
    for message in messages:
        body = message.body
        if not isinstance(body, dict) or "instId" not in body.get("arg", ()) or "data" not in body:
            continue
        name, channel = body["arg"]["instId"], body["arg"]["channel"]
        for part in body["data"]:
            _take(found[canonical(name)], ladders[name], message, channel, part)
    return dict(found)


def _take(events: Events, ladder: Ladder, message: Message, channel: str, part: dict[str, Any]) -> None:
    if channel == "books":
        keep_up = ladder.reset if message.body.get("action") == "snapshot" else ladder.change
        keep_up(part["bids"], part["asks"])
        events.books += ladder.best(message.line, message.at)
    elif channel == "tickers" and part["bidPx"] and part["askPx"]:
        events.tickers.append(Best(message.line, message.at, float(part["bidPx"]), float(part["askPx"])))
    elif channel == "trades":
        events.deals.append(Deal(message.line, message.at, float(part["px"]), float(part["sz"])))
