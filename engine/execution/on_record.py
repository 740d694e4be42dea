"""Orders on record, as the venue has them: found, ended, changed, or not to be found."""

from __future__ import annotations

from collections.abc import Callable

from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.order import TERMINAL, ClientOrderId, Order, OrderType, Role, State
from engine.execution.attribution import ANEW, EXTERNAL, FoundOrder
from engine.execution.executions import Executions
from engine.execution.look import ABSENCES, LOOKS, Look

Adopt = Callable[[FoundOrder, ClientOrderId, Steps], None]


class OnRecord:
    """Compares them. `adopt` takes an order over as another's, with what was filled of it."""

    def __init__(self, look: Look, executions: Executions, adopt: Adopt) -> None:
        self._look = look
        self._executions = executions
        self._adopt = adopt

    def compare(self, found: FoundOrder) -> None:
        order = self._look.order(found.name)
        if order.state in TERMINAL and found.is_open and found.filled <= order.filled:
            self._revenant(found, order)
            return
        if order.role is Role.EXTERNAL and found.filled > order.filled:
            self._executions.external_fills(found, found.filled - order.filled)
        order = self._look.order(found.name)
        if found.filled > order.filled:
            self._executions.missing(found, order, found.filled - order.filled)
        elif order.is_live:
            self._works(found, order) if found.is_open else self._ended(found, order)

    def _works(self, found: FoundOrder, order: Order) -> None:
        self._look.wake(order)
        order = self._look.order(order.id)
        if order.state in (State.SENT, State.UNKNOWN):
            self._look.settled += 1
            said = f.OrderAccepted(order.id, found.broker_id)
            self._look.say(said, f"Order {order.id} was found working at the venue as {found.broker_id}.")
            order = self._look.order(order.id)
        self._terms(found, order)
        if order.state is State.PENDING_CANCEL and self._look.seen(f"cancel of {order.id}", ABSENCES):
            reason = "it still works at the venue"
            self._look.say(f.CancelRejected(order.id, reason), f"The cancel of order {order.id} did nothing: {reason}.")

    def _terms(self, found: FoundOrder, order: Order) -> None:
        limit = found.limit if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else order.limit
        stop = found.stop if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) else order.stop
        if order.type is OrderType.TRAILING and found.stop not in (None, order.stop) and order.is_live:
            self._look.say(f.OrderTrailed(order.id, found.stop or 0), f"Order {order.id} trailed to {found.stop} ticks.")
        is_same = (found.quantity, limit, stop) == (order.quantity, order.limit, order.stop)
        if order.state is State.PENDING_MODIFY:
            if is_same and self._look.seen(f"change of {order.id}", ABSENCES):
                reason = "the venue still has its old terms"
                self._look.say(f.ModifyRejected(order.id, reason), f"The change of order {order.id} did nothing: {reason}.")
            if is_same:
                return
        elif (
            is_same
            or not order.may("OrderModified")
            or not self._look.doubt(f"terms of {order.id}", f"order {order.id} has other terms at the venue", LOOKS)
        ):
            return
        self._look.settled += 1
        said = f.OrderModified(order.id, found.quantity, limit, stop)
        self._look.say(said, f"Order {order.id} has other terms at the venue: {_words(said)}.")

    def _ended(self, found: FoundOrder, order: Order) -> None:
        self._look.wake(order)
        self._look.settled += 1
        reason = f"found {found.status} at the venue"
        ends: dict[str, f.OrderFact] = {
            "rejected": f.OrderRejected(order.id, reason),
            "expired": f.OrderExpired(order.id),
        }
        end = ends.get(found.status, f.OrderCancelled(order.id, reason))
        if not self._look.order(order.id).may(type(end).__name__):
            end = f.OrderCancelled(order.id, reason)
        self._look.say(end, f"Order {order.id} was {reason}.")

    def _revenant(self, found: FoundOrder, order: Order) -> None:
        """It is over on record and works at the venue: shown as another's, so that it counts and can be cancelled."""
        what = f"order {order.id} is {order.state.value} on record and works at the venue as {found.broker_id}"
        if self._look.doubt(f"end of {order.id}", what, LOOKS):
            self._look.mismatches.append(what)
            name = f"{found.name}{ANEW}" if found.is_foreign else f"{EXTERNAL}{found.broker_id or order.id}"
            self._adopt(found, name, found.filled)
            self._look.halt(what)

    def absent(self) -> None:
        """What is SENT is the adapter's to wait for; what is held here, or not on record yet, is not at the venue."""
        for order in self._look.register.all_live():
            order = self._look.order(order.id)
            if not order.is_live or order.id in self._look.found.orders or order.state in (State.INTENT, State.HELD, State.SENT):
                continue
            if not self._look.doubt(order.id, f"order {order.id} is not to be found at the venue", ABSENCES):
                continue
            self._look.settled += 1
            reason = f"not among open orders, ended orders and fills of the venue at {ABSENCES} looks"
            rejects = order.state is State.UNKNOWN and not order.filled
            end = f.OrderRejected(order.id, reason) if rejects else f.OrderCancelled(order.id, reason)
            self._look.say(end, f"Order {order.id} is taken for ended: {reason}.")


def _words(fact: f.OrderModified) -> str:
    prices = [f"{name} {ticks} ticks" for name, ticks in (("limit", fact.limit), ("stop", fact.stop)) if ticks is not None]
    return ", ".join([f"{fact.quantity} lot steps", *prices])
