"""What others trade in one market: each trade once, in ticks and lot steps, at our clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Trade

KNOWN = 2_000
"""How many of the last trades are known by their ids."""
BEFORE: Nanos = 5 * SECOND
"""How far before the connection a trade may lie: some exchanges begin with a page of the past."""
_MS = 1_000_000


class MarketPrints:
    """`twice` counts those that were told again."""

    def __init__(self, instrument: Instrument) -> None:
        self.twice = 0
        self._instrument = instrument
        self._order: deque[Any] = deque()
        self._known: set[Any] = set()
        self._since: Nanos = 0
        self._last: Any = None

    def begin(self, now: Nanos) -> None:
        """A new connection: what lies far before it is not told any more."""
        self._since = now - BEFORE

    def take(self, told: Sequence[Any], ahead_ms: int, now: Nanos) -> list[Trade]:
        """The trades among those the library keeps that it did not keep when this was asked last, in their order."""
        fresh: list[Any] = []
        for each in reversed(told):
            if each is self._last:
                break
            fresh.append(each)
        if told:
            self._last = told[-1]
        return [trade for each in reversed(fresh) if (trade := self.read(each, ahead_ms, now)) is not None]

    def read(self, told: Any, ahead_ms: int, now: Nanos) -> Trade | None:
        """One trade; None where it was told before, lies too far back or cannot be read."""
        moment, price, amount = told.get("timestamp"), _number(told.get("price")), _number(told.get("amount"))
        if price is None or amount is None:
            return None
        if self._is_known(told.get("id") or (moment, price, amount, told.get("side"))):
            self.twice += 1
            return None
        at = now if moment is None else min(now, (moment - ahead_ms) * _MS)
        steps = int(amount / self._instrument.lot_step)
        if at < self._since or steps <= 0:
            return None
        rounding = ROUND_CEILING if told.get("side") == "sell" else ROUND_FLOOR  # never farther into a queue than it went
        ticks = int((price / self._instrument.tick_size).to_integral_value(rounding))
        return Trade(self._instrument.symbol, at, ticks, steps)

    def _is_known(self, name: Any) -> bool:
        if name in self._known:
            return True
        self._known.add(name)
        self._order.append(name)
        if len(self._order) > KNOWN:
            self._known.discard(self._order.popleft())
        return False


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and number > 0 else None
