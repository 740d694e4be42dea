"""Every open unit has a stop: exits are kept as large as the position, and what is bare is covered at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import LIVE, ClientOrderId, Order, OrderType, Role, Side, State
from engine.domain.protection import ProtectionTerms
from engine.execution.adopted import Adopted
from engine.execution.levels import Part, StopLevels
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.risk.exposure import mark
from engine.rules import fills

NEVER: Nanos = 1 << 62
CLOSE = "close"
AS_IT_WAS = 2
"""How often a stop that ends without a refusal is placed where it was, before it is placed at the default distance."""
MOST_DOUBLINGS = 10
AT_VENUE = frozenset({State.ACCEPTED, State.PARTIALLY_FILLED, State.PENDING_MODIFY, State.PENDING_CANCEL})


@dataclass(slots=True)
class _Gap:
    """An instrument that lost its stop: `stops` are those placed since, `due` when the next attempt is, `said` why none can be
    made now."""

    since: Nanos
    attempts: int = 0
    closes: int = 0
    said: str = ""
    stops: list[ClientOrderId] = field(default_factory=list)
    due: Nanos = 0


class Protection:
    """Called after every change of a position. `distance` gives the default stop's distance (ticks) of an instrument, `clock`
    the time, `is_cut_off` whether nothing can reach the venue. Adopted units without a stop wait for their owner; see
    engine.execution.adopted. A stop that is lost stands again where it was; see engine.execution.levels."""

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
        self._quotes = quotes
        self._distance = distance
        self._terms = terms or ProtectionTerms()
        self._clock = clock
        self._is_cut_off = is_cut_off
        self._gaps: dict[Symbol, _Gap] = {}
        self._mended: dict[Symbol, _Gap] = {}
        self._told: dict[Symbol, Steps] = {}
        self.awaited: Callable[[Symbol], Steps] = lambda _symbol: 0
        """Lot steps about to get a stop that is held back until the venue has answered to others."""

    def settle(self, symbol: Symbol) -> None:
        """Cancels exits that no longer exit anything, shrinks those that are too large, covers what has no stop."""
        position = self._ledger.position(symbol)
        for order in self._register.working(symbol):
            if order.reduce_only and order.side.sign * position >= 0 and not self._waits(order):
                self._manager.cancel(order, "the position it stood over is gone")
        if not position:
            self._gaps.pop(symbol, None)
            self._mended.pop(symbol, None)
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
            self._mend(symbol, position, bare)

    def on_time(self, at: Nanos) -> None:
        """Tries again what is due by `at`."""
        for symbol in [symbol for symbol, gap in self._gaps.items() if gap.due <= at]:
            self.settle(symbol)
            gap = self._gaps.get(symbol)
            if gap is None or gap.due > at:
                continue
            if any(self._register[name].is_live and not self._was_heard_of(name) for name in gap.stops):
                gap.due = at + self._terms.pause
            else:
                del self._gaps[symbol]

    @property
    def due(self) -> Nanos:
        """When `on_time` is to be called; far away where every open unit has its stop."""
        if not self._gaps:
            return NEVER
        for symbol in [symbol for symbol, gap in self._gaps.items() if self._is_mended(gap)]:
            self._mended[symbol] = self._gaps.pop(symbol)
        return min((gap.due for gap in self._gaps.values()), default=NEVER)

    def waiting(self, symbol: Symbol) -> Steps:
        """Adopted lot steps without a stop that wait for their owner's choice."""
        return max(0, min(self._bare(symbol) - self._closing(symbol), self.adopted.undecided(symbol)))

    def bare(self, symbol: Symbol) -> Steps:
        """Lot steps that the terminal has to cover and that have no stop now."""
        return self._bare(symbol) - self.adopted.units(symbol) - self.awaited(symbol)

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
        stops = [
            order
            for order in self._exits(symbol)
            if order.role is Role.STOP and order.side.sign * position < 0 and order.state in states
        ]
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

    def _closing(self, symbol: Symbol) -> Steps:
        """What market orders on their way are closing."""
        sign = self._ledger.position(symbol)
        closes = [order for order in self._register.working(symbol) if order.role is Role.CLOSE]
        return sum(order.leaves for order in closes if order.type is OrderType.MARKET and order.side.sign * sign < 0)

    def _is_mended(self, gap: _Gap) -> bool:
        """Whether every stop that was placed stands at the venue or is held here, or has done its work."""
        return bool(gap.stops) and all(self._was_heard_of(name) and not self._has_failed(name) for name in gap.stops)

    def _was_heard_of(self, name: ClientOrderId) -> bool:
        stop = self._register[name]
        return bool(stop.broker_id) or stop.filled > 0 or stop.state is State.HELD

    def _has_failed(self, name: ClientOrderId) -> bool:
        stop = self._register[name]
        return not stop.is_live and stop.state is not State.FILLED

    def _mend(self, symbol: Symbol, position: Steps, bare: Steps) -> None:
        """Places stops, again after a pause where one did not last, and at last closes what has none."""
        now, terms, gap = self._clock(), self._terms, self._gap(symbol)
        tries = not gap.stops or any(map(self._has_failed, gap.stops))
        if tries and now < gap.due:
            return
        if self._is_cut_off():
            self._wait(symbol, bare, gap, f"the venue is out of reach; a stop is placed as soon as it is back{self._stated}")
            return
        parts = [(part, self._objection(position, part, gap)) for part in self.levels.parts(symbol, bare)]
        if symbol not in self._quotes and sum(part.units for part, objection in parts if not objection) < bare:
            self._wait(symbol, bare, gap, f"no price is known to place a stop at; it is placed at the first{self._stated}")
            return
        over = gap.since + terms.within
        gap.due = now + terms.pause if now >= over else min(now + terms.pause, over)
        if tries and (terms.policy == CLOSE or gap.attempts >= terms.attempts or now >= over):
            self._close(symbol, bare - self._closing(symbol), gap)
        else:
            gap.attempts += tries
            self._cover(symbol, position, bare, parts, gap)

    def _gap(self, symbol: Symbol) -> _Gap:
        """The one that is open, or that was mended a moment ago by stops that did not last; else a new one."""
        now, gap, before = self._clock(), self._gaps.get(symbol), self._mended.pop(symbol, None)
        if gap is not None and self._is_mended(gap) and now >= gap.due:
            gap = None
        elif gap is None and before is not None and now < before.due:
            gap = before
        self._gaps[symbol] = gap = gap or _Gap(now)
        return gap

    def _wait(self, symbol: Symbol, bare: Steps, gap: _Gap, why: str) -> None:
        """What cannot be sent was not refused: it neither counts as an attempt, nor does time run meanwhile."""
        gap.since = self._clock()
        gap.due = gap.since + self._terms.pause
        if gap.said != why:
            gap.said = why
            self._emit(f.ProtectionMissing(symbol, bare, why))

    def _close(self, symbol: Symbol, bare: Steps, gap: _Gap) -> None:
        """What is not closed either is asked for again, ever more rarely."""
        if bare <= 0:
            return
        pause = self._terms.pause
        gap.due = self._clock() + max(pause, min(pause << min(gap.closes, MOST_DOUBLINGS), self._terms.within))
        gap.closes += 1
        why = f"{gap.attempts} stops were refused" if gap.attempts else "the policy is to close"
        self._emit(f.ProtectionMissing(symbol, bare, f"it is closed at the market, for {why}"))
        self._manager.close(symbol, bare)

    # --- where the next stop stands -----------------------------------------------------------------------------------

    def _cover(self, symbol: Symbol, position: Steps, bare: Steps, parts: list[tuple[Part, str]], gap: _Gap) -> None:
        """Each stop that was lost stands again where it was; the default distance is for what never had one, what would trigger
        at once, and what the venue refused."""
        known = len(self._register.orders)
        for part, objection in parts:
            bare -= part.units
            if objection:
                self._stand_anew(symbol, position, part.units, part.level, objection)
            else:
                self._say(symbol, part.units, f"a stop was placed at {part.level} ticks, where its owner had it")
                self._manager.protect(symbol, Side.of(-position), part.units, part.level, None, part.stop)
        if bare > 0:
            self._stand_anew(symbol, position, bare)
        gap.stops += [name for name in list(self._register.orders)[known:] if self._register[name].role is Role.STOP]

    def _objection(self, position: Steps, part: Part, gap: _Gap) -> str:
        """Why the stop cannot stand where it was; "" where it can."""
        stop, quote = part.stop, self._quotes.get(part.stop.symbol)
        if quote is not None and fills.stop_reached(stop.side.sign, mark(position, quote), part.level):
            return "the market is through that"
        if stop.id in gap.stops and self.levels.was_refused(stop):
            return "the venue refused that"
        return "it did not stay there" if gap.attempts > AS_IT_WAS and stop.id in gap.stops else ""

    def _stand_anew(self, symbol: Symbol, position: Steps, units: Steps, instead_of: Ticks = 0, why: str = "") -> None:
        """At the default distance."""
        at, side = mark(position, self._quotes[symbol]), Side.of(-position)
        stop = at + side.sign * self._distance(symbol, at)
        instead = f", the default distance; its owner had it at {instead_of}, but {why}" if instead_of else ""
        self._say(symbol, units, f"a stop was placed at {stop} ticks{instead}", instead_of)
        self._manager.protect(symbol, side, units, stop, None)

    def _say(self, symbol: Symbol, units: Steps, action: str, instead_of: Ticks = 0) -> None:
        self._emit(f.ProtectionMissing(symbol, units, f"{action}{self._stated}", instead_of=instead_of))

    @property
    def _stated(self) -> str:
        return f"; if none holds within {self._terms.within / SECOND:g} s of that it is closed at the market"
