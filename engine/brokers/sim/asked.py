"""Orders on record that the venue has not answered yet, while its book is rebuilt from facts."""

from __future__ import annotations

from engine.domain import facts as f
from engine.domain.order import ClientOrderId, Order, State, apply, from_terms

_OURS = frozenset({State.DRAFT, State.INTENT, State.HELD})
"""States in which an order has not left: what happens to it then is not the venue's word."""


class Asked:
    """A venue knows an order from its own first word on; until then it is kept here."""

    def __init__(self) -> None:
        self._orders: dict[ClientOrderId, Order] = {}

    def __getitem__(self, order: ClientOrderId) -> Order:
        return self._orders[order]

    def __contains__(self, order: ClientOrderId) -> bool:
        return order in self._orders

    def begin(self, fact: f.OrderIntended) -> None:
        self._orders[fact.order] = apply(from_terms(fact, 0), fact)

    def happened(self, fact: f.OrderFact) -> None:
        """Something the engine did to an order, or an answer it never got."""
        known = self._orders.get(fact.order)
        if known is not None:
            self._orders[fact.order] = apply(known, fact)

    def taken(self, fact: f.OrderFact) -> Order | None:
        """The order as the venue got it, where this fact is the venue's first word on it; None where it is not."""
        known = self._orders.get(fact.order)
        if known is None:
            return None
        if known.state not in _OURS:
            return self._orders.pop(fact.order)._replace(state=State.SENT)
        after = apply(known, fact)
        self._orders[fact.order] = after
        if not after.is_live:
            del self._orders[fact.order]
        return None
