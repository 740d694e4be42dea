"""Coinbase's public feed: level2 books, tickers, matches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from engine.domain.market import Symbol
from engine.market.formats.venues.events import Best, Deal, Events, Message, canonical
from engine.market.formats.venues.ladder import Ladder

HOSTS = ("coinbase.com",)


def read(messages: Iterable[Message]) -> dict[Symbol, Events]:
    """KeyError and ValueError where a message is not what its name says."""
    found: dict[Symbol, Events] = defaultdict(Events)
    ladders: dict[str, Ladder] = {}
    for message in messages:
        body = message.body
        if not isinstance(body, dict) or "product_id" not in body:
            continue
        name, kind = body["product_id"], body["type"]
        events = found[canonical(name)]
        if kind == "snapshot":
            ladders[name] = Ladder()
            ladders[name].reset(body["bids"], body["asks"])
        elif kind == "l2update" and name in ladders:
            changes = body["changes"]
            ladders[name].change([level[1:] for level in changes if level[0] == "buy"], _sold(changes))
        elif kind == "ticker" and body.get("best_bid"):
            events.tickers.append(Best(message.line, message.at, float(body["best_bid"]), float(body["best_ask"])))
        elif kind == "match":
            events.deals.append(Deal(message.line, message.at, float(body["price"]), float(body["size"])))
        if kind in ("snapshot", "l2update") and name in ladders:
            events.books += ladders[name].best(message.line, message.at)
    return dict(found)


def _sold(changes: list[list[str]]) -> list[list[str]]:
    return [level[1:] for level in changes if level[0] == "sell"]
