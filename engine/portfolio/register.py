"""All orders of a book and how they hang together. Its state is the sum of order facts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Symbol
from engine.domain.order import TERMINAL, ClientOrderId, Order, OrderType, Role, State, apply, from_terms

Execution: TypeAlias = f.OrderFilled | f.FillCorrected
"""A fill as it was last told."""


class OrderRegister:
    """Orders by client id; `live` holds those that may still fill, by symbol, in the order they were placed.

    Executions count once: `knows(execution)` tells whether a fill was booked already. `booked` holds each as it was last told,
    under every id it had.
    """

    def __init__(self) -> None:
        self.orders: dict[ClientOrderId, Order] = {}
        self.live: dict[Symbol, dict[ClientOrderId, Order]] = {}
        self.children: dict[ClientOrderId, list[ClientOrderId]] = {}
        self.recent: deque[tuple[Nanos, Order]] = deque(maxlen=1_000)
        self.denied = 0
        self.booked: dict[str, Execution] = {}
        self._groups: dict[str, list[ClientOrderId]] = {}
        self._fills: dict[ClientOrderId, list[str]] = {}
        self._corrected = 0
        self._expiring: dict[ClientOrderId, Nanos] = {}
        self.watched: dict[Symbol, dict[ClientOrderId, Order]] = {}
        """Live orders that need the engine's eye: held ones and trailing stops."""
        self.touched: set[Symbol] = set()
        """Instruments whose orders changed (a group's are all of one); emptied by who keeps stakes of them."""

    def __getitem__(self, order: ClientOrderId) -> Order:
        return self.orders[order]

    def knows(self, execution: str) -> bool:
        return execution in self.booked

    def executions(self, order: ClientOrderId) -> int:
        """How many fills the order had."""
        return len(self._fills.get(order, ()))

    def fills_of(self, order: ClientOrderId) -> tuple[str, ...]:
        """The executions of the order by the id each had first."""
        return tuple(self._fills.get(order, ()))

    @property
    def fills(self) -> int:
        """How many executions were booked."""
        return len(self.booked) - self._corrected

    def working(self, symbol: Symbol) -> Iterator[Order]:
        """A copy of the live orders of `symbol`, so that the caller may end them."""
        return iter(tuple(self.live.get(symbol, {}).values()))

    def all_live(self) -> Iterator[Order]:
        return iter([order for orders in self.live.values() for order in orders.values()])

    def held(self) -> list[Order]:
        """The orders that the engine keeps back."""
        return [order for orders in self.watched.values() for order in orders.values() if order.state is State.HELD]

    def group(self, order: Order) -> list[ClientOrderId]:
        """The orders that cancel each other with this one, itself among them."""
        return self._groups[order.oco] if order.oco else [order.id]

    def cover(self, leg: Order) -> Steps:
        """How much of what its entry filled a leg stands over: each target has a share with a stop, and the first comes first."""
        filled, names = self.orders[leg.parent].filled, self.children[leg.parent]
        if len(names) <= 2:  # a stop and a target: one share, and asked for at every quote
            return filled
        legs = [self.orders[name] for name in names]
        if all(other.oco == leg.oco for other in legs):
            return filled
        before: dict[str, Steps] = {}
        for other in legs:
            if other.oco == leg.oco:
                break
            before[other.oco] = max(before.get(other.oco, 0), other.quantity)
        left = filled - sum(before.values())
        targets = [other.quantity for other in legs if other.oco == leg.oco and other.role is Role.TARGET]
        return max(0, min(left, max(targets, default=left)))

    def armed(self, order: Order) -> Steps:
        """How much of the order may fill now: what its entry filled less what its group already gave back.

        Of two entries the first that fills ends the other. A change that was asked for counts as granted where it enlarges.
        """
        group = self.group(order)
        if order.role is Role.ENTRY and order.oco:
            return order.leaves if not any(self.orders[other].filled for other in group if other != order.id) else 0
        cover = self.cover(order) if order.parent else order.quantity
        leaves = order.leaves
        if order.asked is not None:
            leaves = max(leaves, order.asked[0] - order.filled)
            cover = cover if order.parent else max(cover, order.asked[0])
        taken = sum(self.orders[other].filled for other in group)
        return max(0, min(leaves, cover - taken))

    def expired(self, at: Nanos) -> list[Order]:
        """Live orders whose good-till-date has come."""
        return [self.orders[name] for name, expires in self._expiring.items() if expires <= at]

    def going(self, stop: Order) -> Steps:
        """What of a stop was asked to go already."""
        armed = self.armed(stop)
        if stop.asked is not None:
            return max(0, armed - (stop.asked[0] - stop.filled))
        return armed if stop.state is State.PENDING_CANCEL else 0

    def leaving(self, symbol: Symbol, group: str = "") -> Steps:
        """Lot steps that exits kept back until now, or those of one group, are about to close, beyond those whose stops have yet
        to go for that."""
        live = [order for order in self.live.get(symbol, {}).values() if not group or order.oco == group]
        exits = [order for order in live if order.role in (Role.TARGET, Role.CLOSE)]
        now = [o for o in exits if o.released or o.triggered or (o.type is OrderType.MARKET and o.state is State.HELD)]
        if not now:
            return 0
        going = sum(self.going(order) for order in live if order.role is Role.STOP)
        return max(0, sum(self.armed(order) for order in now) - going)

    def next_expiry(self, after: Nanos = 0) -> Nanos | None:
        """The earliest good-till-date of a live order that lies after `after`."""
        return min((at for at in self._expiring.values() if at > after), default=None) if self._expiring else None

    def apply(self, fact: f.OrderFact, at: Nanos) -> Order:
        """Takes an order fact in and returns the order after it. Raises IllegalTransition."""
        if isinstance(fact, f.OrderTerms):
            return self._begin(fact, at)
        order = apply(self.orders[fact.order], fact)
        if isinstance(fact, f.OrderFilled):
            self.booked[fact.execution] = fact
            self._fills.setdefault(order.id, []).append(fact.execution)
        elif isinstance(fact, f.FillCorrected):
            order = self._correct(order, fact)
        self._keep(order)
        return order

    def _correct(self, order: Order, fact: f.FillCorrected) -> Order:
        before = self.booked[fact.replaces]
        self._corrected += fact.execution not in self.booked
        for name, known in tuple(self.booked.items()):
            if known is before:
                self.booked[name] = fact
        self.booked[fact.execution] = fact
        return corrected(order, before, fact)

    def _begin(self, fact: f.OrderTerms, at: Nanos) -> Order:
        order = apply(from_terms(fact, at), fact)
        if isinstance(fact, f.OrderDenied):
            self.denied += 1
            self.orders[order.id] = order
            return order
        if order.role is Role.ENTRY and not order.parent:
            self.recent.append((at, order))
        self.adopt(order)
        return order

    def adopt(self, order: Order) -> None:
        """Takes in an order that is new here, in whatever state it is: a venue hears of orders only once they were sent."""
        if order.oco:
            self._groups.setdefault(order.oco, []).append(order.id)
        if order.parent:
            self.children.setdefault(order.parent, []).append(order.id)
        self._keep(order)

    def _keep(self, order: Order) -> None:
        self.orders[order.id] = order
        self.touched.add(order.symbol)
        live = self.live.setdefault(order.symbol, {})
        if order.state in TERMINAL:
            live.pop(order.id, None)
            self._expiring.pop(order.id, None)
            self._unwatch(order)
            return
        live[order.id] = order
        if order.expires is not None:
            self._expiring[order.id] = order.expires
        if order.state is State.HELD or order.type is OrderType.TRAILING:
            self.watched.setdefault(order.symbol, {})[order.id] = order
        else:
            self._unwatch(order)

    def _unwatch(self, order: Order) -> None:
        if watched := self.watched.get(order.symbol):
            watched.pop(order.id, None)


def corrected(order: Order, before: Execution, after: f.FillCorrected) -> Order:
    """The order after one of its fills was told anew. One that is over stays over; one that now is full is filled."""
    filled = order.filled + after.quantity - before.quantity
    value = order.filled_value + after.price * after.quantity - before.price * before.quantity
    state = State.FILLED if order.is_live and filled >= order.quantity else order.state
    return order._replace(filled=filled, filled_value=value, state=state)
