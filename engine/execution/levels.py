"""Where the owner or the strategy had the stops of each position: what is lost stands there again. A fold over facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import TERMINAL, ClientOrderId, Order, Role, State
from engine.execution.adopted import Choice
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister

NOTHING_SENT = "nothing was sent"
"""What brokers say in a rejection that is no word of the venue's."""


class Part(NamedTuple):
    """`units` lot steps that have lost `stop`, which its owner had at `level` last."""

    stop: Order
    level: Ticks
    units: Steps


@dataclass(slots=True)
class _Lost:
    stop: ClientOrderId
    units: Steps


class StopLevels:
    """Lot steps whose stops have ended, newest last, each until another stop takes its place or the position is gone.

    `covered` tells how many lot steps of a position have a stop. A stop that was placed elsewhere because its owner's level would
    not do stands in for that level until its owner moves it.
    """

    def __init__(self, register: OrderRegister, ledger: Ledger, covered: Callable[[Symbol], Steps]) -> None:
        self._register = register
        self._ledger = ledger
        self._covered = covered
        self._signs: dict[Symbol, int] = {}
        self._lost: dict[Symbol, list[_Lost]] = {}
        self._latest: dict[Symbol, ClientOrderId] = {}
        self._new: dict[Symbol, Steps] = {}
        self._heirs: dict[Symbol, dict[ClientOrderId, ClientOrderId]] = {}
        self._wanted: dict[Symbol, Ticks] = {}
        self._stand_ins: dict[ClientOrderId, tuple[Ticks, Ticks | None]] = {}
        self._unknown: set[ClientOrderId] = set()

    # --- the fold -----------------------------------------------------------------------------------------------------

    def on_stop(self, stop: Order, fact: f.OrderFact) -> None:
        """A fact of a stop, ours or of others, which is `stop` after it."""
        if isinstance(fact, f.OrderIntended):
            self._begins(stop)
        elif isinstance(fact, f.OrderUnknown):
            self._unknown.add(stop.id)
        elif stop.state in TERMINAL and not isinstance(fact, f.OrderFilled):
            if (units := self._register.armed(stop)) and stop.side.sign == -self._signs.get(stop.symbol, 0):
                self._lose(stop.symbol, stop.id, units)
        elif isinstance(fact, f.OrderAccepted):
            self._unknown.discard(stop.id)

    def apply(self, fact: f.Fact) -> None:
        """Takes in positions, and where a stop is placed instead of its owner's level."""
        match fact:
            case f.PositionChanged():
                self._turn(fact.symbol, fact.quantity)
                self._fill(fact)
            case f.PositionAdopted():
                self._turn(fact.symbol, fact.quantity)
            case f.ProtectionChosen(symbol=symbol, choice=Choice.ATTACH.value):
                self._new[symbol] = abs(self._ledger.position(symbol)) - self._covered(symbol)
            case f.ProtectionMissing():
                self._wanted[fact.symbol] = fact.instead_of
            case _:
                pass

    def _turn(self, symbol: Symbol, quantity: Steps) -> None:
        """A position that is gone, or points the other way, begins anew."""
        sign = (quantity > 0) - (quantity < 0)
        if sign != self._signs.get(symbol, 0):
            self._signs[symbol] = sign
            self._lost.pop(symbol, None)
            self._latest.pop(symbol, None)
            self._new.pop(symbol, None)
            self._heirs.pop(symbol, None)

    def _fill(self, fact: f.PositionChanged) -> None:
        """What an entry opens whose stop had ended before has lost that stop, too."""
        fill = self._register.booked.get(fact.execution)
        entry = self._register.orders.get(fill.order) if fill is not None else None
        if entry is None or fill is None or not fact.quantity or (fill.side == "buy") != (fact.quantity > 0):
            return
        legs = [self._register[name] for name in self._register.children.get(entry.id, ())]
        ended = [leg for leg in legs if leg.role is Role.STOP and not leg.is_live]
        if ended:
            self._lose(fact.symbol, ended[-1].id, fill.quantity)

    def _lose(self, symbol: Symbol, stop: ClientOrderId, units: Steps) -> None:
        """No more is lost than has no stop now; what was lost long ago has one by then."""
        self._latest[symbol] = stop
        bare = abs(self._ledger.position(symbol)) - self._covered(symbol)
        lost = [*self._lost.get(symbol, ()), _Lost(stop, units)]
        kept: list[_Lost] = []
        for each in reversed(lost):
            if bare > 0:
                kept.append(_Lost(each.stop, min(each.units, bare)))
                bare -= each.units
        self._lost[symbol] = kept[::-1]

    def _begins(self, stop: Order) -> None:
        """A stop over what is open takes the place of those that were lost last."""
        instead_of = self._wanted.pop(stop.symbol, 0)
        if stop.parent and not self._register[stop.parent].filled:
            return
        if instead_of:
            self._stand_ins[stop.id] = instead_of, stop.stop
        lost, units = self._lost.get(stop.symbol, []), stop.quantity
        while lost and units > 0:
            taken = min(units, lost[-1].units)
            units -= taken
            lost[-1].units -= taken
            self._heirs.setdefault(stop.symbol, {})[lost[-1].stop] = stop.id
            if not lost[-1].units:
                lost.pop()
        self._new[stop.symbol] = max(0, self._new.get(stop.symbol, 0) - units)

    # --- reading ------------------------------------------------------------------------------------------------------

    def level(self, stop: Order) -> Ticks | None:
        """Where its owner wants this stop, or what took its place: by the last change that was asked for and not refused."""
        heirs = self._heirs.get(stop.symbol, {})
        while stop.id in heirs:
            stop = self._register[heirs[stop.id]]
        wanted = stop.stop if stop.asked is None or stop.asked[2] is None else stop.asked[2]
        level, placed = self._stand_ins.get(stop.id, (wanted, wanted))
        return level if wanted == placed else wanted

    def parts(self, symbol: Symbol, bare: Steps) -> list[Part]:
        """Which stops `bare` lot steps have lost, the last lost first; what none of those stood over counts to the closest that
        stands or stood last. What is left over never had one: what was adopted, and is given its first stop."""
        found = []
        for lost in reversed(self._lost.get(symbol, ())):
            stop, units = self._register[lost.stop], min(lost.units, bare)
            level = self.level(stop)
            if units > 0 and level is not None:
                found.append(Part(stop, level, units))
                bare -= units
        bare -= self._new.get(symbol, 0)
        if bare > 0 and (stands := self._closest(symbol)) is not None:
            found.append(Part(*stands, bare))
        return found

    def was_refused(self, stop: Order) -> bool:
        """Whether the venue itself said no: not one that nobody found there, and not one that never left."""
        return stop.state is State.REJECTED and stop.id not in self._unknown and NOTHING_SENT not in stop.reason

    def _closest(self, symbol: Symbol) -> tuple[Order, Ticks] | None:
        side = -self._signs.get(symbol, 0)
        live = [order for order in self._register.working(symbol) if order.is_stop and order.side.sign == side]
        ended = [self._register[self._latest[symbol]]] if symbol in self._latest else []
        stops = [*(stop for stop in live if self._register.armed(stop)), *ended]
        known = [(stop, level) for stop in stops if (level := self.level(stop)) is not None]
        return min(known, key=lambda it: it[1] * side, default=None)
