"""Every open unit has a stop: exits are kept as large as the position, and what is bare is covered at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import LIVE, Order, OrderType, Role, State
from engine.domain.protection import ProtectionTerms
from engine.execution.adopted import Adopted
from engine.execution.levels import StopLevels
from engine.execution.manager import Emit, OrderManager
from engine.execution.mending import Mending
from engine.execution.overhang import Overhang
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister

AT_VENUE = frozenset({State.ACCEPTED, State.PARTIALLY_FILLED, State.PENDING_MODIFY, State.PENDING_CANCEL})


class Protection:
    """Called after every change of a position. `distance` gives the default stop's distance (ticks) of an instrument, `clock`
    the time, `is_cut_off` whether nothing can reach the venue. Adopted units without a stop wait for their owner; see
    engine.execution.adopted. A stop that is lost stands again where it was; see engine.execution.levels. Stops of others count as
    ours do, and are never changed; see engine.execution.overhang for what they would open."""

    def __init__(
        self,
        emit: Emit,
        manager: OrderManager,
        register: OrderRegister,
        ledger: Ledger,
        quotes: Mapping[Symbol, Quote],
        distance: Callable[[Symbol, Ticks], Ticks],
        terms: ProtectionTerms | None = None,
        clock: Callable[[], Nanos] = lambda: 0,
        is_cut_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self.adopted = Adopted(register)
        self.levels = StopLevels(register, ledger, self.covered)
        self._emit = emit
        self._manager = manager
        self._register = register
        self._ledger = ledger
        terms = terms or ProtectionTerms()
        self.overhang = Overhang(emit, manager, register, ledger, clock, terms.pause)
        self._mending = Mending(emit, manager, register, self.levels, quotes, distance, terms, clock, is_cut_off)
        self._told: dict[Symbol, Steps] = {}
        self.awaited: Callable[[Symbol], Steps] = lambda _symbol: 0
        """Lot steps about to get a stop that is held back until the venue has answered to others."""

    def settle(self, symbol: Symbol) -> None:
        """Cancels exits that no longer exit anything, shrinks those that are too large, covers what has no stop."""
        position = self._ledger.position(symbol)
        for order in self._register.working(symbol):
            if order.reduce_only and order.side.sign * position >= 0 and not self._waits(order):
                self._manager.cancel(order, "the position it stood over is gone")
        self.overhang.settle(symbol)
        if not position:
            self._mending.forget(symbol)
            self._told.pop(symbol, None)
            return
        for role in (Role.STOP, Role.TARGET):
            self._shrink(symbol, role, abs(position))
        waiting = self.waiting(symbol)
        if waiting != self._told.get(symbol, 0):
            self._told[symbol] = waiting
            if waiting:
                action = "it was adopted; attach a stop, leave it as it is, or close it"
                self._emit(f.ProtectionMissing(symbol, waiting, action))
        bare = self.bare(symbol)
        if bare > 0:
            self._mending.mend(symbol, position, bare, self._closing(symbol))

    def on_time(self, at: Nanos) -> None:
        """Tries again what is due by `at`."""
        for symbol in self._mending.due_by(at):
            self.settle(symbol)
            self._mending.tried(symbol, at)
        self.overhang.on_time(at)

    @property
    def due(self) -> Nanos:
        """When `on_time` is to be called; far away where every open unit has its stop."""
        return min(self._mending.due, self.overhang.due)

    def waiting(self, symbol: Symbol) -> Steps:
        """Adopted lot steps without a stop that wait for their owner's choice."""
        undecided = self.adopted.undecided(symbol) - self._by_others(symbol)
        return max(0, min(self._bare(symbol) - self._closing(symbol), undecided))

    def bare(self, symbol: Symbol) -> Steps:
        """Lot steps that the terminal has to cover and that have no stop now."""
        adopted = max(0, self.adopted.units(symbol) - self._by_others(symbol))
        return self._bare(symbol) - adopted - self.awaited(symbol)

    def at_venue(self, symbol: Symbol) -> Steps:
        """Lot steps of the position whose stop rests at the broker, acknowledged."""
        return self._under(symbol, AT_VENUE)

    def _bare(self, symbol: Symbol) -> Steps:
        """Lot steps that have no stop, nor have lost it to an order that closes them."""
        return abs(self._ledger.position(symbol)) - self.covered(symbol) - self._register.leaving(symbol)

    def covered(self, symbol: Symbol) -> Steps:
        """Lot steps of the position that have a working stop, at the venue or held here."""
        return self._under(symbol, LIVE)

    def _under(self, symbol: Symbol, states: frozenset[State]) -> Steps:
        position = self._ledger.position(symbol)
        stops = [order for order in self._register.working(symbol) if order.guards(position) and order.state in states]
        return min(abs(position), sum(self._register.armed(order) for order in stops))

    def _by_others(self, symbol: Symbol) -> Steps:
        """Lot steps under stops of others: what was adopted has those first."""
        position, live = self._ledger.position(symbol), self._register.working(symbol)
        return sum(self._register.armed(order) for order in live if order.role is Role.EXTERNAL and order.guards(position))

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

    def _closing(self, symbol: Symbol) -> Steps:
        """What market orders on their way are closing."""
        sign = self._ledger.position(symbol)
        closes = [order for order in self._register.working(symbol) if order.role is Role.CLOSE]
        return sum(order.leaves for order in closes if order.type is OrderType.MARKET and order.side.sign * sign < 0)
