"""What happened, as lists for people: orders, fills, round trips and signals, grown fact by fact."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol
from engine.domain.order import Order, Role, Side
from engine.domain.views import FillView, OrderView, SignalView, TradeView
from engine.portfolio.register import Execution, OrderRegister


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
        self._correction: tuple[Execution, f.FillCorrected] | None = None
        self._places: dict[str, int] = {}
        self._tick_values: dict[Symbol, Cash] = {}
        self._trades = 0

    def take(self, record: f.Record) -> None:
        """Takes one record in."""
        fact, at = record.fact, record.at
        if isinstance(fact, f.OrderFact):
            self._order(fact, at)
        match fact:
            case f.InstrumentListed():
                self._tick_values[fact.symbol] = fact.tick_value
            case f.PositionChanged():
                if self._correction:
                    self._correct(fact, *self._correction, at)
                    self._correction = None
                else:
                    self._position(fact, at)
            case f.PositionAdopted():
                self._begin(fact.symbol, fact.quantity, fact.basis, at)
            case f.CommissionCharged():
                self._charge(fact)
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
        if isinstance(fact, f.FillCorrected):
            self._correction = self._register.booked[fact.replaces], fact
        order = self._register.apply(fact, at)
        reason = order.reason or (fact.reason if isinstance(fact, f.OrderDenied | f.OrderRejected) else "")
        self.orders[order.id] = OrderView(order, order.placed, at, reason)
        if isinstance(fact, f.OrderFilled):
            self._fill = fact

    def _position(self, fact: f.PositionChanged, at: Nanos) -> None:
        fill = self._fill
        assert fill is not None
        order = self._register[fill.order]
        self._places[fill.execution] = len(self.fills)
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
            self._trades = max(self._trades, trip.number)
            trip.entered += opening
            trip.entry_value += fill.price * opening
            trip.costs += fill.commission - fill.commission * closing // fill.quantity

    def _charge(self, fact: f.CommissionCharged) -> None:
        place = self._places[fact.execution]
        self.fills[place] = replace(self.fills[place], commission=self.fills[place].commission + fact.amount)
        if trip := self._trips.get(fact.symbol):
            trip.costs += fact.amount

    def _begin(self, symbol: Symbol, quantity: Steps, basis: Cash, at: Nanos, trade: int = 0) -> None:
        """A trip that is known by what is held only: adopted, or opened again by a correction. What ended so is no round trip."""
        before = self._trips.pop(symbol, None)
        self._held[symbol] = quantity
        if quantity:
            side = Side.of(quantity)
            goes_on = before is not None and before.side is side
            number = trade or (before.number if before and goes_on else self._trades + 1)
            opened = before.opened if before and goes_on else at
            value = abs(basis) // self._tick_values[symbol]
            self._trips[symbol] = _Trip(number, side, opened, "", entered=abs(quantity), entry_value=value)
            self._trades = max(self._trades, number)

    def _correct(self, change: f.PositionChanged, old: Execution, new: f.FillCorrected, at: Nanos) -> None:
        """A fill in the table is told anew, and so is the trip under way; of a trip that is over only the profit."""
        place = self._places[new.execution] = self._places[new.replaces]
        known = self.fills[place]
        self.fills[place] = replace(
            known,
            execution=new.execution,
            quantity=new.quantity,
            price=new.price,
            commission=new.commission,
            realised=known.realised + change.realised,
        )
        trip, cost = self._trips.get(new.symbol), new.commission - old.commission
        steps, value = new.quantity - old.quantity, new.price * new.quantity - old.price * old.quantity
        if trip is not None and change.quantity * trip.side.sign > 0:
            self._held[new.symbol] = change.quantity
            trip.realised += change.realised
            trip.costs += cost
            if Side(new.side) is trip.side:
                trip.entered, trip.entry_value = trip.entered + steps, trip.entry_value + value
            else:
                trip.left, trip.exit_value = trip.left + steps, trip.exit_value + value
        elif trip is None and not change.quantity:
            self._retell(new.symbol, change.realised, cost)
        else:
            self._begin(new.symbol, change.quantity, change.basis, at, change.trade)

    def _retell(self, symbol: Symbol, realised: Cash, cost: Cash) -> None:
        """The last round trip of the symbol brought that much more."""
        for place in range(len(self.trades) - 1, -1, -1):
            if (trade := self.trades[place]).symbol == symbol:
                self.trades[place] = replace(trade, realised=trade.realised + realised, costs=trade.costs + cost)
                return

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
