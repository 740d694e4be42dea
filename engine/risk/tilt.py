"""The tilt guard: after losses in a row, or overrides that lost, the owner's hand waits. Computed from facts, so it survives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from engine.core.clock import MINUTE, Nanos, to_iso
from engine.domain import facts as f
from engine.domain.instrument import Cash
from engine.domain.limits import Limits
from engine.domain.market import Symbol

_OVERRIDES = frozenset({"flipped", "resized"})
_REMEMBERED = 1_000


class Tilt:
    """Counts losing trades in a row, and when trades lost that an override had opened.

    A trade runs from flat to flat; its result is what it realised less what it cost. An override is a card flipped or resized.
    """

    def __init__(self) -> None:
        self.streak = 0
        self.lost_at: Nanos = 0
        self.overrides_lost: deque[Nanos] = deque(maxlen=_REMEMBERED)
        self._overridden: set[str] = set()
        self._orders: set[str] = set()
        self._results: dict[Symbol, Cash] = {}
        self._by_override: set[Symbol] = set()
        self._held: dict[Symbol, int] = {}
        self._takers: dict[type[f.Fact], Callable[[Any, Nanos], None]] = {
            f.CardDecided: self._decided,
            f.OrderIntended: self._intended,
            f.OrderFilled: self._filled,
            f.FinancingCharged: self._charged,
            f.CommissionCharged: self._charged,
            f.PositionChanged: self._position,
        }

    def apply(self, fact: f.Fact, at: Nanos) -> None:
        take = self._takers.get(type(fact))
        if take is not None:
            take(fact, at)

    def _decided(self, fact: f.CardDecided, _at: Nanos) -> None:
        if fact.decision in _OVERRIDES:
            self._overridden.add(fact.signal)

    def _intended(self, fact: f.OrderIntended, _at: Nanos) -> None:
        if fact.role == "entry" and fact.signal in self._overridden:
            self._orders.add(fact.order)

    def _filled(self, fact: f.OrderFilled, _at: Nanos) -> None:
        self._cost(fact.symbol, fact.commission)
        if fact.order in self._orders:
            self._by_override.add(fact.symbol)

    def _charged(self, fact: f.FinancingCharged | f.CommissionCharged, _at: Nanos) -> None:
        self._cost(fact.symbol, fact.amount)

    def _cost(self, symbol: Symbol, amount: Cash) -> None:
        self._results[symbol] = self._results.get(symbol, 0) - amount

    def _position(self, fact: f.PositionChanged, at: Nanos) -> None:
        symbol, before = fact.symbol, self._held.get(fact.symbol, 0)
        self._held[symbol] = fact.quantity
        self._results[symbol] = self._results.get(symbol, 0) + fact.realised
        if before and before * fact.quantity <= 0:
            self._closed(symbol, at)

    def _closed(self, symbol: Symbol, at: Nanos) -> None:
        result, overridden = self._results.pop(symbol), symbol in self._by_override
        self._by_override.discard(symbol)
        if result >= 0:
            self.streak = 0
            return
        self.streak += 1
        self.lost_at = at
        if overridden:
            self.overrides_lost.append(at)

    def until(self, limits: Limits) -> Nanos:
        """The moment up to which entries by hand wait under these limits; 0 where they need not."""
        wait = limits.cool_off_min * MINUTE
        until = 0
        if limits.losing_streak is not None and self.streak >= limits.losing_streak:
            until = self.lost_at + wait
        if limits.override_losses is not None and len(self.overrides_lost) >= limits.override_losses:
            last, first = self.overrides_lost[-1], self.overrides_lost[-limits.override_losses]
            if last - first <= limits.override_window_min * MINUTE:
                until = max(until, last + wait)
        return until

    def sentence(self, limits: Limits, at: Nanos) -> str:
        """Why the owner's hand waits at `at`; "" while it need not."""
        until = self.until(limits)
        if at >= until:
            return ""
        streak = limits.losing_streak is not None and self.streak >= limits.losing_streak
        why = f"{self.streak} trades in a row lost" if streak else f"{len(self.overrides_lost)} of your overrides lost"
        return f"{why}: entries by hand wait until {to_iso(until // MINUTE * MINUTE + MINUTE * bool(until % MINUTE))[11:16]} UTC"
