"""Quotes of one instrument judged before anything is traded on them; what is kept back is counted by its kind."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, NamedTuple

from engine.core.clock import Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Quote
from engine.market.spikes import Spikes


class Best(NamedTuple):
    """The best prices as an exchange told them, whatever that was; `told_at` (ns UTC) by its clock, None where it gives none."""

    bid: Any
    ask: Any
    bid_size: Any = None
    ask_size: Any = None
    told_at: Nanos | None = None


class Sieve:
    """`last` is the quote that passed last. `kept_back` counts the others: unreadable, not above zero, crossed, implausible,
    old, spike (farther from the last than the instrument's collar, and not yet confirmed by others)."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.kept_back: Counter[str] = Counter()
        self._spikes = Spikes(instrument)

    @property
    def last(self) -> Quote | None:
        return self._spikes.last

    @property
    def stale_after(self) -> Nanos:
        return self._spikes.stale_after

    def judge(self, best: Best, now: Nanos) -> Quote | None:
        """The quote in ticks, the bid rounded down and the ask up; None where it is kept back."""
        bid, ask = _number(best.bid), _number(best.ask)
        why = self._fault(bid, ask, best, now)
        if why or bid is None or ask is None:
            self.kept_back[why] += 1
            return None
        quote = self._quote(bid, ask, best, now)
        if not self._spikes.believes(quote):
            self.kept_back["spike"] += 1
            return None
        return quote

    def _fault(self, bid: Decimal | None, ask: Decimal | None, best: Best, now: Nanos) -> str:
        if bid is None or ask is None:
            return "unreadable"
        if bid <= 0 or ask <= 0:
            return "not above zero"
        if bid >= ask:
            return "crossed"
        low, high = self.instrument.plausible or (0, float("inf"))
        if not low <= bid <= ask <= high:
            return "implausible"
        return "old" if best.told_at is not None and now - best.told_at > self.stale_after else ""

    def _quote(self, bid: Decimal, ask: Decimal, best: Best, now: Nanos) -> Quote:
        tick = self.instrument.tick_size
        return Quote(
            self.instrument.symbol,
            now,
            int((bid / tick).to_integral_value(ROUND_FLOOR)),
            int((ask / tick).to_integral_value(ROUND_CEILING)),
            bid_size=self._steps(best.bid_size),
            ask_size=self._steps(best.ask_size),
        )

    def _steps(self, size: Any) -> int:
        number = _number(size)
        return int(number / self.instrument.lot_step) if number is not None and number > 0 else 0


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
