"""IB's message codes that mean something to a connection, and what they mean in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping

CLIENT_ID_IN_USE = 326
PORT_MOVED = 1300
VALIDATION = 321
LOST = frozenset({1100, 2110})
"""TWS has no connection to IB: it is connected to, and not ready."""
RESTORED_WITHOUT_DATA = 1101
"""Market data subscriptions are gone and must be made again; ib_async does not."""
RESTORED_WITH_DATA = 1102
RESTORED = frozenset({RESTORED_WITHOUT_DATA, RESTORED_WITH_DATA})
DELAYED = 10167
HISTORY = 162
"""History that is not given: too much was asked for, the kind of data is not there, or there are no bars in the span."""
NOTICES = range(2100, 2200)
DEPTH_RESET = 317
"""The book's rows are told anew from here."""

CANCELLED = 202
REJECTED = frozenset({201, 203})
"""The venue has said no: to a new order, or to one that was working."""
DUPLICATE = 103
INVALID = frozenset({109, 110, 111, 113, 131, 200, 321, 387, 388, 391, 434, 435, 460, 463, 10006, 10043, 10268})
"""TWS has found fault with what it was sent and passed nothing on: a new order is not there, a changed one is as it was."""
UNCHANGED = INVALID | frozenset({104, 105, 329})
"""A change that was refused; the order is as it was, for all that is said here."""
NOT_CANCELLED = frozenset({135, 136, 161, 10147, 10148})
"""A cancel that was refused, which tells nothing certain of the order."""
ORDER_NOTICES = frozenset({399, 404, 492, 10167, 10311, 10314, 10349})
"""Remarks about an order that change nothing about it: the market is closed, a preset was applied, stock is being located."""

REFUSALS: Mapping[int, str] = {
    200: "knows no such contract",
    309: "tells the depth of no more instruments at once",
    316: "has halted this depth",
    354: "has no subscription to this market data",
    10089: "has no subscription to this market data",
    10092: "has no depth of this contract",
    10189: "gives no ticks one by one of this contract",
    10190: "gives ticks one by one of no more instruments at once",
    10090: "has only a part of the subscriptions that this market data needs",
    10168: "has no subscription to this market data, and delayed data is not enabled",
    10197: "gives no market data while the same login is used elsewhere",
    10225: "has ended this subscription",
}
"""What TWS says of a request, without its own words for it."""


def is_notice(code: int) -> bool:
    """Whether a message about an order leaves it as it is."""
    return code in ORDER_NOTICES or code in NOTICES


def port_in(text: str) -> int:
    """The port that a sentence of TWS ends with; 0 where it names none."""
    found = re.search(r"(\d{2,5})\D*$", text)
    return int(found[1]) if found else 0


def refusal(code: int, text: str) -> str:
    """What TWS did, as the end of a sentence."""
    return f"{REFUSALS.get(code, 'refused')} (error {code}: {text.strip().rstrip('.')})"
