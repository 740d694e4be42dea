"""Every open unit has a stop: exits are kept as large as the position, and what is bare is covered at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import Order, Role, Side
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.risk.exposure import mark


class Protection:
    """Called after every change of a position. `distance` gives the default stop's distance (ticks) of an instrument."""

    def __init__(
        self,
        emit: Emit,
        manager: OrderManager,
        register: OrderRegister,
        ledger: Ledger,
        quotes: Mapping[Symbol, Quote],
        distance: Callable[[Symbol, Ticks], Ticks],
    ) -> None:
        self._emit = emit
        self._manager = manager
        self._register = register
        self._ledger = ledger
        self._quotes = quotes
        self._distance = distance

    def settle(self, symbol: Symbol) -> None:
        """Cancels exits that no longer exit anything, shrinks those that are too large, covers what has no stop."""
        position = self._ledger.position(symbol)
        for order in self._register.working(symbol):
            if order.reduce_only and order.side.sign * position >= 0 and not self._waits(order):
                self._manager.cancel(order, "the position it stood over is gone")
        if not position:
            return
        for role in (Role.STOP, Role.TARGET):
            self._shrink(symbol, role, abs(position))
        bare = abs(position) - self.covered(symbol) - self._register.leaving(symbol)
        if bare > 0:
            self._cover(symbol, position, bare)

    def covered(self, symbol: Symbol) -> Steps:
        """Lot steps of the position that have a working stop."""
        position = self._ledger.position(symbol)
        stops = [order for order in self._exits(symbol) if order.role is Role.STOP and order.side.sign * position < 0]
        return min(abs(position), sum(self._register.armed(order) for order in stops))

    def _exits(self, symbol: Symbol) -> list[Order]:
        return [order for order in self._register.working(symbol) if order.role in (Role.STOP, Role.TARGET)]

    def _waits(self, leg: Order) -> bool:
        """A leg of an entry that may still fill."""
        return bool(leg.parent) and self._register[leg.parent].is_live

    def _shrink(self, symbol: Symbol, role: Role, held: Steps) -> None:
        position = self._ledger.position(symbol)
        orders = [o for o in self._exits(symbol) if o.role is role and o.side.sign * position < 0]
        excess = sum(self._register.armed(order) for order in orders) - held
        for order in orders:
            if excess <= 0:
                return
            armed = self._register.armed(order)
            cut = min(excess, armed)
            excess -= cut
            if self._waits(order):
                continue
            price = order.stop if role is Role.STOP else order.limit
            assert price is not None
            if cut == armed:
                self._manager.cancel(order, "the position was closed in part")
            elif cut:
                self._manager.modify(order, self._spent(order) + armed - cut, price)

    def _spent(self, order: Order) -> Steps:
        """What of the order's quantity is gone: its own fills, without a parent those of its group too."""
        group = [order.id] if order.parent else self._register.group(order)
        return sum(self._register[name].filled for name in group)

    def _cover(self, symbol: Symbol, position: Steps, bare: Steps) -> None:
        at = mark(position, self._quotes[symbol])
        side = Side.of(-position)
        stop = at + side.sign * self._distance(symbol, at)
        self._emit(f.ProtectionMissing(symbol, bare, f"a stop was placed at {stop} ticks"))
        self._manager.protect(symbol, side, bare, stop, None)
