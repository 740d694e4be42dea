"""The order manager: journal first, send after. Every order of the terminal, a model's or a hand's, goes through `place`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.limits import Verdict
from engine.domain.market import Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Role, Side, State, TimeInForce, apply, terms
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Broker, Report
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot
from engine.risk.gate import Gate
from engine.risk.guard import HALTED

Emit = Callable[[f.Fact], None]
Release = Callable[[list[ClientOrderId], bool], None]
"""Lets orders leave, those of one call together; True where they only reduce, so that safety does not wait for the database."""
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
    ) -> None:
        self._emit = emit
        self._register = register
        self._ledger = ledger
        self._gate = gate
        self._broker = broker
        self._snapshot = snapshot
        self._prefix = prefix
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
        verdict = self._gate.check(draft, snapshot or self._snapshot())
        order = self._draft(draft, role, signal, tif, expires)
        if not verdict.approved:
            reason = "; ".join(verdict.reasons)
            self._emit(f.OrderDenied(**terms(order), reason=reason, limits=verdict.limits, largest=verdict.largest))
            return verdict
        self._send([order, *self._legs(order, draft, verdict.stop)])
        return verdict

    def protect(self, symbol: Symbol, side: Side, quantity: Steps, stop: Ticks | None, target: Ticks | None) -> None:
        """Stands a stop and a target, cancelling each other, over `quantity` of a position; `side` is the exit's."""
        oco = f"{self._next_id()}-oco" if stop is not None and target is not None else ""
        exits: list[Order] = []
        if stop is not None:
            exits.append(_exit(self._next_id(), symbol, side, quantity, stop, Role.STOP, oco=oco))
        if target is not None:
            exits.append(_exit(self._next_id(len(exits)), symbol, side, quantity, target, Role.TARGET, oco=oco))
        self._send(exits)

    def close(self, symbol: Symbol, quantity: Steps, signal: str = "", snapshot: Snapshot | None = None) -> Verdict:
        """Closes `quantity` of the position at the market."""
        side = Side.of(-self._ledger.position(symbol))
        draft = Draft(symbol, side, OrderType.MARKET, quantity, reduce_only=True)
        return self.place(draft, Role.CLOSE, signal, snapshot=snapshot)

    def cancel(self, order: Order, reason: str) -> None:
        """Asks the broker to cancel; a cancel already under way is not asked again."""
        if not order.may("CancelRequested"):
            return
        self._emit(f.CancelRequested(order.id, reason))
        self._broker.cancel(order.id)

    def cancel_entries(self, reason: str, symbols: Iterable[Symbol] = ()) -> None:
        """Cancels every live entry; protective orders stay."""
        wanted = set(symbols)
        for order in self._register.all_live():
            if order.role is Role.ENTRY and (not wanted or order.symbol in wanted):
                self.cancel(order, reason)

    def modify(self, order: Order, quantity: Steps, price: Ticks) -> None:
        """Asks for a new quantity (in all, filled part included) and price; not while another change is under way."""
        if not order.may("ModifyRequested"):
            return
        limit = price if order.type is OrderType.LIMIT else None
        stop = price if order.type is OrderType.STOP else None
        self._emit(f.ModifyRequested(order.id, quantity, limit, stop))
        self._broker.modify(order.id, quantity, limit, stop)

    def on_report(self, report: Report) -> Symbol | None:
        """Records what the broker said; the symbol whose position or exits it changed, if any. A known execution counts once.

        Raises IllegalTransition, with nothing on record, for what cannot happen to the order.
        """
        fact = report.fact
        if not isinstance(fact, f.OrderFact):
            self._emit(fact)
            return fact.symbol if isinstance(fact, f.PositionAdopted) else None
        if isinstance(fact, f.OrderFilled) and self._register.knows(fact.execution):
            return None
        if isinstance(fact, f.FillCorrected):
            return self._correct(fact)
        order = apply(self._register[fact.order], fact)
        if isinstance(fact, f.OrderFilled):
            self._fill(order, fact)
            return order.symbol
        self._emit(fact)
        leg_refused = isinstance(fact, f.OrderRejected) and order.parent
        return order.symbol if leg_refused or isinstance(fact, _CHANGES_EXITS) else None

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
        change = self._ledger.change(fact)
        self._emit(fact)
        self._emit(change)
        if order.filled > order.quantity:
            reason = f"order {order.id} was filled {order.filled} lot steps, more than the {order.quantity} it was for"
            self._emit(f.TradingStateChanged(HALTED, "overfill", reason))

    def _draft(self, draft: Draft, role: Role, signal: str, tif: TimeInForce, expires: Nanos | None) -> Order:
        limit = draft.price if draft.type is OrderType.LIMIT else None
        stop = draft.price if draft.type is OrderType.STOP else None
        return Order(
            id=self._next_id(),
            symbol=draft.symbol,
            side=draft.side,
            type=draft.type,
            quantity=draft.quantity,
            role=role,
            limit=limit,
            stop=stop,
            tif=tif,
            expires=expires,
            reduce_only=draft.reduce_only,
            signal=signal,
        )

    def _legs(self, entry: Order, draft: Draft, stop: Ticks | None) -> list[Order]:
        if draft.reduce_only or stop is None:
            return []
        side, oco = entry.side.opposite, f"{entry.id}-oco"
        legs = [_exit(f"{entry.id}-stop", entry.symbol, side, entry.quantity, stop, Role.STOP, oco, entry.id, entry.signal)]
        if draft.take_profit is not None:
            target = draft.take_profit
            legs.append(
                _exit(f"{entry.id}-target", entry.symbol, side, entry.quantity, target, Role.TARGET, oco, entry.id, entry.signal)
            )
        return legs

    def dispatch(self, orders: Sequence[ClientOrderId]) -> None:
        """Sends what is on record; what was ended meanwhile is left out."""
        due = [name for name in orders if self._register[name].state is State.INTENT]
        for name in due:
            self._emit(f.OrderSent(name))
        if due:
            self._broker.submit(*(self._register[name] for name in due))

    def _send(self, orders: list[Order]) -> None:
        for order in orders:
            self._emit(f.OrderIntended(**terms(order)))
        self.release([order.id for order in orders], all(order.reduce_only for order in orders))

    def _next_id(self, ahead: int = 0) -> ClientOrderId:
        return f"{self._prefix}{len(self._register.orders) + 1 + ahead:06d}"


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
