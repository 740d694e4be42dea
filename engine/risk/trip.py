"""The prices between which equity stays above a floor, so that it need not be worked out anew for every quote."""

from __future__ import annotations

from engine.domain.instrument import Cash
from engine.domain.market import Symbol, Ticks
from engine.portfolio.ledger import Ledger

FAR: Ticks = 1 << 62


def trip_prices(ledger: Ledger, symbol: Symbol, floor: Cash) -> tuple[Ticks, Ticks]:
    """(bid, ask): equity is at or below `floor` exactly when the bid is at or below the first or the ask at or above the second.

    Holds until the ledger or the floor changes, and for an account that is flat above the floor or holds `symbol` alone;
    where another instrument is held too, whose market moves equity as well, every price is one to look at.
    """
    if not ledger.open:
        return 0, FAR
    holding = ledger.open.get(symbol)
    if holding is None or len(ledger.open) > 1:
        return FAR, 0
    per_tick = holding.quantity * holding.tick_value
    spare = floor - ledger.cash + holding.basis
    return (spare // per_tick, FAR) if per_tick > 0 else (0, -(-spare // per_tick))
