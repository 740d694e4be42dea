"""Quotes that jump: one alone is no market, several in a row are."""

from __future__ import annotations

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Quote

CONFIRMED_BY = 3
"""How many quotes in a row must agree before a jump is believed."""


class Spikes:
    """Tells spikes from quotes: what is farther from the last believed one than the instrument's collar, not yet confirmed by
    others, while that last one is not stale."""

    def __init__(self, instrument: Instrument) -> None:
        self.last: Quote | None = None
        self.stale_after: Nanos = instrument.stale_after_s * SECOND
        self._collar = instrument.collar
        self._jump = 0
        self._jumped_to = 0

    def believes(self, quote: Quote) -> bool:
        """Whether the quote may be traded on; it is `last` then."""
        if self._is_spike(quote):
            return False
        self.last, self._jump = quote, 0
        return True

    def _is_spike(self, quote: Quote) -> bool:
        last = self.last
        if last is None or quote.at - last.at > self.stale_after or not self._far(quote, last.bid + last.ask):
            return False
        self._jump = 1 if self._jump == 0 or self._far(quote, self._jumped_to) else self._jump + 1
        self._jumped_to = quote.bid + quote.ask
        return self._jump < CONFIRMED_BY

    def _far(self, quote: Quote, reference: int) -> bool:
        return abs(quote.bid + quote.ask - reference) > self._collar * reference
