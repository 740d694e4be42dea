"""IB's message codes that mean something to a connection, and what they mean in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

CLIENT_ID_IN_USE = 326
PORT_MOVED = 1300
VALIDATION = 321
LOST = frozenset({1100, 2110})
"""TWS has no connection to IB: it is connected to, and not ready."""
RESTORED_WITHOUT_DATA = 1101
"""Market data subscriptions are gone and must be made again; ib_async does not."""
RESTORED = frozenset({RESTORED_WITHOUT_DATA, 1102})
DELAYED = 10167
NOTICES = range(2100, 2200)

REFUSALS: Mapping[int, str] = {
    200: "knows no such contract",
    354: "has no subscription to this market data",
    10089: "has no subscription to this market data",
    10090: "has only a part of the subscriptions that this market data needs",
    10168: "has no subscription to this market data, and delayed data is not enabled",
    10197: "gives no market data while the same login is used elsewhere",
    10225: "has ended this subscription",
}
"""What TWS says of a request, without its own words for it."""


def refusal(code: int, text: str) -> str:
    """What TWS did, as the end of a sentence."""
    return f"{REFUSALS.get(code, 'refused')} (error {code}: {text.strip().rstrip('.')})"
