"""Bybit, second API: `orderBookL2_25.X` snapshots and deltas, `trade.X`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from engine.domain.market import Symbol
from engine.market.formats.venues.events import Deal, Events, Message, canonical
from engine.market.formats.venues.ladder import Ladder

HOSTS = ("bybit.com",)


def read(messages: Iterable[Message]) -> dict[Symbol, Events]:
    """KeyError and ValueError where a message is not what its name says."""
    found: dict[Symbol, Events] = defaultdict(Events)
    ladders: dict[str, Ladder] = {}
    for message in messages:
        body = message.body
        if not isinstance(body, dict) or "topic" not in body:
            continue
        channel, _, name = body["topic"].rpartition(".")
        events = found[canonical(name)]
        if channel.startswith("orderBookL2"):
            if body["type"] == "snapshot":
                ladders[name] = Ladder()
            if name in ladders:
                _keep_up(ladders[name], body)
                events.books += ladders[name].best(message.line, message.at)
        elif channel == "trade":
            events.deals += [Deal(message.line, message.at, float(deal["price"]), float(deal["size"])) for deal in body["data"]]
    return dict(found)


def _keep_up(ladder: Ladder, body: dict[str, Any]) -> None:
    data = body["data"]
    if body["type"] == "snapshot":
        ladder.reset(_side(data, "Buy"), _side(data, "Sell"))
        return
    gone = [{**level, "size": 0} for level in data["delete"]]
    levels = [*gone, *data["update"], *data["insert"]]
    ladder.change(_side(levels, "Buy"), _side(levels, "Sell"))


def _side(levels: list[dict[str, Any]], side: str) -> list[tuple[str, str]]:
    return [(level["price"], level["size"]) for level in levels if level["side"] == side]
