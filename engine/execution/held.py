"""Orders that the engine holds because their venue cannot, and what it does about them as fills and quotes come.

Everything is decided from the register, so that a restart goes on where facts end. Only how far a trailing stop has come since it
was last recorded is kept in memory.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import STOPS, TERMINAL, ClientOrderId, Order, OrderType, Role, Side, State, TimeInForce
from engine.execution.lacks import AT_VENUE, free, locks, stops_at_venue, waits
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.rules import fills

TRAIL_EVERY: Nanos = SECOND
"""A trailing stop that is moved from here is moved no more often than this ..."""
TRAIL_STEPS = 20
"""... and by no less than its distance divided by this."""
AGAIN: Nanos = SECOND
"""How soon what a venue refused to cancel or change is asked for again ..."""
RAREST: Nanos = 16 * SECOND
"""... at first; each refusal in a row doubles it up to this."""
NEVER: Nanos = 1 << 62
MOST_STOPS = 3
"""So many stops over one entry may rest side by side: exchanges take few such orders. Then one makes way for a bigger."""
UNDER_WAY = frozenset({State.INTENT, State.SENT, State.PENDING_MODIFY, State.PENDING_CANCEL})
"""States that end with the venue's answer, or as unknown."""


class Held:
    """Watches over what `manager` keeps back; `abilities` None is a venue that holds all but orders that follow others."""

    def __init__(
        self, emit: Emit, manager: OrderManager, register: OrderRegister, ledger: Ledger, clock: Callable[[], Nanos]
    ) -> None:
        self._emit = emit
        self._manager = manager
        self._abilities = manager.abilities
        self._register = register
        self._ledger = ledger
        self._best: dict[ClientOrderId, Ticks] = {}
        self._moved: dict[ClientOrderId, Nanos] = {}
        self._clock = clock
        self._pauses: dict[ClientOrderId, Nanos] = {}
        self._again: dict[ClientOrderId, Nanos] = {}
        self._awaited: dict[str, tuple[Symbol, Steps, list[ClientOrderId]]] = {}
        self.level: Callable[[Order], Ticks | None] = lambda stop: stop.stop
        """Where the owner wants a stop, or what took its place."""
        manager.on_held = self._advance

    # --- what the pipeline tells --------------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        """Moves trailing stops and lets go what the quote reaches."""
        watched = self._register.watched.get(quote.symbol)
        if not watched or self._abilities is None:
            return
        for name in tuple(watched):
            self._watch(self._register[name], quote)

    def on_report(self, fact: f.OrderFact) -> None:
        """The order changed: what waited for that goes on. What was refused is asked for again later: at once, it would only be
        refused again, without end."""
        name = fact.order
        order = self._register[name]
        for follower in [each for each in self._register.held() if each.after == name]:
            self._follow(follower, order)
        if isinstance(fact, f.CancelRejected | f.ModifyRejected) and order.state not in TERMINAL:
            pause = self._pauses[name] = min(2 * self._pauses.get(name, AGAIN // 2), RAREST)
            self._again[name] = self._clock() + pause
            return
        if order.state in TERMINAL:
            self._best.pop(name, None)
            self._moved.pop(name, None)
            self._pauses.pop(name, None)
            self._again.pop(name, None)
            self._manager.drop_dependents(order)
        if self._abilities is not None:
            if isinstance(fact, f.OrderCancelled) and order.asked is not None and not self._abilities.modifies:
                self._replace(order)
            self._outside(order)

    @property
    def due(self) -> Nanos:
        """When `on_time` is to be called for what was refused."""
        return min(self._again.values(), default=NEVER)

    def on_time(self, at: Nanos) -> None:
        """Ends orders whose date has come and which the venue does not end; asks again for what was refused."""
        for order in self._register.expired(at):
            self._end(order, TimeInForce.GTD, "its date has come")
        for name in [name for name, due in self._again.items() if due <= at]:
            del self._again[name]
            if self._abilities is not None:
                self._outside(self._register[name])

    def on_roll(self) -> None:
        """Ends day orders that the venue does not end."""
        for order in self._register.all_live():
            if order.tif is TimeInForce.DAY:
                self._end(order, TimeInForce.DAY, "its day is over")

    def _end(self, order: Order, tif: TimeInForce, reason: str) -> None:
        order = self._register[order.id]
        if order.state is State.HELD:
            self._manager.drop(f.OrderExpired(order.id))
        elif self._abilities is not None and tif not in self._abilities.tifs:
            self._manager.cancel(order, reason)

    # --- orders that follow others ------------------------------------------------------------------------------------

    def _follow(self, follower: Order, leader: Order) -> None:
        if leader.state is State.FILLED and not self._waits(follower):
            self._release(follower, follower.quantity)

    def _release(self, order: Order, quantity: Steps) -> None:
        """Lets a held order go, with the legs that rest at the venue beside it."""
        self._emit(f.OrderReleased(order.id, quantity))
        leaving = [order.id]
        legs = [self._register[name] for name in self._register.children.get(order.id, ())]
        for leg in legs:
            if leg.state is State.HELD and not self._waits(leg):
                self._emit(f.OrderReleased(leg.id, leg.quantity))
                leaving.append(leg.id)
        self._manager.let_go(leaving)

    # --- a venue that lacks something ---------------------------------------------------------------------------------

    def _outside(self, order: Order) -> None:
        abilities = self._abilities
        assert abilities is not None
        answered = order.state in (State.ACCEPTED, State.PARTIALLY_FILLED)
        if order.tif is TimeInForce.IOC and order.tif not in abilities.tifs and answered:
            self._manager.cancel(order, "immediate or cancel")
        if not abilities.brackets:
            for entry in (order.id, order.parent):
                stands = order.role is Role.STOP and order.state in AT_VENUE
                if (order.filled or stands) and entry in self._register.children:
                    self._stand_guard(self._register[entry])
        if order.oco:
            self._loosen(order)
        for name in tuple(self._register.watched.get(order.symbol, ())):
            self._advance(self._register[name])

    def _replace(self, order: Order) -> None:
        """The venue cannot change orders: the one that was to change is over, and one with the new terms takes its place."""
        assert order.asked is not None
        quantity, limit, stop = order.asked
        if quantity > order.filled:
            self._manager.repeat(order, quantity - order.filled, limit, stop)

    def _stand_guard(self, entry: Order) -> None:
        """Stops over all that the entry filled: those that wait leave, those that stand grow or are joined by another."""
        legs = [self._register[name] for name in self._register.children[entry.id]]
        for group in dict.fromkeys(leg.oco for leg in legs):
            stops = [leg for leg in legs if leg.oco == group and leg.role is Role.STOP]
            waiting = [leg for leg in stops if leg.state is State.HELD]
            standing = [leg for leg in stops if leg.state is State.INTENT or leg.state in AT_VENUE]
            if not stops:
                continue
            watched = [leg for leg in waiting if leg.triggered or self._waits(leg)]
            self._awaited.pop(group or entry.id, None)
            missing = self._missing(self._share(entry, legs, group), stops[0], [*standing, *watched])
            if missing <= 0:
                continue
            if watched:
                self._manager.modify(watched[-1], watched[-1].quantity + missing, watched[-1].stop or 0)
            else:
                self._add(waiting, standing, stops[-1], missing)

    def _share(self, entry: Order, legs: list[Order], group: str) -> Steps:
        """How much of the entry a group of legs is for: as much as its target, or what no target is for."""
        targets = {leg.oco: leg.quantity for leg in legs if leg.role is Role.TARGET}
        return targets[group] if group in targets else entry.quantity - sum(targets.values())

    def _missing(self, share: Steps, like: Order, standing: list[Order]) -> Steps:
        """What the entry filled of the share, over which no stop stands, its own or another, and which is not leaving either."""
        register = self._register
        taken = sum(register[name].filled for name in register.group(like))
        here = min(share, register.cover(like)) - taken - sum(register.armed(stop) for stop in standing)
        here -= register.leaving(like.symbol, like.oco) if like.oco else 0
        live = register.live.get(like.symbol, {}).values()
        others = [o for o in live if o.role is Role.STOP and o.side is like.side and o.state is not State.HELD]
        bare = -self._ledger.position(like.symbol) * like.side.sign - sum(register.armed(stop) for stop in others)
        return min(here, bare - register.leaving(like.symbol))

    def _add(self, waiting: list[Order], standing: list[Order], like: Order, missing: Steps) -> None:
        """Puts a stop over what is missing. Where enough of them rest there one grows, as soon as one has been answered."""
        assert self._abilities is not None
        able = [stop for stop in standing if stop.may("ModifyRequested") and not stop.triggered]
        under_way = [stop.id for stop in standing if stop.state in UNDER_WAY]
        if waiting:
            self._advance(waiting[0])
        elif able and able[-1] is standing[-1] and self._abilities.modifies:
            self._grow(able[-1], missing)
        elif able and len(standing) >= MOST_STOPS:
            self._grow(min(able, key=lambda stop: stop.leaves), missing)
        elif under_way and len(standing) >= MOST_STOPS:
            self._awaited[like.oco or like.parent] = like.symbol, missing, under_way
        else:
            like = standing[-1] if standing else like
            self._manager.repeat(like, missing, like.limit, self.level(like))

    def awaited(self, symbol: Symbol) -> Steps:
        """Lot steps that get their stop once the venue has answered to those under way: in time, or they become unknown."""
        waits = [it for it in self._awaited.values() if it[0] == symbol]
        return sum(steps for _, steps, stops in waits if any(self._register[stop].state in UNDER_WAY for stop in stops))

    def _grow(self, stop: Order, by: Steps) -> None:
        assert stop.stop is not None
        self._manager.modify(stop, stop.quantity + by, stop.stop)

    def _loosen(self, order: Order) -> None:
        """What one of a group filled, the others lose, where the venue does not see to it."""
        for name in self._register.group(order):
            other = self._register[name]
            if other.id == order.id or not other.is_live or not order.filled:
                continue
            if other.role is Role.ENTRY and (other.state is State.HELD or not self._groups):
                self._manager.cancel(other, f"{order.id}, the other order of the pair, filled")
            elif other.state is State.HELD and not self._register.armed(other) and self._is_over(other):
                self._manager.cancel(other, f"{order.id} filled first")

    @property
    def _groups(self) -> bool:
        return self._abilities is None or self._abilities.groups

    def _is_over(self, leg: Order) -> bool:
        """True once the entry of a leg fills no more."""
        return not leg.parent or not self._register[leg.parent].is_live

    # --- watching prices ----------------------------------------------------------------------------------------------

    def _watch(self, order: Order, quote: Quote) -> None:
        abilities, touch = self._abilities, quote.ask if order.side is Side.BUY else quote.bid
        assert abilities is not None
        if not self._register.armed(order) or (order.after and self._register[order.after].state is not State.FILLED):
            return
        if order.type is OrderType.TRAILING and order.type not in abilities.types:
            self._trail(order, touch, quote.at)
        if order.state is not State.HELD or order.triggered:
            return
        if order.tif is TimeInForce.FOK and order.tif not in abilities.tifs:
            self._fill_or_kill(order, touch, quote.ask_size if order.side is Side.BUY else quote.bid_size)
        elif self._reached(order, touch):
            self._emit(f.OrderTriggered(order.id))
            self._advance(self._register[order.id])

    def _reached(self, order: Order, touch: Ticks) -> bool:
        sign = order.side.sign
        if order.type in STOPS:
            level = self._best.get(order.id, order.stop)
            return level is not None and bool(fills.stop_reached(sign, touch, level))
        return order.limit is not None and bool(fills.limit_reached(sign, touch, order.limit, 0))

    def _trail(self, order: Order, touch: Ticks, at: Nanos) -> None:
        """Lets the stop come closer; recorded, and told to the venue that holds it as a plain stop, in steps."""
        before = self._best.get(order.id, order.stop)
        best = fills.trail_stop(order.side.sign, before or 0, before is not None, touch, order.trail, order.trail_ppm)
        self._best[order.id] = best
        far = order.stop is None or TRAIL_STEPS * abs(best - order.stop) >= abs(touch - best)
        if best == order.stop or not far or at - self._moved.get(order.id, 0) < TRAIL_EVERY:
            return
        if order.state is State.HELD:
            self._emit(f.OrderTrailed(order.id, best))
        elif order.may("ModifyRequested"):
            self._manager.modify(order, order.quantity, best)
        else:
            return
        self._moved[order.id] = at

    def _fill_or_kill(self, order: Order, touch: Ticks, size: Steps) -> None:
        """Goes when the quote shows the whole of it at its price, else it is over; the venue may still fill a part of it."""
        reached = order.limit is None or fills.limit_reached(order.side.sign, touch, order.limit, 0)
        if reached and size >= order.quantity:
            self._release(order, order.quantity)
        else:
            self._manager.drop(f.OrderExpired(order.id))

    # --- exits that must have their stops out of the way --------------------------------------------------------------

    def _advance(self, order: Order) -> None:
        """Lets a held order go that is due, once nothing stands in its way; asks what does to go."""
        if order.state is not State.HELD or not self._is_due(order):
            return
        if order.role is Role.ENTRY:
            self._release(order, order.quantity)
            return
        armed, position = self._register.armed(order), self._ledger.position(order.symbol)
        open_ = -position * order.side.sign
        wanted = min(armed, open_ - self._closing(order))
        assert self._abilities is not None
        if order.role is Role.STOP and (locks(self._abilities) or not order.triggered):
            wanted = min(wanted if order.triggered else armed, free(order, self._register, position))
        if not armed or open_ <= 0:
            self._manager.cancel(order, "what it was to close is closed")
        elif wanted > 0 and (not self._frees(order) or self._make_way(order, wanted)):
            self._release(order, order.filled + wanted)

    def _closing(self, order: Order) -> Steps:
        """What other orders on their way are about to close at the market."""
        others = [o for o in self._register.live.get(order.symbol, {}).values() if o.side is order.side and o.id != order.id]
        leaving = [o for o in others if o.state is State.INTENT or o.state in AT_VENUE]
        return sum(o.leaves for o in leaving if o.reduce_only and (o.triggered or o.type is OrderType.MARKET))

    def _is_due(self, order: Order) -> bool:
        if order.after and self._register[order.after].state is not State.FILLED:
            return False
        if order.role is Role.STOP and order.reduce_only:
            return order.triggered or not self._waits(order)
        return order.triggered or (order.role is Role.CLOSE and order.type is OrderType.MARKET)

    def _waits(self, order: Order) -> str:
        return waits(order, self._register, self._abilities)

    def _frees(self, order: Order) -> bool:
        """Whether stops must go first: its own, for they could fill too, or any, where stops lock what they sell."""
        assert self._abilities is not None
        if order.role is Role.TARGET:
            return not self._abilities.groups
        return order.role is Role.CLOSE and locks(self._abilities)

    def _make_way(self, order: Order, wanted: Steps) -> bool:
        """True when no stop at the venue stands over what is to be closed; else those that do are asked to shrink or go."""
        armed = self._register.armed
        stops = [stop for stop in stops_at_venue(order, self._register) if not stop.triggered]
        own = [stop for stop in stops if order.oco and stop.oco == order.oco]
        standing = sum(armed(stop) for stop in own)
        excess = standing - (max(armed(order), standing) - wanted) if own else 0
        assert self._abilities is not None
        locked = 0
        if locks(self._abilities) or order.role is Role.TARGET:
            open_ = abs(self._ledger.position(order.symbol)) - self._closing(order)
            locked = sum(armed(stop) for stop in stops) + wanted - open_
        if excess <= 0 and locked <= 0:
            return True
        self._shrink(own, excess)
        self._shrink(stops, locked)
        return False

    def _shrink(self, stops: list[Order], by: Steps) -> None:
        """Asks stops to shrink or go, one after another, less what was asked already."""
        stops = [self._register[stop.id] for stop in stops]
        by -= sum(self._register.going(stop) for stop in stops)
        for stop in stops:
            armed = self._register.armed(stop)
            if by <= 0 or not armed or self._register.going(stop) or stop.id in self._again:
                continue
            cut = min(by, armed)
            by -= cut
            if cut == armed:
                self._manager.cancel(stop, "what it stood over is being closed")
            elif stop.stop is not None:
                self._manager.modify(stop, stop.quantity - cut, stop.stop)
