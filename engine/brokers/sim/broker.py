"""The simulated venue: fills orders from quotes by engine.rules, charges what a broker charges, holds brackets and OCO.

Its book is rebuilt from facts (`apply`), so a run that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.brokers.sim.matching import Band, Match, calm_band, first_match
from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, State, TimeInForce
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Report, ReportSink
from engine.rules import costs


@dataclass(frozen=True, slots=True)
class SimTerms:
    """How the venue deals: `slippage` ticks on market and stop fills, `through` ticks a limit must be passed by,
    `fill_steps` the most one quote fills of one order (0 = no bound, so no partial fills)."""

    slippage: Ticks = 2
    through: Ticks = 0
    fill_steps: Steps = 0


class SimBroker:
    """A Broker that matches resting orders against each quote, in the order of the quote's path."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], terms: SimTerms, sink: ReportSink) -> None:
        self._instruments = instruments
        self._terms = terms
        self._sink = sink
        self._book = OrderRegister()
        self._position: dict[Symbol, Steps] = {}
        self._last: dict[Symbol, Quote] = {}
        self._calm: dict[Symbol, Band] = {}
        """Between these prices no resting order can fill; forgotten whenever an order changes."""

    # --- what the engine asks -----------------------------------------------------------------------------------------

    def submit(self, order: Order, *others: Order) -> None:
        """Accepts the orders; they meet the next quote at the earliest. A repeated id changes nothing."""
        for each in (order, *others):
            if each.id not in self._book.orders:
                self._book.adopt(each._replace(state=State.SENT))
                self._report(f.OrderAccepted(each.id, f"sim-{each.id}"))

    def cancel(self, order: ClientOrderId) -> None:
        known = self._book.orders.get(order)
        if known is None or not known.is_live:
            self._sink(Report(f.CancelRejected(order, "the venue has no such working order")))
            return
        self._end(f.OrderCancelled(order, "as asked"))

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        known = self._book.orders.get(order)
        if known is None or not known.is_live or quantity <= known.filled:
            self._sink(Report(f.ModifyRejected(order, "the venue has no such working order with that much left")))
            return
        self._report(f.OrderModified(order, quantity, limit, stop))

    # --- what the market does -----------------------------------------------------------------------------------------

    def on_market(self, quote: Quote) -> None:
        """Fills what the way from the last quote to this one reaches, nearest first."""
        symbol = quote.symbol
        before = self._last.get(symbol)
        self._last[symbol] = quote
        working = self._book.live.get(symbol)
        if not working:
            return
        calm = self._calm.get(symbol)
        if calm is not None and _within(quote, calm):
            return
        if before is None or not quote.path:
            before = quote
        done: set[ClientOrderId] = set()
        while match := first_match(working, done, before, quote, self._terms, self._armed):
            before = match.reached
            self._deal(match, done)
        self._kill_immediate(symbol)
        band = calm_band(working, self._terms.through)
        if _within(quote, band):
            self._calm[symbol] = band
        else:  # what was reached here and not filled whole may fill on the way out
            self._calm.pop(symbol, None)

    def on_time(self, at: Nanos) -> None:
        """Expires good-till-date orders."""
        expiry = self._book.next_expiry()
        if expiry is None or expiry > at:
            return
        for order in self._book.all_live():
            if order.expires is not None and order.expires <= at and self._book[order.id].is_live:
                self._end(f.OrderExpired(order.id))

    def on_roll(self) -> None:
        """Expires day orders."""
        for order in self._book.all_live():
            if order.tif is TimeInForce.DAY and self._book[order.id].is_live:
                self._end(f.OrderExpired(order.id))

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        """Charges financing for the night that begins."""
        for symbol, quantity in self._position.items():
            if symbol not in symbols:
                continue
            instrument = self._instruments[symbol]
            nights = costs.nights(weekday, -1 if instrument.triple_night is None else instrument.triple_night)
            amount = costs.financing(quantity, instrument.financing_long, instrument.financing_short, nights)
            if amount:
                self._sink(Report(f.FinancingCharged(symbol, quantity, nights, amount)))

    def mark(self, quote: Quote) -> None:
        """A quote that was dealt with before this process began: only remembered."""
        self._last[quote.symbol] = quote

    def apply(self, fact: f.Fact) -> None:
        """Restores the venue's book from a recorded fact; what was only asked for is not the venue's to know."""
        match fact:
            case f.OrderDenied() | f.CancelRequested() | f.ModifyRequested() | f.CancelRejected() | f.ModifyRejected():
                pass
            case f.OrderFact():
                self._take(fact)
            case _:
                pass

    # --- the book -----------------------------------------------------------------------------------------------------

    def _report(self, fact: f.OrderFact) -> None:
        self._take(fact)
        self._sink(Report(fact))

    def _take(self, fact: f.OrderFact) -> None:
        order = self._book.apply(fact, 0)
        self._calm.pop(order.symbol, None)
        if isinstance(fact, f.OrderFilled):
            self._position[order.symbol] = self._position.get(order.symbol, 0) + order.side.sign * fact.quantity

    def _armed(self, order: Order) -> Steps:
        """How much may fill now; a reduce-only order never more than the position it reduces."""
        if order.state is State.INTENT:
            return 0
        armed = self._book.armed(order)
        if order.reduce_only:
            return min(armed, max(0, -self._position.get(order.symbol, 0) * order.side.sign))
        return armed

    def _deal(self, match: Match, done: set[ClientOrderId]) -> None:
        order, instrument = match.order, self._instruments[match.order.symbol]
        quantity = min(match.armed, self._terms.fill_steps) if self._terms.fill_steps else match.armed
        if quantity < match.armed:
            done.add(order.id)
        per_step, ppm = instrument.commission, instrument.commission_ppm
        commission = costs.commission(match.price, quantity, instrument.tick_value, per_step, ppm)
        execution = f"{order.id}/{self._book.executions(order.id) + 1}"
        side, price = order.side.value, match.price
        self._report(f.OrderFilled(order.id, execution, order.symbol, side, price, quantity, commission))
        self._settle(order.id)

    def _kill_immediate(self, symbol: Symbol) -> None:
        """What an IOC or a reduce-only market order could not fill at once is cancelled."""
        for order in self._book.working(symbol):
            stranded = order.type is OrderType.MARKET and order.reduce_only and not self._armed(order)
            if stranded or (order.tif is TimeInForce.IOC and not order.parent):
                reason = "nothing left to reduce" if stranded else "immediate or cancel"
                self._end(f.OrderCancelled(order.id, reason))

    def _end(self, fact: f.OrderCancelled | f.OrderExpired) -> None:
        self._report(fact)
        self._settle(fact.order)

    def _settle(self, ended: ClientOrderId) -> None:
        """After a fill or an end: legs of an entry that is over shrink to it, and legs with nothing left to do go."""
        order = self._book[ended]
        if order.oco and order.filled:
            self._release(self._book.group(order), "the other leg filled")
        if order.state in (State.CANCELLED, State.EXPIRED):
            reason = "the entry filled no more" if order.filled else "the entry never opened"
            self._release(self._book.children.get(ended, []), reason)

    def _release(self, legs: list[ClientOrderId], reason: str) -> None:
        for leg in [self._book[name] for name in legs]:
            parent = self._book[leg.parent] if leg.parent else None
            if not leg.is_live or (parent is not None and parent.is_live):
                continue
            if not self._book.armed(leg):
                self._report(f.OrderCancelled(leg.id, reason))
            elif parent is not None and leg.quantity > parent.filled:
                self._report(f.OrderModified(leg.id, parent.filled, leg.limit, leg.stop))


def _within(quote: Quote, band: Band) -> bool:
    return band[0] < quote.bid < band[1] and band[2] < quote.ask < band[3]
