"""The order manager: journal first, send after. Every order of the terminal, a model's or a hand's, goes through `place`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.limits import Verdict
from engine.domain.market import Symbol, Ticks
from engine.domain.order import (
    TERMINAL,
    ClientOrderId,
    Order,
    OrderType,
    Role,
    Side,
    State,
    TimeInForce,
    apply,
    from_terms,
    terms,
)
from engine.execution.drafted import order_of
from engine.execution.lacks import as_sent, kept_back
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Broker, Report, TakenInKind
from engine.ports.outside import Abilities
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot
from engine.risk.gate import Gate
from engine.risk.guard import HALTED

Emit = Callable[[f.Fact], None]
Release = Callable[[list[ClientOrderId], bool], None]
"""Lets orders leave, those of one call together; True where they only reduce, so that safety does not wait for the database."""
OVERFILL = "overfill"
DISTRUST = frozenset({OVERFILL, "reconciliation"})
"""Causes of a halt that say that the books cannot be trusted: entries are taken back. An order that is at the venue twice is not
among them: both stay as they are, for it is not told which of them a cancel would meet."""
_CHANGES_EXITS = (f.OrderCancelled, f.OrderExpired, f.OrderModified)


class OrderManager:
    """Turns drafts into orders and reports into facts.

    `emit` records a fact and applies it to all state before it returns. `release` is given the orders that are on record and may
    leave: it calls `dispatch` at once, unless a live session puts another in its place, for which a record must be durable first.
    """

    def __init__(
        self,
        emit: Emit,
        register: OrderRegister,
        ledger: Ledger,
        gate: Gate,
        broker: Broker,
        snapshot: Callable[[], Snapshot],
        prefix: str,
        abilities: Abilities | None = None,
    ) -> None:
        self._emit = emit
        self._register = register
        self._ledger = ledger
        self._gate = gate
        self._broker = broker
        self._snapshot = snapshot
        self._prefix = prefix
        self.abilities = abilities
        self.on_held: Callable[[Order], None] = lambda _order: None
        """Told of an order that is kept back, once all that was dispatched with it is on its way."""
        self.objection: Callable[[Order], str] = lambda _order: ""
        """Live: what stands against an entry at the moment it would leave, however long ago the gate let it through."""
        self.release: Release = lambda orders, _safety: self.dispatch(orders)

    def place(
        self,
        draft: Draft,
        role: Role = Role.ENTRY,
        signal: str = "",
        tif: TimeInForce = TimeInForce.GTC,
        expires: Nanos | None = None,
        snapshot: Snapshot | None = None,
    ) -> Verdict:
        """Checks the draft and sends it, an opening order with its stop and target as a bracket; or denies it.

        `snapshot` is the book as it is now, where the caller has it at hand.
        """
        verdict, orders = self.intend(draft, role, signal, tif, expires, snapshot)
        if orders:
            self.let_go(orders)
        return verdict

    def intend(
        self,
        draft: Draft,
        role: Role = Role.ENTRY,
        signal: str = "",
        tif: TimeInForce = TimeInForce.GTC,
        expires: Nanos | None = None,
        snapshot: Snapshot | None = None,
        oco: str = "",
        after: ClientOrderId = "",
    ) -> tuple[Verdict, list[ClientOrderId]]:
        """Checks the draft and puts it on record with its legs, to be let go or withdrawn; no orders where it was denied."""
        verdict = self._gate.check(draft, snapshot or self._snapshot())
        order = order_of(draft, self._next_id(), role, signal, tif, expires)._replace(oco=oco, after=after)
        if not verdict.approved:
            reason = "; ".join(verdict.reasons)
            self._emit(f.OrderDenied(**terms(order), reason=reason, limits=verdict.limits, largest=verdict.largest))
            return verdict, []
        return verdict, self._record([order, *self._legs(order, draft, verdict.stop)])

    def let_go(self, orders: Sequence[ClientOrderId]) -> None:
        """Lets recorded orders leave together."""
        self.release(list(orders), all(self._register[name].reduce_only for name in orders))

    def pair_id(self) -> str:
        """The name of a group for the next order and one after it."""
        return f"{self._next_id()}-pair"

    def protect(
        self,
        symbol: Symbol,
        side: Side,
        quantity: Steps,
        stop: Ticks | None,
        target: Ticks | None,
        like: Order | None = None,
    ) -> None:
        """Stands a stop and a target, cancelling each other, over `quantity` of a position; `side` is the exit's. A stop `like`
        one that trailed trails, too."""
        oco = f"{self._next_id()}-oco" if stop is not None and target is not None else ""
        exits: list[Order] = []
        if stop is not None:
            exit_ = _exit(self._next_id(), symbol, side, quantity, stop, Role.STOP, oco=oco)
            if like is not None and (like.trail or like.trail_ppm):
                exit_ = exit_._replace(type=like.type, trail=like.trail, trail_ppm=like.trail_ppm)
            exits.append(exit_)
        if target is not None:
            exits.append(_exit(self._next_id(len(exits)), symbol, side, quantity, target, Role.TARGET, oco=oco))
        self.let_go(self._record(exits))

    def repeat(self, like: Order, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        """Places another order of the same kind for `quantity`; that of an entry has the stop and target of the first too."""
        again = _anew(like, self._next_id(), quantity)._replace(limit=limit, stop=stop)
        legs = {leg.role: leg for leg in map(self._register.__getitem__, reversed(self._register.children.get(like.id, ())))}
        copies = [
            _anew(leg, f"{again.id}-{leg.role.value}", quantity)._replace(parent=again.id, oco=f"{again.id}-oco")
            for leg in legs.values()
        ]
        self.let_go(self._record([again, *copies]))

    def close(self, symbol: Symbol, quantity: Steps, signal: str = "", snapshot: Snapshot | None = None) -> Verdict:
        """Closes `quantity` of the position at the market, in several orders where one may not be that large; the first answer
        that is a denial, else the last."""
        side = Side.of(-self._ledger.position(symbol))
        orders = max(1, -(-quantity // self._gate.largest_order(symbol)))
        for number in range(orders):
            part = (quantity + number) // orders
            draft = Draft(symbol, side, OrderType.MARKET, part, reduce_only=True)
            verdict = self.place(draft, Role.CLOSE, signal, snapshot=snapshot)
            if not verdict.approved:
                break
        return verdict

    def cancel(self, order: Order, reason: str) -> None:
        """Asks the broker to cancel; a cancel already under way is not asked again. What has not left is over at once."""
        order = self._register[order.id]  # an order that it counted on may have taken it along
        if order.state in (State.INTENT, State.HELD):
            self.drop(f.OrderCancelled(order.id, reason))
            return
        if not order.may("CancelRequested"):
            return
        self._emit(f.CancelRequested(order.id, reason))
        self._broker.cancel(order.id)

    def drop(self, end: f.OrderCancelled | f.OrderExpired) -> None:
        """Ends an order that has not left, with the legs and followers that have not left either."""
        self._emit(end)
        self.drop_dependents(self._register[end.order])

    def drop_dependents(self, ended: Order) -> None:
        """What has not left and counts on an order that ended without filling ends too."""
        legs = [self._register[name] for name in self._register.children.get(ended.id, ())] if not ended.filled else []
        followers = [order for order in self._register.held() if order.after == ended.id and ended.state is not State.FILLED]
        for order in (*legs, *followers):
            if order.state in (State.INTENT, State.HELD):
                self.drop(f.OrderCancelled(order.id, f"{ended.id} never {'filled whole' if order.after else 'opened'}"))

    def cancel_entries(self, reason: str, symbols: Iterable[Symbol] = ()) -> None:
        """Cancels every live entry; protective orders stay."""
        wanted = set(symbols)
        for order in self._register.all_live():
            if order.role is Role.ENTRY and (not wanted or order.symbol in wanted):
                self.cancel(order, reason)

    def modify(self, order: Order, quantity: Steps, price: Ticks, limit: Ticks | None = None) -> None:
        """Asks for a new quantity (in all, filled part included) and price; not while another change is under way.

        `price` is the limit of a limit order and the stop of any other; `limit` that of a stop-limit, None leaving it. Where the
        venue cannot change orders, the order is cancelled and one with the new terms takes its place once it is over.
        """
        stops = order.type is not OrderType.LIMIT
        new_limit = price if not stops else (limit or order.limit) if order.type is OrderType.STOP_LIMIT else None
        stop = price if stops else None
        if order.state is State.HELD:
            self._emit(f.OrderModified(order.id, quantity, new_limit, stop))
            return
        if not order.may("ModifyRequested"):
            return
        self._emit(f.ModifyRequested(order.id, quantity, new_limit, stop))
        if self.abilities is None or self.abilities.modifies:
            self._broker.modify(order.id, quantity, new_limit, stop)
        else:
            self.cancel(self._register[order.id], "another takes its place: the venue cannot change orders")

    def on_report(self, report: Report) -> Symbol | None:
        """Records what the broker said; the symbol whose position or exits it changed, if any. A known execution counts once.

        Raises IllegalTransition, with nothing on record, for what cannot happen to the order.
        """
        fact = report.fact
        if isinstance(fact, TakenInKind):
            return self._take_in_kind(fact)
        if isinstance(fact, f.TradingStateChanged) and fact.cause in DISTRUST:
            self._halt(fact)
            return None
        if not isinstance(fact, f.OrderFact):
            self._emit(fact)
            return fact.symbol if isinstance(fact, f.PositionAdopted) else None
        if isinstance(fact, f.OrderFilled) and self._register.knows(fact.execution):
            return None
        if isinstance(fact, f.FillCorrected):
            return self._correct(fact)
        if isinstance(fact, f.OrderAdopted):
            if fact.order not in self._register.orders:
                self._emit(fact)
                self._broker.apply(fact)
            return fact.symbol if self._register[fact.order].is_stop else None
        if isinstance(fact, f.CancelRejected | f.ModifyRejected) and self._register[fact.order].state in TERMINAL:
            return None  # it ended while the request was under way
        before = self._register[fact.order]
        order = apply(before, fact)
        if isinstance(fact, f.OrderFilled):
            self._fill(order, fact)
            return order.symbol
        self._emit(fact)
        leg_refused = isinstance(fact, f.OrderRejected) and (order.parent or order.is_stop)
        if leg_refused and order.parent and order.role is Role.STOP and self._register[order.parent].is_live:
            self.cancel(self._register[order.parent], "its stop was refused")
        growth_refused = isinstance(fact, f.ModifyRejected) and before.asked is not None and before.asked[0] > before.quantity
        return order.symbol if leg_refused or growth_refused or isinstance(fact, _CHANGES_EXITS) else None

    def _take_in_kind(self, taken: TakenInKind) -> Symbol | None:
        """The position without what the venue kept; one that is not there any more is for reconciliation."""
        held = self._ledger.open.get(taken.symbol)
        if held is None or held.quantity < taken.quantity:
            return None
        left = held.quantity - taken.quantity
        self._emit(f.PositionAdopted(taken.symbol, left, held.basis - taken.value if left else 0, taken.reason))
        return taken.symbol

    def _correct(self, fact: f.FillCorrected) -> Symbol | None:
        """A correction of what is not on record, or one that changes nothing, is passed over."""
        known = self._register.booked.get(fact.replaces)
        if known is None:
            return None
        if self._register.knows(fact.execution) and (known.price, known.quantity) == (fact.price, fact.quantity):
            return None
        change = self._ledger.correction(fact)
        self._emit(fact)
        self._emit(change)
        return fact.symbol

    def _fill(self, order: Order, fact: f.OrderFilled) -> None:
        change, before = self._ledger.change(fact), self._register[fact.order].state
        self._emit(fact)
        self._emit(change)
        if before in TERMINAL and before is not State.FILLED:
            self._emit(
                f.AlertRaised("late fill", f"order {order.id} was {before.value} and was filled all the same; it is booked")
            )
        if order.oco and order.reduce_only:
            self._check_group(order)
        if order.filled > order.quantity:
            reason = f"order {order.id} was filled {order.filled} lot steps, more than the {order.quantity} it was for"
            self._halt(f.TradingStateChanged(HALTED, OVERFILL, reason))

    def _halt(self, fact: f.TradingStateChanged) -> None:
        """The books cannot be trusted: what would open more is taken back, what closes stays."""
        self._emit(fact)
        self.cancel_entries(fact.reason)

    def _check_group(self, order: Order) -> None:
        """Orders that cancel each other may both fill where the venue is slow: that is booked, and said."""
        group = [self._register[name] for name in self._register.group(order)]
        filled = [other.id for other in group if other.filled]
        cover = max(other.quantity for other in group)
        cover = min(cover, self._register[order.parent].filled) if order.parent else cover
        if len(filled) > 1 and (total := sum(other.filled for other in group)) > cover:
            reason = f"{' and '.join(filled)} cancel each other and filled {total} lot steps of {cover}; look at the position"
            self._emit(f.AlertRaised("both filled", reason))

    def _legs(self, entry: Order, draft: Draft, stop: Ticks | None) -> list[Order]:
        """Each target with a stop of its own over its share of the entry, and a stop over what no target is for.

        A share is a group by itself, because venues shrink a group's orders in proportion, not by what was filled.
        """
        if draft.reduce_only or stop is None:
            return []
        legs = []
        for number, (target, quantity) in enumerate(draft.shares, start=1):
            word = str(number) if number > 1 else ""
            common = (entry.symbol, entry.side.opposite, quantity)
            ties = (f"{entry.id}-oco{word}", entry.id, entry.signal)
            leg = _exit(f"{entry.id}-stop{word}", *common, stop, Role.STOP, *ties)
            trails = OrderType.TRAILING if draft.stop_trail or draft.stop_trail_ppm else OrderType.STOP
            legs.append(leg._replace(type=trails, trail=draft.stop_trail, trail_ppm=draft.stop_trail_ppm))
            if target is not None:
                legs.append(_exit(f"{entry.id}-target{word}", *common, target, Role.TARGET, *ties))
        return legs

    def dispatch(self, orders: Sequence[ClientOrderId]) -> None:
        """Sends what is on record, holding back what the venue lacks; what was ended meanwhile is left out, and what may not
        be opened any more is ended."""
        for name in orders:
            order = self._register[name]
            if order.role is Role.ENTRY and order.state is State.INTENT and (why := self.objection(order)):
                self.drop(f.OrderCancelled(name, f"nothing was sent: {why}"))
        due = [name for name in orders if self._register[name].state is State.INTENT]
        leaving: list[ClientOrderId] = []
        for name in due:
            order = self._register[name]
            reason = "" if order.released else self._kept_back(order)
            self._emit(f.OrderHeld(name, reason) if reason else f.OrderSent(name))
            if not reason:
                leaving.append(name)
        if leaving:
            self._broker.submit(*(as_sent(self._register[name], self.abilities) for name in leaving))
        for name in due:
            if self._register[name].state is State.HELD:
                self.on_held(self._register[name])

    def _kept_back(self, order: Order) -> str:
        return kept_back(order, self._register, self.abilities, self._ledger.position(order.symbol))

    def _record(self, orders: list[Order]) -> list[ClientOrderId]:
        for order in orders:
            self._emit(f.OrderIntended(**terms(order)))
        return [order.id for order in orders]

    def _next_id(self, ahead: int = 0) -> ClientOrderId:
        return f"{self._prefix}{len(self._register.orders) + 1 + ahead:06d}"


def _anew(like: Order, identity: ClientOrderId, quantity: Steps) -> Order:
    """An order on the terms of another, before it is one."""
    return from_terms(f.OrderIntended(**terms(like)), like.placed)._replace(id=identity, quantity=quantity)


def _exit(
    identity: ClientOrderId,
    symbol: Symbol,
    side: Side,
    quantity: Steps,
    price: Ticks,
    role: Role,
    oco: str = "",
    parent: ClientOrderId = "",
    signal: str = "",
) -> Order:
    """A reduce-only stop or target."""
    stops = role is Role.STOP
    return Order(
        id=identity,
        symbol=symbol,
        side=side,
        type=OrderType.STOP if stops else OrderType.LIMIT,
        quantity=quantity,
        role=role,
        limit=None if stops else price,
        stop=price if stops else None,
        reduce_only=True,
        parent=parent,
        oco=oco,
        signal=signal,
    )
