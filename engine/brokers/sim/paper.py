"""Paper is a broker: the simulated venue on live prices, behind the same door as a venue outside."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from engine.brokers.sim.broker import SimBroker
from engine.brokers.sim.statement import executions, order_row, position_row
from engine.brokers.sim.terms import SimTerms
from engine.core.clock import SECOND, Clock, Nanos, SystemClock
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps, cash, money
from engine.domain.market import Depth, Quote, Symbol, Ticks, Trade
from engine.domain.order import ClientOrderId, Order, OrderType, TimeInForce
from engine.portfolio.ledger import Ledger
from engine.ports.broker import Report, ReportSink
from engine.ports.outside import Abilities
from engine.ports.venue import VenueCash, VenueOrder, VenueState

SERVER = "paper, in this program"


class PaperBroker:
    """An OutsideBroker whose venue is this program: it keeps the orders, the positions and the cash of a paper account.

    What it says goes to `sink` while it is asked; a session gives it one that keeps reports until the step is over. The venue
    knows of an order what is on record as its own word, so an order that no answer is recorded of never reached it. It never
    fills more than the market shows, and keeps limit orders in their queue.
    """

    name = "paper"
    is_live = False

    def __init__(
        self,
        instruments: Mapping[Symbol, Instrument],
        terms: SimTerms,
        sink: ReportSink,
        account: str,
        currency: str,
        balance: Decimal,
        clock: Clock | None = None,
    ) -> None:
        terms = replace(terms, sizes=True, queue=terms.queue or "trades", at_once=True)
        self._instruments = instruments
        self._sink = sink
        self._account = account
        self._currency = currency
        self._clock = clock or SystemClock()
        self._ledger = Ledger(instruments)
        self._ledger.opening = cash(balance)
        self._fills: list[tuple[f.OrderFilled, Nanos]] = []
        self._venue = SimBroker(instruments, terms, self._hear, self._clock.now)
        self._wake: asyncio.TimerHandle | None = None
        self.is_ready = False
        self.abilities = Abilities(
            types=frozenset(OrderType),
            tifs=frozenset(TimeInForce),
            brackets=True,
            groups=True,
            modifies=True,
            reduce_only=True,
            post_only=True,
            shorts=terms.venue.shorts,
        )

    # --- the connection -----------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Ready at once."""
        self.is_ready = True

    async def close(self) -> None:
        """Orders stay as they are, and are there again when the book goes on."""
        self.is_ready = False
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None

    async def standing(self, asked: Sequence[Order] = ()) -> VenueState:
        """Its own book. Executions are those of this process; those before it are on record."""
        book, way = self._venue.book, self._venue.under_way
        wanted = [book.orders[order.id] for order in asked if order.id in book.orders]
        return VenueState(
            server=SERVER,
            is_live=False,
            accounts=(self._account,),
            cash=(VenueCash(self._account, self._currency, money(self._cash()), money(self._cash())),),
            positions=tuple(
                position_row(self._account, self._instruments[symbol], holding.quantity, holding.basis)
                for symbol, holding in self._ledger.open.items()
            ),
            open_orders=tuple(map(self._row, (*book.all_live(), *way))),
            executions=executions(self._account, self._currency, self._instruments, self._fills),
            ended_orders=tuple(self._row(order) for order in wanted if not order.is_live),
        )

    def steps(self, symbol: Symbol, quantity: Decimal) -> Steps:
        """Paper counts in lots."""
        whole = quantity / self._instruments[symbol].lot_step
        if whole != whole.to_integral_value():
            raise BrokerError(f"{quantity} lots of {symbol} are not a whole number of lot steps; nothing of them was counted")
        return int(whole)

    # --- orders -------------------------------------------------------------------------------------------------------

    def submit(self, order: Order, *others: Order) -> None:
        if self.is_ready:
            self._venue.submit(order, *others)
            self._await_arrival()
            return
        for each in (order, *others):
            self._sink(Report(f.OrderRejected(each.id, "the paper account is closed; nothing was sent")))

    def cancel(self, order: ClientOrderId) -> None:
        if self.is_ready:
            self._venue.cancel(order)
            self._await_arrival()
        else:
            self._sink(Report(f.CancelRejected(order, "the paper account is closed")))

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        if self.is_ready:
            self._venue.modify(order, quantity, limit, stop)
            self._await_arrival()
        else:
            self._sink(Report(f.ModifyRejected(order, "the paper account is closed")))

    @property
    def next_arrival(self) -> Nanos | None:
        """When the next request takes effect, ns UTC; None while none is under way."""
        return self._venue.next_arrival

    # --- the market, and going on -------------------------------------------------------------------------------------

    def on_market(self, quote: Quote) -> None:
        self._venue.on_market(quote)

    def on_depth(self, book: Depth) -> None:
        """A book of the market that is played on."""
        self._venue.on_depth(book)

    def on_trade(self, trade: Trade) -> None:
        """A trade in the market that is played on."""
        self._venue.on_trade(trade)

    def on_time(self, at: Nanos) -> None:
        self._venue.on_time(at)

    def on_roll(self) -> None:
        self._venue.on_roll()

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        self._venue.on_night(weekday, symbols)

    def mark(self, quote: Quote) -> None:
        self._venue.mark(quote)

    def apply(self, fact: f.Fact) -> None:
        """Rebuilds orders, positions and cash from the record."""
        self._ledger.apply(fact)
        self._venue.apply(fact)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _hear(self, report: Report) -> None:
        fact = report.fact
        if isinstance(fact, f.OrderFilled):
            change = self._ledger.change(fact)
            self._ledger.apply(fact)
            self._ledger.apply(change)
            self._fills.append((fact, self._clock.now()))
        elif isinstance(fact, f.FinancingCharged):
            self._ledger.apply(fact)
        self._sink(report)

    def _await_arrival(self) -> None:
        """Where requests take time, they arrive though the market may be silent."""
        due = self._venue.next_arrival
        if due is not None and self._wake is None:
            wait = max(0, due - self._clock.now()) / SECOND
            self._wake = asyncio.get_running_loop().call_later(wait, self._arrive)

    def _arrive(self) -> None:
        self._wake = None
        self._venue.on_time(self._clock.now())
        self._await_arrival()

    def _cash(self) -> int:
        """Cash of the account; what is not held against margin was paid for."""
        paid = sum(it.basis for symbol, it in self._ledger.open.items() if not self._instruments[symbol].is_margined)
        return self._ledger.cash - paid

    def _row(self, order: Order) -> VenueOrder:
        return order_row(self._account, self._instruments[order.symbol], order)
