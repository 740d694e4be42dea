"""What an order would do to margin."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Margin:
    """Initial and maintenance margin after the order, how much it adds to each, and equity after it, in the account's currency;
    `commission` None where the venue does not tell it. `warning` is the venue's own sentence, "" for none. `estimated` says how
    it was worked out here where no venue was asked, "" where the venue itself has answered."""

    initial: Decimal
    initial_added: Decimal
    maintenance: Decimal
    maintenance_added: Decimal
    equity: Decimal
    commission: Decimal | None
    warning: str = ""
    estimated: str = ""

    @property
    def excess(self) -> Decimal:
        """Equity above the maintenance margin: what may be lost before positions are closed."""
        return self.equity - self.maintenance
