"""Orders on their way to TWS. Nothing is ever sent twice; that it left proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from ib_async import Order as IbOrder

from engine.brokers.ib.book import Book, Entry
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.orders import Terms, changed
from engine.brokers.ib.reports import OrderReports
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.order import ClientOrderId, Order
from engine.ports.broker import Report, ReportSink

Prepared = tuple[Order, Listed, IbOrder]
MANUAL = 0
"""The client id of orders that were typed into TWS."""


class Sending:
    """Writes orders to the present `link`, None while there is none. Answers are waited for from when the bytes have left: the
    client keeps back what is more than 45 messages a second."""

    def __init__(self, book: Book, reports: OrderReports, sink: ReportSink) -> None:
        self._book = book
        self._reports = reports
        self._sink = sink
        self._link: Link | None = None
        self._held_back: list[Entry] = []

    @property
    def link(self) -> Link | None:
        return self._link

    @link.setter
    def link(self, link: Link | None) -> None:
        self._link = link
        self._held_back.clear()
        if link is not None:
            link.on_left.append(self._left)

    def submit(self, orders: Sequence[Prepared]) -> None:
        """Sends orders that hang together: legs after their parent, all of them transmitted by the last."""
        entries = [self._enter(*each) for each in orders]
        families = {entry.order.parent or entry.order.id for entry in entries}
        for entry in entries:
            self._attach(entry)
        for family in families:
            members = [it for it in entries if (it.order.parent or it.order.id) == family]
            for entry in members[:-1]:
                _sent(entry).transmit = False
        for number, entry in enumerate(entries):
            if not self._send(entry):
                self._unsent(entries[number:])
                return

    def cancel(self, order: ClientOrderId) -> None:
        """Asks TWS to cancel, once. BrokerError where it cannot be asked."""
        entry = self._book.entries.get(order)
        if entry is not None and entry.is_cancelling and not entry.is_over:
            return
        entry = self._named(order)
        self._book.send(entry, entry.number)
        self._write(lambda client: client.cancelOrder(entry.number))
        entry.is_cancelling = True
        self._await(entry)

    def modify(self, order: ClientOrderId, terms: Terms, listed: Listed) -> None:
        """Asks TWS for new terms of the order, under its number. BrokerError where it cannot be asked."""
        entry = self._named(order)
        if entry.is_cancelling:
            raise BrokerError("the order is being cancelled")
        if self._book.would_be_another(entry):
            raise BrokerError(
                "TWS counts its orders anew and might take the change for another one; cancel it, or change it in TWS"
            )
        wanted = changed(entry.sent or self._as_shown(entry), entry.order, terms, listed)
        self._book.send(entry, entry.number)
        self._write(lambda client: client.placeOrder(entry.number, listed.contract, wanted))
        entry.sent, entry.listed, entry.wanted, entry.owes_change = wanted, listed, terms, True
        self._await(entry)

    def _enter(self, order: Order, listed: Listed, sent: IbOrder) -> Entry:
        entry = self._book.know(order)
        entry.listed, entry.sent = listed, sent
        link = self._present()
        entry.owner = link.client_id
        self._book.give(entry, link.ib.client.getReqId())
        return entry

    def _attach(self, entry: Entry) -> None:
        """A leg names its parent's number, while that waits or works."""
        parent = self._book.entries.get(entry.order.parent)
        if parent is not None and not parent.is_over:
            _sent(entry).parentId = parent.number

    def _send(self, entry: Entry) -> bool:
        listed = entry.listed
        assert listed is not None
        try:
            self._write(lambda client: client.placeOrder(entry.number, listed.contract, _sent(entry)))
        except BrokerError:
            return False
        self._await(entry)
        return True

    def _write(self, write: Callable[[Any], None]) -> None:
        try:
            write(self._present().ib.client)
        except ConnectionError as error:
            raise BrokerError("the connection to TWS was lost") from error

    def _as_shown(self, entry: Entry) -> IbOrder:
        """An order that another session sent, as TWS tells it; the library strikes out what TWS shows as a question mark, too."""
        if entry.shown is None:
            raise BrokerError(self._why_nameless(entry))
        return IbOrder(**{name: value for name, value in vars(entry.shown).items() if value != "?"})

    def _unsent(self, entries: Sequence[Entry]) -> None:
        """The connection is over and the library knows; these never left it."""
        for entry in entries:
            entry.is_over = True
            report = Report(f.OrderRejected(entry.order.id, "the connection to TWS was lost; nothing was sent"))
            asyncio.get_running_loop().call_soon(self._sink, report)

    def _await(self, entry: Entry) -> None:
        if self._present().is_throttling:
            self._held_back.append(entry)
        else:
            self._reports.expect(entry)

    def _left(self) -> None:
        held, self._held_back = self._held_back, []
        for entry in held:
            if not entry.is_over and entry.timer is None:
                self._reports.expect(entry)

    def _named(self, order: ClientOrderId) -> Entry:
        entry = self._book.entries.get(order)
        if entry is None:
            raise BrokerError("the order was never given to Interactive Brokers by this session")
        if entry.is_over:
            raise BrokerError("the order is over")
        if not entry.number or not self._present().is_open:
            raise BrokerError(self._why_nameless(entry))
        return entry

    def _why_nameless(self, entry: Entry) -> str:
        link = self._present()
        if entry.owner == MANUAL and link.client_id != MANUAL:
            return "the order was typed into TWS, and only a session with client id 0 can change it; do it in TWS"
        if entry.owner not in (-1, link.client_id):
            return f"the order was placed under client id {entry.owner}, and only that one can change it; do it in TWS"
        if entry.owner == MANUAL:
            return "the order was typed into TWS, which has given it no number here; do it in TWS"
        return "the order has not been found at TWS since it was connected to; wait for the reconciliation"

    def _present(self) -> Link:
        if self._link is None:
            raise BrokerError("not connected to TWS")
        return self._link


def _sent(entry: Entry) -> IbOrder:
    assert entry.sent is not None
    return entry.sent
