"""What this exchange can do wrong beyond the words all peers share, and ready-made pieces for those words.

Kinds of messages, for `Exchange.faults.on`: a request is `"POST order"`, its answer `"answer POST order"`; a stream's
event is its own name (`"depthUpdate"`, `"bookTicker"`, `"executionReport"`), the answer to a subscription `"subscribed"`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.peers.exchange.record import Request
from tests.peers.exchange.refusals import Refused
from tests.peers.faults import Answer, Replace

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class CutAt:
    """For answers and events: that many bytes of it leave, then the link dies."""

    bytes: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of HTTP, and the request it is for."""

    request: Request
    status: int
    body: bytes
    headers: Mapping[str, str]


def reply(request: Request, value: Any, headers: Mapping[str, str]) -> Reply:
    return Reply(request, 200, json.dumps(value, separators=(",", ":")).encode(), headers)


def refusal(request: Request, reason: Refused) -> Reply:
    return replace(reply(request, reason.as_json(), reason.headers), status=reason.status)


def saying(reason: Refused) -> Answer:
    """The exchange refuses in these words instead of acting; at an answer: after having acted."""
    return Answer(reason.status, reason.text, reason)


def spoken(answer: Answer, request: Request) -> Reply:
    """What a commanded answer looks like: `detail` is a refusal, a body, or something to write as JSON."""
    match answer.detail:
        case Refused() as reason:
            return refusal(request, reason)
        case bytes() as body:
            return Reply(request, answer.code, body, {})
        case "":
            return Reply(request, answer.code, answer.text.encode(), {"Content-Type": "text/html"})
        case value:
            return replace(reply(request, value, {}), status=answer.code)


def garbage(text: str = '{"symbol":"PAXGUSDT","orderId":') -> Replace:
    """An answer of status 200 that is no JSON."""
    return Replace(lambda it: replace(it, body=text.encode()))


def changed(**values: Any) -> Replace:
    """An event with other values."""
    return _event(lambda event: {**event, **values})


def crossed() -> Replace:
    """A bookTicker whose bid stands above its ask."""
    return _event(lambda event: {**event, "b": event["a"], "B": event["A"], "a": event["b"], "A": event["B"]})


def stale(by_ms: int = HOUR_MS) -> Replace:
    """An event that says it is old."""
    return _event(lambda event: {name: value - by_ms if name in {"E", "T"} else value for name, value in event.items()})


def _event(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Replace:
    """The change, made to the event itself, which the account's stream wraps."""
    return Replace(lambda told: {**told, "event": change(told["event"])} if "event" in told else change(told))
