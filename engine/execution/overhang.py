"""Orders of others that closed a position would turn it round once it is smaller or gone. A fold over facts."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Symbol
from engine.domain.order import ClientOrderId, Order, Role
from engine.execution.manager import Emit, OrderManager
from engine.execution.mending import NEVER
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister


class Overhang:
    """What others placed over a position that we closed is cancelled with it, as our own exits are. What stands over one that
    went otherwise, or that is smaller now, is theirs to change: what is there still after `pause` (ns) is said."""

    def __init__(
        self, emit: Emit, manager: OrderManager, register: OrderRegister, ledger: Ledger, clock: Callable[[], Nanos], pause: Nanos
    ) -> None:
        self._emit = emit
        self._manager = manager
        self._register = register
        self._ledger = ledger
        self._clock = clock
        self._pause = pause
        self._signs: dict[Symbol, int] = {}
        self._left: dict[Symbol, list[ClientOrderId]] = {}
        self._ours: set[Symbol] = set()
        self._asked: set[ClientOrderId] = set()
        self._due: dict[Symbol, Nanos] = {}
        self._told: dict[Symbol, Steps] = {}

    def apply(self, fact: f.Fact) -> None:
        """Takes in positions."""
        match fact:
            case f.PositionChanged():
                fill = self._register.booked.get(fact.execution)
                closer = self._register.orders.get(fill.order) if fill is not None else None
                self._turn(fact.symbol, fact.quantity, closer is not None and closer.role is not Role.EXTERNAL)
            case f.PositionAdopted():
                self._turn(fact.symbol, fact.quantity, False)
            case _:
                pass

    def _turn(self, symbol: Symbol, quantity: Steps, is_ours: bool) -> None:
        before, sign = self._signs.get(symbol, 0), (quantity > 0) - (quantity < 0)
        if sign == before:
            return
        self._signs[symbol] = sign
        left = [*self._left.pop(symbol, ()), *(order.id for order in self._of_others(symbol) if order.side.sign == -before)]
        if kept := [name for name in dict.fromkeys(left) if not sign or self._register[name].side.sign == sign]:
            self._left[symbol] = kept
        if before:
            (self._ours.add if is_ours else self._ours.discard)(symbol)

    def settle(self, symbol: Symbol) -> None:
        """Cancels what our own close left behind, once each; what is left over of the rest is looked at again after a pause."""
        for order in self._behind(symbol):
            if symbol in self._ours and order.id not in self._asked and order.may("CancelRequested"):
                self._asked.add(order.id)
                self._manager.cancel(order, "the position it stood over was closed")
        if not (over := self._over(symbol)):
            self._due.pop(symbol, None)
            self._told.pop(symbol, None)
        elif over != self._told.get(symbol):
            self._due.setdefault(symbol, self._clock() + self._pause)

    @property
    def due(self) -> Nanos:
        """When `on_time` is to be called; far away where nothing is over."""
        return min(self._due.values(), default=NEVER)

    def on_time(self, at: Nanos) -> None:
        """Says what is still over by `at`."""
        for symbol in [symbol for symbol, due in self._due.items() if due <= at]:
            del self._due[symbol]
            if over := self._over(symbol):
                self._told[symbol] = over
                stands = self._behind(symbol) or [o for o in self._of_others(symbol) if o.guards(self._ledger.position(symbol))]
                names = ", ".join(order.id for order in stands)
                reason = f"{names} would open {over} lot steps of {symbol} the other way; cancel or shrink it where it was placed"
                self._emit(f.AlertRaised("order of others", reason))

    def _of_others(self, symbol: Symbol) -> list[Order]:
        return [order for order in self._register.live.get(symbol, {}).values() if order.role is Role.EXTERNAL]

    def _behind(self, symbol: Symbol) -> list[Order]:
        """Orders of others that were over a position which is gone; of those we did not close, the stops."""
        orders = [self._register[name] for name in self._left.get(symbol, ())]
        return [order for order in orders if order.is_live and (symbol in self._ours or order.is_stop)]

    def _over(self, symbol: Symbol) -> Steps:
        """Lot steps that stops of others, or what is left behind, would open."""
        position = self._ledger.position(symbol)
        behind = sum(self._register.armed(order) for order in self._behind(symbol))
        theirs = [order for order in self._of_others(symbol) if order.guards(position)]
        if not theirs:
            return behind
        stops = [order for order in self._register.working(symbol) if order.guards(position)]
        armed = {order.id: self._register.armed(order) - self._register.going(order) for order in stops}
        return behind + max(0, min(sum(armed.values()) - abs(position), sum(armed[order.id] for order in theirs)))
