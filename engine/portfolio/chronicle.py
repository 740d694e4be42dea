"""What happened, as lists for people: orders, fills, round trips and signals, grown fact by fact."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol
from engine.domain.order import Order, Role, Side
from engine.domain.views import FillView, OrderView, SignalView, TradeView
from engine.portfolio.register import OrderRegister


@dataclass(slots=True)
class _Trip:
    """A round trip under way; values are price x steps sums of its entries and exits."""

    number: int
    side: Side
    opened: Nanos
    signal: str
    entered: Steps = 0
    entry_value: int = 0
    left: Steps = 0
    exit_value: int = 0
    realised: Cash = 0
    costs: Cash = 0


class Chronicle:
    """Feed it every record in order; the lists only grow, `orders` and `signals` change in place by key."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderView] = {}
        self.signals: dict[str, SignalView] = {}
        self.fills: list[FillView] = []
        self.trades: list[TradeView] = []
        self._register = OrderRegister()
        self._trips: dict[Symbol, _Trip] = {}
        self._held: dict[Symbol, Steps] = {}
        self._fill: f.OrderFilled | None = None

    def take(self, record: f.Record) -> None:
        """Takes one record in."""
        fact, at = record.fact, record.at
        if isinstance(fact, f.OrderFact):
            self._order(fact, at)
        match fact:
            case f.PositionChanged():
                self._position(fact, at)
            case f.FinancingCharged():
                if trip := self._trips.get(fact.symbol):
                    trip.costs += fact.amount
            case f.SignalEmitted():
                self.signals[fact.signal] = SignalView(fact, at, "auto")
            case f.CardOpened():
                self._outcome(fact.signal, "waiting", "")
            case f.CardDecided():
                self._outcome(fact.signal, fact.decision, fact.reason)
            case f.SignalDropped():
                self._outcome(fact.signal, "dropped", fact.reason)
            case _:
                pass

    def _outcome(self, signal: str, outcome: str, reason: str) -> None:
        known = self.signals[signal]
        self.signals[signal] = SignalView(known.signal, known.at, outcome, reason)

    def _order(self, fact: f.OrderFact, at: Nanos) -> None:
        order = self._register.apply(fact, at)
        reason = order.reason or (fact.reason if isinstance(fact, f.OrderDenied | f.OrderRejected) else "")
        self.orders[order.id] = OrderView(order, order.placed, at, reason)
        if isinstance(fact, f.OrderFilled):
            self._fill = fact

    def _position(self, fact: f.PositionChanged, at: Nanos) -> None:
        fill = self._fill
        assert fill is not None
        order = self._register[fill.order]
        self.fills.append(
            FillView(
                at,
                fill.order,
                fill.execution,
                fill.symbol,
                Side(fill.side),
                order.role,
                fill.quantity,
                fill.price,
                fill.commission,
                fact.realised,
            )
        )
        before = self._held.get(fact.symbol, 0)
        self._held[fact.symbol] = fact.quantity
        self._trip(fact, fill, order, before, at)

    def _trip(self, fact: f.PositionChanged, fill: f.OrderFilled, order: Order, before: Steps, at: Nanos) -> None:
        sign = Side(fill.side).sign
        closing = min(fill.quantity, abs(before)) if before * sign < 0 else 0
        opening = fill.quantity - closing
        if closing:
            trip = self._trips[fact.symbol]
            trip.left += closing
            trip.exit_value += fill.price * closing
            trip.realised += fact.realised
            trip.costs += fill.commission * closing // fill.quantity
            if closing == abs(before):
                self._close(fact.symbol, self._trips.pop(fact.symbol), order.role, at)
        if opening:
            fresh = _Trip(fact.trade, Side(fill.side), at, order.signal)
            trip = self._trips.setdefault(fact.symbol, fresh)
            trip.entered += opening
            trip.entry_value += fill.price * opening
            trip.costs += fill.commission - fill.commission * closing // fill.quantity

    def _close(self, symbol: Symbol, trip: _Trip, role: Role, at: Nanos) -> None:
        entry, exit_ = trip.entry_value / trip.entered, trip.exit_value / trip.left
        self.trades.append(
            TradeView(
                trip.number,
                symbol,
                trip.side,
                trip.entered,
                trip.opened,
                at,
                entry,
                exit_,
                trip.realised,
                trip.costs,
                trip.signal,
                role,
            )
        )
