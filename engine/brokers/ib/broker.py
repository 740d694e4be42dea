"""Interactive Brokers as a broker: orders out, reports in, over a connection that keeps itself alive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from ib_async import Order as IbOrder
from ib_async import Position

from engine.brokers.ib import codes, months, resets
from engine.brokers.ib.book import Book, Entry
from engine.brokers.ib.contracts import called, is_future
from engine.brokers.ib.link import Link, Unanswered
from engine.brokers.ib.listing import Listed, find, month_for
from engine.brokers.ib.lookup import LookUp
from engine.brokers.ib.margin import margin_of
from engine.brokers.ib.orders import ABILITIES, Terms, steps_from_ib, to_ib
from engine.brokers.ib.reconnect import Sleep, Upkeep, started
from engine.brokers.ib.reconnect import ended as gone
from engine.brokers.ib.reports import OrderReports
from engine.brokers.ib.sending import Sending
from engine.brokers.ib.standing import ended
from engine.brokers.ib.venue import IbVenue
from engine.core.clock import Clock, Nanos, SystemClock
from engine.core.errors import BrokerError, NiceGoldError
from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.domain.instrument import Instrument, Steps
from engine.domain.margin import Margin
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, from_terms
from engine.domain.order import apply as after
from engine.market.rolling import Rolling
from engine.ports.broker import Report, ReportSink
from engine.ports.venue import VenueAddress, VenueState

NOTHING_SENT = "nothing was sent"
MOST_LOOKS = 3
NO_REQUEST = -1
"""What TWS calls in a message that is about nothing it was asked."""


@dataclass(frozen=True, slots=True)
class IbOptions:
    """`months` says which contract of a future is meant ("GC": "G26"), else it is the one that is held or in front by `rolling`
    when the session begins, and stays it until `deal_in`. `outside_rth`: orders work outside regular hours, too. `binds_manual`:
    with client id 0 orders typed into TWS can be cancelled and changed from here."""

    months: Mapping[Symbol, str] = field(default_factory=dict)
    rolling: Mapping[Symbol, Rolling] = field(default_factory=dict)
    outside_rth: bool = True
    binds_manual: bool = False
    heartbeat_s: float = 15.0


class IbBroker:
    """An OutsideBroker at TWS or IB Gateway. To be made inside the running loop; `instruments` are those that will be traded.

    `timeout_s` is how long a submit may go unanswered before it is reported unknown; `address.timeout` is for questions.
    """

    name = "ib"
    abilities = ABILITIES

    def __init__(
        self,
        address: VenueAddress,
        instruments: Mapping[Symbol, Instrument],
        sink: ReportSink,
        *,
        clock: Clock | None = None,
        timeout_s: float = 10.0,
        random: Random | None = None,
        sleep: Sleep = asyncio.sleep,
        options: IbOptions | None = None,
    ) -> None:
        self._options = options or IbOptions()
        self._instruments = dict(instruments)
        self._sink = sink
        self._clock: Clock = clock or SystemClock()
        self._listed: dict[Symbol, Listed] = {}
        self._unlisted: dict[Symbol, str] = {}
        self._venue: IbVenue | None = None
        self._restored: asyncio.Task[None] | None = None
        self._book = Book()
        self._look_up = LookUp(self._answering, sleep)
        self._reports = OrderReports(
            self._book,
            self._instruments.__getitem__,
            sink,
            self._look_up.add,
            self._clock,
            client_id=address.client_id,
            timeout_s=timeout_s,
        )
        self._look_up.reports = self._reports
        self._sending = Sending(self._book, self._reports, sink)
        self._upkeep = Upkeep(
            address,
            self._open,
            self._up,
            self._down,
            random=random or Random(),
            sleep=sleep,
            heartbeat_s=self._options.heartbeat_s,
        )

    @property
    def is_ready(self) -> bool:
        """Whether IB itself can be reached."""
        return self._venue is not None and self._venue.is_ready

    @property
    def is_live(self) -> bool:
        """Whether money is at stake: as the accounts are, and before they are known as is expected."""
        return self._venue.is_live if self._venue is not None else self._upkeep.address.is_live

    @property
    def trouble(self) -> str:
        """The sentence for what keeps orders from being sent; "" while they can be."""
        venue = self._venue
        if venue is None:
            return self._upkeep.trouble or "not connected to TWS; connect first"
        return venue.link.trouble

    async def connect(self) -> None:
        """Connects, and from then on keeps itself connected. BrokerError where the first attempt fails: it goes on trying until
        `close`, except after NotAdmitted."""
        await self._upkeep.start()

    def resume(self, port: int = 0) -> None:
        """The owner's word after a client id in use, another kind of account or a moved port: try again, there if it is given."""
        self._upkeep.resume(port)

    async def close(self) -> None:
        """Ends the connection; orders stay at the venue as they are."""
        await self._look_up.close()
        await gone(self._restored)
        await self._upkeep.close()
        self._venue = None
        self._sending.link = None
        for entry in self._book:
            entry.calm()

    # --- orders -------------------------------------------------------------------------------------------------------

    def submit(self, order: Order, *others: Order) -> None:
        """Sends an order and what hangs together with it. An order that was given before is not sent again."""
        fresh = [it for it in (order, *others) if it.id not in self._book.entries]
        if not fresh:
            return
        try:
            self._may_send()
            self._insist_on_parents(fresh)
            places = [self._place(it, fresh) for it in fresh]
            sent = [(it, place, self._to_ib(it, place)) for it, place in zip(fresh, places, strict=True)]
        except NiceGoldError as error:
            for each in fresh:
                self._soon(f.OrderRejected(each.id, f"{error}; {NOTHING_SENT}"))
            return
        self._sending.submit(sent)

    def cancel(self, order: ClientOrderId) -> None:
        """Asks for a cancel."""
        try:
            self._may_send()
            self._sending.cancel(order)
        except NiceGoldError as error:
            reason = f"{error}; {NOTHING_SENT}"
            asyncio.get_running_loop().call_soon(self._reports.cancel_refused, order, reason)

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        """Asks for new terms of the same order."""
        try:
            self._may_send()
            entry = self._book.entries.get(order)
            if entry is None:
                raise BrokerError("the order was never given to Interactive Brokers by this session")
            self._sending.modify(order, Terms(quantity, limit, stop), self._place_of(entry))
        except NiceGoldError as error:
            known = self._book.entries.get(order)
            if known is not None:
                known.owes_change = False
            self._soon(f.ModifyRejected(order, f"{error}; {NOTHING_SENT}"))

    async def margin(self, order: Order) -> Margin:
        """What the order would do to margin; it is not sent. BrokerError with IB's reason where it would be refused."""
        self._may_send()
        listed = self._place(order)
        link = self._reachable().link
        return await margin_of(link, listed.contract, self._to_ib(order, listed), f"the order for {listed.name}")

    # --- how it stands ------------------------------------------------------------------------------------------------

    async def standing(self, asked: Sequence[Order] = ()) -> VenueState:
        """Everything as it is now, and each of `asked` wherever it may be."""
        for order in asked:
            self._instrument(order.symbol)
            self._book.know(order)
        venue = self._reachable()
        try:
            for _ in range(MOST_LOOKS):
                heard = self._reports.heard
                state = await venue.state()
                completed = await venue.ended_orders() if asked else []
                if self._reports.heard == heard:
                    break
        except Unanswered as error:
            await venue.link.close(str(error))
            raise
        self._reports.shown(state.executions)
        self._insist_on_months()
        over = ended(asked, state, completed, self._instruments)
        return replace(state, ended_orders=over, notes=(*state.notes, *self._unlisted.values()))

    def _insist_on_months(self) -> None:
        """A position in another contract than the one dealt in: nothing is opened before the two are one."""
        for symbol in self._instruments:
            if where := months.elsewhere(symbol, self._listed.get(symbol), self._held(symbol)):
                raise BrokerError(where)

    def elsewhere(self, symbol: Symbol) -> str:
        """Why nothing may be opened in the contract that is dealt in: another one is held, or an order works in another one that
        guards nothing; "" where all is of one contract."""
        if where := months.elsewhere(symbol, self._listed.get(symbol), self._held(symbol)):
            return where
        if not is_future(symbol):
            return ""
        return next((_apart(it) for it in self._book if it.order.symbol == symbol and self._stands_apart(it)), "")

    def _stands_apart(self, entry: Entry) -> bool:
        symbol, place = entry.order.symbol, entry.place
        if place is None or entry.is_over:
            return False
        return months.stands_apart(place, self._listed.get(symbol), self._held(symbol))

    def steps(self, symbol: Symbol, quantity: Decimal) -> Steps:
        """A quantity in IB's unit as lot steps, signed."""
        return steps_from_ib(symbol, self._instrument(symbol), quantity)

    def contract_of(self, symbol: Symbol) -> str:
        """The contract of a future that orders are for, as in Z25; "" for what is no future, or not known yet."""
        listed = self._listed.get(symbol)
        return listed.month if listed is not None else ""

    async def deal_in(self, symbol: Symbol, contract: str) -> None:
        """From here on orders are for this contract. BrokerError where TWS knows none, or while orders for another one work."""
        listed = await find(self._reachable().link, self._instrument(symbol), contract)
        working = [entry.order.id for entry in self._book if entry.order.symbol == symbol and not entry.is_over]
        if working and listed.month != self.contract_of(symbol):
            raise BrokerError(f"order {working[0]} for {symbol}{self.contract_of(symbol)} may still work; cancel it first")
        self._listed[symbol] = listed
        self._unlisted.pop(symbol, None)

    # --- what real venues have no use for -----------------------------------------------------------------------------

    def on_market(self, quote: Quote) -> None:
        """Nothing: the venue has its own prices."""

    def on_time(self, at: Nanos) -> None:
        """Nothing: the venue has its own clock."""

    def on_roll(self) -> None:
        """Nothing: the venue ends its day orders."""

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        """Nothing: the venue charges what it charges."""

    def mark(self, quote: Quote) -> None:
        """Nothing: a book is rebuilt without the venue."""

    def apply(self, fact: Fact) -> None:
        """An order that was found at TWS is known by its permanent id at once, and can be cancelled and changed."""
        if isinstance(fact, f.OrderAdopted):
            self._reports.adopted(self._book.know(after(from_terms(fact, 0), fact)))

    # --- the connection -----------------------------------------------------------------------------------------------

    async def _open(self, address: VenueAddress) -> Link:
        venue = IbVenue(address, binds_manual=self._options.binds_manual)
        venue.link.order_listeners.append(self._reports)
        venue.link.on_error.append(self._told)
        venue.link.on_unreadable.append(self._unreadable)
        await venue.connect()
        try:
            if self._options.binds_manual:
                await venue.bind()
            await self._find_contracts(venue)
        except asyncio.CancelledError:
            await venue.close()
            raise
        self._venue = venue
        return venue.link

    async def _find_contracts(self, venue: IbVenue) -> None:
        """Every instrument's contract, once; what IB does not have is said when an order comes for it."""
        for symbol, instrument in self._instruments.items():
            if symbol in self._listed or not venue.is_ready:
                continue
            try:
                rolling = self._options.rolling.get(symbol)
                month = month_for(venue.link, instrument, self._options.months, self._clock.now(), rolling)
                self._listed[symbol] = await find(venue.link, instrument, month)
                self._unlisted.pop(symbol, None)
            except NiceGoldError as error:
                self._unlisted[symbol] = str(error)

    def _up(self, link: Link) -> None:
        client: Any = link.ib.client
        self._book.next_number = link.relay.next_number
        client.updateReqId(self._book.highest + 1)
        self._sending.link = link
        if link.is_ready:
            self._reached()
        else:
            self._say("LOST", link.trouble)

    def _down(self, why: str, goes_on: bool) -> None:
        self._venue = None
        self._sending.link = None
        self._reports.lost(why)
        clause = resets.expected_at(self._clock.now())
        trying = "; it is tried again and again" if goes_on else "; nothing is tried until you say so"
        self._say("LOST", f"{why}{f' ({clause})' if clause else ''}{trying}")

    def _told(self, number: int, code: int, text: str) -> None:
        venue = self._venue
        if number > 0 or number < NO_REQUEST:  # orders that were typed into TWS and bound here have numbers below zero
            self._reports.error(number, code, text)
        elif venue is not None and code in codes.LOST:
            self._say("LOST", f"{venue.link.trouble}; orders are refused until it is back")
        elif venue is not None and code in codes.RESTORED:
            self._restored = started(self._come_back(venue), "coming back to TWS")

    async def _come_back(self, venue: IbVenue) -> None:
        """IB is within reach again; what could not be found while it was not is found first."""
        await self._find_contracts(venue)
        if self._venue is venue and venue.is_ready:
            self._reached()

    def _reached(self) -> None:
        self._say("CONNECTED", f"connected to {self._where()}")
        self._look_up.go_on()

    def _unreadable(self, _what: str) -> None:
        """Something went by that may have been about any order."""
        for entry in self._book:
            if not entry.is_over:
                self._look_up.add(entry)

    def _answering(self) -> IbVenue | None:
        return self._venue if self.is_ready else None

    # --- parts --------------------------------------------------------------------------------------------------------

    def _reachable(self) -> IbVenue:
        venue = self._venue
        if venue is None or not venue.link.is_open:
            raise BrokerError(self.trouble or "the connection to TWS was lost")
        venue.insist()
        return venue

    def _may_send(self) -> None:
        if self._upkeep.address.is_read_only:
            raise BrokerError("this session may only read; leave --read-only out to trade")
        self._reachable()

    def _listing(self, symbol: Symbol) -> Listed:
        listed = self._listed.get(symbol)
        if listed is None:
            raise BrokerError(self._unlisted.get(symbol, f"the contract of {symbol} at Interactive Brokers is not known yet"))
        return listed

    def _held(self, symbol: Symbol) -> tuple[Position, ...]:
        """What is held of a future's contracts; of what is none, nothing that could be in another month."""
        venue = self._venue
        return months.held(venue.link, venue.accounts, symbol) if venue is not None and is_future(symbol) else ()

    def _place(self, order: Order, together: Sequence[Order] = ()) -> Listed:
        """The contract that the order is for: a leg's is that of its entry while that waits or works."""
        parent = next((it for it in together if it.id == order.parent), None)
        if parent is not None:
            return self._place(parent)
        known = self._book.entries.get(order.parent)
        if known is not None and known.listed is not None and not known.is_over:
            return known.listed
        dealt = self._listed.get(order.symbol)
        return months.place_of(order, self._instrument(order.symbol), dealt, self._held(order.symbol)) or self._listing(
            order.symbol
        )

    def _place_of(self, entry: Entry) -> Listed:
        """The contract that the order works in. BrokerError where it guards nothing there: it is to be cancelled."""
        symbol, place = entry.order.symbol, entry.place
        if not is_future(symbol) or place is None:
            return self._listing(symbol)
        if entry.order.role in months.CLOSING and self._stands_apart(entry):
            raise BrokerError(_apart(entry))
        return entry.listed or months.alike(self._instrument(symbol), place, self._listed.get(symbol))

    def _instrument(self, symbol: Symbol) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise BrokerError(f"{symbol} is not traded in this session; add it to its instruments")
        return instrument

    def _to_ib(self, order: Order, place: Listed) -> IbOrder:
        return to_ib(order, place, self._account(), outside_rth=self._options.outside_rth)

    def _insist_on_parents(self, orders: Sequence[Order]) -> None:
        """A leg that left without its entry would open a position of its own."""
        together = {it.id for it in orders}
        for order in orders:
            parent = self._book.entries.get(order.parent)
            if order.parent and order.parent not in together and (parent is None or not (parent.is_over or parent.number)):
                raise BrokerError(f"order {order.id} belongs to {order.parent}, which has not been found at TWS yet")

    def _account(self) -> str:
        accounts = self._reachable().accounts
        if len(accounts) != 1:
            raise BrokerError(f"the login has the accounts {', '.join(accounts)}; say which one orders are for")
        return accounts[0]

    def _where(self) -> str:
        venue = self._venue
        return "TWS" if venue is None else f"{venue.link.name}, server version {venue.link.version}"

    def _say(self, state: str, reason: str) -> None:
        self._sink(Report(f.VenueChanged(self.name, state, self._where(), self.is_live, reason)))

    def _soon(self, fact: f.OrderFact) -> None:
        """Never from inside a call of the engine's."""
        asyncio.get_running_loop().call_soon(self._sink, Report(fact))


def _apart(entry: Entry) -> str:
    name = called(entry.place) if entry.place is not None else entry.order.symbol
    return f"order {entry.order.id} for {entry.order.symbol} works in {name}, of which nothing is held; cancel it in TWS"
