"""Who may ask, when, and how often: keys, signatures, the clock, weights and bans."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from collections.abc import Mapping

from tests.peers.exchange.refusals import Refused, banned, missing, refused, too_heavy, too_many_orders
from tests.peers.exchange.tickets import integer

RECV_WINDOW_MS = 5000
AHEAD_MS = 1000
MINUTE_MS = 60_000
ORDERS_WINDOW_MS = 10_000
PATIENCE = 10
"""How many requests over the limit are answered with 429 before the address is banned with 418."""


class Gate:
    """The exchange's door. `weight_limit` is per minute, `order_limit` per ten seconds."""

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self.weight_limit = 6000
        self.order_limit = 100
        self.used_weight = 0
        self.is_revoked = False
        self.may_withdraw = False
        self._secret = secret.encode()
        self._minute = -1
        self._over = 0
        self._orders: deque[int] = deque()
        self._banned_until_ms = 0
        self._storm: Refused | None = None
        self._storm_left: int | None = 0

    def revoke(self) -> None:
        """The key is no longer good, from the next request on."""
        self.is_revoked = True

    def ban(self, until_ms: int) -> None:
        """Everything is answered with 418 until then."""
        self._banned_until_ms = until_ms

    def storm(self, reason: Refused | None, times: int | None) -> None:
        """So many requests (None: all), whatever they weigh, are refused for this reason."""
        self._storm, self._storm_left = reason, times

    def weigh(self, weight: int, now_ms: int) -> None:
        """Counts a request; refused with 429 over the limit, with 418 for who goes on regardless."""
        if self._storm is not None and self._storm_left != 0:
            self._storm_left = None if self._storm_left is None else self._storm_left - 1
            raise self._storm
        if now_ms < self._banned_until_ms:
            raise banned(self._banned_until_ms, _seconds(self._banned_until_ms - now_ms))
        minute, into_ms = divmod(now_ms, MINUTE_MS)
        if minute != self._minute:
            self._minute, self.used_weight, self._over = minute, 0, 0
        self.used_weight += weight
        if self.used_weight > self.weight_limit:
            self._over += 1
            if self._over > PATIENCE:
                self.ban(now_ms + 2 * MINUTE_MS)
            raise too_heavy(self.weight_limit, _seconds(MINUTE_MS - into_ms))

    def count_order(self, now_ms: int) -> None:
        """Counts a new order; refused with 429 and -1015 over the limit."""
        while self._orders and self._orders[0] <= now_ms - ORDERS_WINDOW_MS:
            self._orders.popleft()
        if len(self._orders) >= self.order_limit:
            raise too_many_orders(self.order_limit, _seconds(self._orders[0] + ORDERS_WINDOW_MS - now_ms))
        self._orders.append(now_ms)

    def check_key(self, key: str | None) -> None:
        if not key:
            raise refused("key_format")
        if key != self.key or self.is_revoked:
            raise refused("key")

    def check_signed(self, text: str, signature: str | None, parameters: Mapping[str, str], now_ms: int) -> None:
        """The text as it was sent must carry its HMAC and a time that is neither old nor early."""
        if not signature:
            raise missing("signature")
        at = integer(parameters, "timestamp")
        if at is None:
            raise missing("timestamp")
        if at >= now_ms + AHEAD_MS:
            raise refused("ahead")
        if now_ms - at > (integer(parameters, "recvWindow") or RECV_WINDOW_MS):
            raise refused("recv_window")
        expected = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            raise refused("signature")


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)
