"""Orders that hang together at the simulated venue: entries with their legs, and groups that cancel each other."""

from __future__ import annotations

from collections.abc import Callable

from engine.domain import facts as f
from engine.domain.order import ClientOrderId, Role, State
from engine.portfolio.register import OrderRegister


class Families:
    """Ends or shrinks what an order's fill or end leaves without a purpose; `report` says it and puts it into the book."""

    def __init__(self, book: OrderRegister, report: Callable[[f.OrderFact], None]) -> None:
        self._book = book
        self._report = report

    def end(self, fact: f.OrderCancelled | f.OrderExpired) -> None:
        """An order is over, and what hangs on it with it."""
        self._report(fact)
        self.settle(fact.order)

    def settle(self, ended: ClientOrderId) -> None:
        """After a fill or an end: legs of an entry that is over shrink to it, and legs with nothing left to do go."""
        order = self._book[ended]
        if order.oco and order.filled:
            if order.role is Role.ENTRY and not order.parent:
                self._drop([name for name in self._book.group(order) if name != ended], "the other entry filled")
            self._release(self._book.group(order), "the other leg filled")
        if order.state in (State.CANCELLED, State.EXPIRED, State.REJECTED):
            reason = "the entry filled no more" if order.filled else "the entry never opened"
            self._release(self._book.children.get(ended, []), reason)

    def _drop(self, entries: list[ClientOrderId], reason: str) -> None:
        for name in entries:
            if self._book[name].is_live:
                self.end(f.OrderCancelled(name, reason))

    def _release(self, legs: list[ClientOrderId], reason: str) -> None:
        for leg in [self._book[name] for name in legs]:
            parent = self._book[leg.parent] if leg.parent else None
            if not leg.is_live or (parent is not None and parent.is_live):
                continue
            if not self._book.armed(leg):
                self._report(f.OrderCancelled(leg.id, reason))
            elif parent is not None and leg.quantity > (cover := self._book.cover(leg)):
                self._report(f.OrderModified(leg.id, cover, leg.limit, leg.stop))
