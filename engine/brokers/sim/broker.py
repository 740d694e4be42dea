"""The simulated venue: fills orders from quotes by engine.rules, charges what a venue charges, holds brackets and groups.

Its book is rebuilt from facts (`apply`), so a run that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.brokers.sim.admission import refusal, would_deal
from engine.brokers.sim.asked import Asked
from engine.brokers.sim.charges import Charges
from engine.brokers.sim.families import Families
from engine.brokers.sim.flight import Cancel, Change, Flight, Request
from engine.brokers.sim.liquidity import Liquidity
from engine.brokers.sim.matching import Band, Match, calm_band, first_match, waits_at_limit
from engine.brokers.sim.queues import Queues, Served
from engine.brokers.sim.statement import broker_id
from engine.brokers.sim.terms import SimTerms
from engine.brokers.sim.trails import Trails
from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Depth, Quote, Symbol, Ticks, Trade
from engine.domain.order import ClientOrderId, Order, OrderType, Side, State, TimeInForce
from engine.portfolio.register import OrderRegister
from engine.ports.broker import Report, ReportSink

__all__ = ["SimBroker", "SimTerms"]

_AT_ONCE = {TimeInForce.IOC: "immediate or cancel", TimeInForce.FOK: "fill or kill"}


class SimBroker:
    """A Broker that matches resting orders against each quote, in the order of the quote's path.

    `clock` tells the time requests leave at, where they take time; without it that is the time of what it heard of last.
    """

    def __init__(
        self,
        instruments: Mapping[Symbol, Instrument],
        terms: SimTerms,
        sink: ReportSink,
        clock: Callable[[], Nanos] | None = None,
    ) -> None:
        self._instruments = instruments
        self._terms = terms
        self._is_observant = terms.is_observant
        self._is_slow = terms.latency > 0
        self._sink = sink
        self._clock = clock or (lambda: self._now)
        self._now: Nanos = 0
        self._book = OrderRegister()
        self._asked = Asked()
        self._flight = Flight(terms.latency)
        self._charges = Charges(instruments, terms.venue)
        self._liquidity = Liquidity()
        self._queues = Queues(self._liquidity, terms.queue == "sizes")
        self._families = Families(self._book, self._report)
        self._trails = Trails(self._book, self._armed, self._report)
        self._takers: set[ClientOrderId] = set()
        """Limit orders that could deal when they came, so that they pay for taking."""
        self._position: dict[Symbol, Steps] = {}
        self._last: dict[Symbol, Quote] = {}
        self._remembered: set[Symbol] = set()
        """Whose last quote is of before this process began."""
        self._calm: dict[Symbol, Band] = {}
        """Between these prices no resting order can fill; forgotten whenever an order changes."""

    # --- what the engine asks -----------------------------------------------------------------------------------------

    def submit(self, order: Order, *others: Order) -> None:
        """Accepts the orders, or refuses them; unless the terms say otherwise they meet the next quote at the earliest. A
        repeated id changes nothing."""
        old = self._resting()
        for each in (order, *others):
            if each.id not in self._book.orders and not self._flight.carries(each.id):
                self._ask(each)
        self._meet(old)

    def cancel(self, order: ClientOrderId) -> None:
        self._ask(Cancel(order))

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        """A price that is not given stays."""
        self._ask(Change(order, quantity, limit, stop))
        self._meet(self._resting() - {order})

    @property
    def book(self) -> OrderRegister:
        """The orders that have reached the venue. Read only."""
        return self._book

    @property
    def under_way(self) -> list[Order]:
        """Orders that have not reached it yet."""
        return self._flight.orders()

    @property
    def next_arrival(self) -> Nanos | None:
        """When the next request reaches it, ns UTC."""
        return self._flight.due

    # --- what the market does -----------------------------------------------------------------------------------------

    def on_market(self, quote: Quote) -> None:
        """Fills what the way from the last quote to this one reaches, nearest first."""
        symbol = quote.symbol
        before = self._last.get(symbol)
        self._last[symbol] = quote
        self._now = quote.at
        if self._remembered:
            self._remembered.discard(symbol)
        if self._is_observant and (served := self._observe(before, quote)):
            self._serve(served)
        if self._book.live.get(symbol):
            calm = self._calm.get(symbol)
            if calm is None or not _within(quote, calm):
                self._match(before, quote, set())
        if self._is_slow and self._flight.due is not None:
            self._arrive(quote)

    def on_depth(self, book: Depth) -> None:
        """A book of the venue; orders meet it with the next quote, or at once what takes of it, where the terms say so."""
        self._liquidity.on_depth(book)
        last, resting = self._last.get(book.symbol), self._book.live.get(book.symbol)
        if last is None or not resting:
            return
        if self._terms.queue:
            self._queues.on_depth(last, book.at, resting)
        if self._terms.at_once and book.symbol not in self._calm and self._stands(last):
            self._match(last, last._replace(path=False), set())

    def on_trade(self, trade: Trade) -> None:
        """A trade others made: resting limit orders are served by it when their turn in the queue has come."""
        if self._terms.queue:
            self._serve(self._queues.on_trade(trade, self._book.live.get(trade.symbol, {}), self._armed))

    def on_time(self, at: Nanos) -> None:
        """Requests arrive, and good-till-date orders expire."""
        self._now = max(self._now, at)
        if self._flight.due is not None:
            old = self._resting()
            self._meet(old - self._land(at))
        expiry = self._book.next_expiry()
        if expiry is None or expiry > at:
            return
        for order in self._book.all_live():
            if order.expires is not None and order.expires <= at and self._book[order.id].is_live:
                self._families.end(f.OrderExpired(order.id))

    def on_roll(self) -> None:
        """Expires day orders."""
        for order in self._book.all_live():
            if order.tif is TimeInForce.DAY and self._book[order.id].is_live:
                self._families.end(f.OrderExpired(order.id))

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        """Charges financing for the night that begins."""
        for symbol, quantity in self._position.items():
            if symbol in symbols:
                nights, amount = self._charges.financing(symbol, quantity, weekday)
                if amount:
                    self._sink(Report(f.FinancingCharged(symbol, quantity, nights, amount)))

    # --- going on where a book ended ----------------------------------------------------------------------------------

    def mark(self, quote: Quote) -> None:
        """A quote that was dealt with before this process began: only remembered."""
        before = self._last.get(quote.symbol)
        self._last[quote.symbol] = quote
        self._remembered.add(quote.symbol)
        self._now = quote.at
        if self._is_observant:
            self._observe(before, quote)

    def apply(self, fact: f.Fact) -> None:
        """Restores the venue's book from a recorded fact; what was only asked for is on its way."""
        match fact:
            case f.OrderIntended():
                self._asked.begin(fact)
            case f.OrderSent():
                self._asked.happened(fact)
                self._leave(self._asked[fact.order]._replace(state=State.SENT))
            case f.CancelRequested():
                self._leave(Cancel(fact.order))
            case f.ModifyRequested():
                self._leave(Change(fact.order, fact.quantity, fact.limit, fact.stop))
            case f.CancelRejected() | f.ModifyRejected():
                self._flight.land(self._clock())
            case f.OrderHeld() | f.OrderUnknown():
                self._asked.happened(fact)
            case f.OrderDenied() | f.FillCorrected() | f.CommissionCharged():
                pass
            case f.OrderFact():
                self._recall(fact)
            case f.PositionAdopted():
                self._position[fact.symbol] = fact.quantity
            case _:
                pass

    def _recall(self, fact: f.OrderFact) -> None:
        if (asked := self._asked.taken(fact)) is not None:
            self._book.adopt(asked)
        elif fact.order in self._asked or not (isinstance(fact, f.OrderAdopted) or fact.order in self._book.orders):
            return
        self._flight.land(self._clock())
        self._take(fact)

    def _leave(self, request: Request) -> None:
        if self._terms.latency:
            self._flight.leave(request, self._clock())

    # --- requests -----------------------------------------------------------------------------------------------------

    def _ask(self, request: Request) -> None:
        if self._terms.latency:
            self._flight.leave(request, self._clock())
        else:
            self._carry_out(request)

    def _arrive(self, quote: Quote) -> None:
        """Carries out what has arrived by this quote; new and changed orders meet it where it ended."""
        old = set(self._book.live.get(quote.symbol, {}))
        old -= self._land(quote.at)
        if self._book.live.get(quote.symbol, {}).keys() - old:
            self._match(quote, quote._replace(path=False), old)

    def _land(self, at: Nanos) -> set[ClientOrderId]:
        """Carries out what has arrived by `at`; the orders that were changed."""
        landed = self._flight.land(at)
        for request in landed:
            self._carry_out(request)
        return {request.order for request in landed if isinstance(request, Change)}

    def _resting(self) -> set[ClientOrderId]:
        """The orders that have met the market that stands."""
        return {order.id for order in self._book.all_live()} if self._terms.at_once else set()

    def _meet(self, old: set[ClientOrderId]) -> None:
        """Orders that were not among `old` meet the quotes that stand, where the terms say so."""
        if not self._terms.at_once:
            return
        for symbol in dict.fromkeys(order.symbol for order in self._book.all_live() if order.id not in old):
            if (last := self._last.get(symbol)) is not None and self._stands(last):
                self._match(last, last._replace(path=False), old)

    def _stands(self, last: Quote) -> bool:
        """Whether an order may meet this quote: one of before this process, or too old to be traded on, is no market."""
        age = self._clock() - last.at
        return last.symbol not in self._remembered and age <= self._instruments[last.symbol].stale_after_s * SECOND

    def _carry_out(self, request: Request) -> None:
        match request:
            case Order():
                self._receive(request)
            case Cancel():
                self._cancel(request.order)
            case Change():
                self._change(request)

    def _receive(self, order: Order) -> None:
        last = self._last.get(order.symbol)
        refused = refusal(order, self._book, self._position, last, self._terms.venue)
        self._book.adopt(order._replace(state=State.SENT))
        if refused:
            self._report(f.OrderRejected(order.id, refused))
            self._families.settle(order.id)
            return
        self._report(f.OrderAccepted(order.id, broker_id(order.id)))
        if last is not None and not order.parent:
            self._trails.begin(order.id, last)

    def _cancel(self, name: ClientOrderId) -> None:
        known = self._book.orders.get(name)
        if known is None or not known.is_live:
            self._sink(Report(f.CancelRejected(name, "the venue has no such working order")))
            return
        self._families.end(f.OrderCancelled(name, "as asked"))

    def _change(self, asked: Change) -> None:
        known = self._book.orders.get(asked.order)
        if known is None or not known.is_live or asked.quantity <= known.filled:
            self._sink(Report(f.ModifyRejected(asked.order, "the venue has no such working order with that much left")))
            return
        limit = known.limit if asked.limit is None else asked.limit
        stop = known.stop if asked.stop is None else asked.stop
        if known.post_only and would_deal(known._replace(limit=limit), self._last.get(known.symbol)):
            self._sink(Report(f.ModifyRejected(asked.order, "post-only: it would have dealt at once")))
            return
        self._report(f.OrderModified(asked.order, asked.quantity, limit, stop))

    # --- dealing ------------------------------------------------------------------------------------------------------

    def _observe(self, before: Quote | None, quote: Quote) -> Served:
        """What the quote shows; who was served by what changed since the one before it."""
        self._liquidity.on_quote(before, quote)
        if not self._terms.queue:
            return []
        return self._queues.on_quote(before, quote, self._book.live.get(quote.symbol, {}), self._armed)

    def _match(self, before: Quote | None, quote: Quote, done: set[ClientOrderId]) -> None:
        working = self._book.live[quote.symbol]
        if before is None or not quote.path:
            before = quote
        while match := first_match(working, done, before, quote, self._terms, self._armed):
            before = match.reached
            self._deal(match, done)
        self._kill_immediate(quote.symbol)
        band = calm_band(working, self._terms.through)
        if band == _RESTLESS:
            self._trails.follow(quote)
        if _within(quote, band):
            self._calm[quote.symbol] = band
        else:  # what was reached here and not filled whole may fill on the way out
            self._calm.pop(quote.symbol, None)

    def _deal(self, match: Match, done: set[ClientOrderId]) -> None:
        order = match.order
        if match.triggers:
            self._report(f.OrderTriggered(order.id))
            return
        slices = self._slices(match)
        whole = sum(steps for _, steps in slices)
        if whole < match.armed:
            done.add(order.id)
        if order.tif is TimeInForce.FOK and not order.parent and whole < order.quantity:
            done.add(order.id)
            return
        if not whole and order.type is not OrderType.MARKET and not order.triggered and not waits_at_limit(order):
            self._report(f.OrderTriggered(order.id))
        for price, steps in slices:
            self._fill(order, price, steps)
        if whole:
            self._families.settle(order.id)
            for leg in self._book.children.get(order.id, ()):
                self._trails.begin(leg, match.reached)

    def _slices(self, match: Match) -> list[tuple[Ticks, Steps]]:
        """At which prices how much of the order deals now."""
        order, bound = match.order, self._terms.fill_steps
        wanted = min(match.armed, bound) if bound else match.armed
        limits = waits_at_limit(order)
        makes = limits and (order.post_only or (self._is_observant and order.id not in self._takers))
        price = order.limit if makes and order.limit is not None else match.price
        if not self._terms.sizes:
            return [(price, wanted)]
        reached = match.reached
        levels = self._liquidity.deals(reached, order.side.sign, order.limit if limits else None, wanted)
        if levels is None:
            return [(price, wanted)]
        if makes:
            return [(price, sum(steps for _, steps in levels))] if levels else []
        slips = 0 if limits or self._liquidity.has_book(reached) else order.side.sign * self._terms.slippage
        return [(at + slips, steps) for at, steps in levels]

    def _serve(self, served: Served) -> None:
        """Limit orders whose turn in the queue came; they deal at their own price."""
        for name, steps in served:
            order = self._book[name]
            if order.is_live and order.limit is not None and (steps := min(steps, self._armed(order))):
                self._fill(order, order.limit, steps)
                self._families.settle(name)

    def _fill(self, order: Order, price: Ticks, quantity: Steps) -> None:
        execution = f"{order.id}/{self._book.executions(order.id) + 1}"
        commission = self._charges.commission(order, price, quantity, self._makes(order))
        self._report(f.OrderFilled(order.id, execution, order.symbol, order.side.value, price, quantity, commission))

    def _makes(self, order: Order) -> bool:
        return order.post_only or (order.type is OrderType.LIMIT and order.id not in self._takers)

    def _kill_immediate(self, symbol: Symbol) -> None:
        """What an order could not fill at once is cancelled where it must not wait, or has nothing to reduce."""
        for order in self._book.working(symbol):
            stranded = order.type is OrderType.MARKET and order.reduce_only and not self._armed(order)
            if stranded or (order.tif in _AT_ONCE and not order.parent):
                self._families.end(f.OrderCancelled(order.id, "nothing left to reduce" if stranded else _AT_ONCE[order.tif]))

    # --- the book -----------------------------------------------------------------------------------------------------

    def _report(self, fact: f.OrderFact) -> None:
        self._take(fact)
        self._sink(Report(fact))

    def _take(self, fact: f.OrderFact) -> None:
        """What happens to the book by a fact, whether it is said now or recalled."""
        if isinstance(fact, f.OrderFilled):
            self._charges.note(fact, self._makes(self._book[fact.order]))
        order = self._book.apply(fact, 0)
        self._calm.pop(order.symbol, None)
        if isinstance(fact, f.OrderFilled):
            self._position[order.symbol] = self._position.get(order.symbol, 0) + order.side.sign * fact.quantity
            if self._terms.sizes and (last := self._last.get(order.symbol)) is not None:
                self._liquidity.take(last, order.side.sign, fact.price, fact.quantity)
        if isinstance(fact, f.OrderAccepted | f.OrderModified | f.OrderTriggered) and waits_at_limit(order):
            self._rest(order, isinstance(fact, f.OrderModified))
        if not order.is_live:
            self._queues.leave(order.id)
            self._takers.discard(order.id)

    def _rest(self, order: Order, is_known: bool) -> None:
        """A limit order comes to rest, or could deal where it is."""
        if would_deal(order, self._last.get(order.symbol)) or (order.symbol not in self._last and not is_known):
            self._takers.add(order.id)
            return
        self._takers.discard(order.id)
        if self._terms.queue:
            self._queues.join(order, self._last.get(order.symbol), self._clock())

    def _armed(self, order: Order) -> Steps:
        """How much may fill now; what only reduces, or may not sell short, never more than the position."""
        armed = self._book.armed(order)
        held = -self._position.get(order.symbol, 0) * order.side.sign
        if order.reduce_only or (order.side is Side.SELL and not self._terms.venue.shorts):
            return min(armed, max(0, held))
        return armed


_RESTLESS: Band = (0, 0, 0, 0)


def _within(quote: Quote, band: Band) -> bool:
    return band[0] < quote.bid < band[1] and band[2] < quote.ask < band[3]
