"""The last quote of every instrument, and the gate that keeps bad ones out."""

from __future__ import annotations

from engine.domain.market import Quote, Symbol


class QuoteBook:
    """Last values. A crossed, zero or negative quote is quarantined: counted, and never seen by anything else."""

    def __init__(self) -> None:
        self.last: dict[Symbol, Quote] = {}
        self.quarantined: dict[Symbol, int] = {}

    def update(self, quote: Quote) -> bool:
        """Takes the quote; False when it was quarantined."""
        if not 0 < quote.bid <= quote.ask:
            self.quarantined[quote.symbol] = self.quarantined.get(quote.symbol, 0) + 1
            return False
        self.last[quote.symbol] = quote
        return True
