"""The broker behind the socket: takes orders, fills them from quotes, and tells what happened to whoever listens."""

from __future__ import annotations

from decimal import Decimal

from tests.peers.tws import checks
from tests.peers.tws.accounts import Account
from tests.peers.tws.booking import Booking, Reports
from tests.peers.tws.checks import CANCELLED, Refusal
from tests.peers.tws.contracts import Contract
from tests.peers.tws.family import children, held_together, linked
from tests.peers.tws.hours import is_open
from tests.peers.tws.market import Market
from tests.peers.tws.matching import match, observe
from tests.peers.tws.orders import STOPS, ZERO, Execution, Order

FIRST_PERM_ID = 1_684_000_001


class Broker:
    """The orders of all accounts and clients.

    `whole_fills` False: an order fills for no more than the size shown, once a quote. `slow_cancels`: a cancel stays
    pending until it is confirmed. `always_open`: trading hours do not matter. `ids` says which order a client means by
    a number, `highest` what the highest number of each client was; `live` are the orders that are not final.
    """

    def __init__(self, market: Market, accounts: dict[str, Account], reports: Reports) -> None:
        self.market = market
        self.accounts = accounts
        self.orders: list[Order] = []
        self.live: list[Order] = []
        self.booking = Booking(market, accounts, reports)
        self.ids: dict[tuple[int, int], Order] = {}
        self.highest: dict[int, int] = {}
        self.next_perm_id = FIRST_PERM_ID
        self.whole_fills = True
        self.slow_cancels = False
        self.always_open = False
        self._reports = reports

    # what clients ask

    def next_id(self, client_id: int) -> int:
        """The next order id of this client."""
        return self.highest.get(client_id, 0) + 1

    def place(self, order: Order) -> None:
        """A new order or a change of a known one."""
        known = self.ids.get((order.client_id, order.order_id))
        if known is not None:
            self._modify(known, order)
            return
        used = 0 < order.order_id < self.next_id(order.client_id)
        refusal = checks.DUPLICATE if used else self._refusal(order)
        self._use_id(order)
        if refusal is not None:
            self._reports.refused(order, refusal)
            return
        self.accept(order)
        if order.transmit:
            self.transmit(order)

    def accept(self, order: Order) -> None:
        """Gives the order its permId and puts it among the others."""
        order.perm_id = self.next_perm_id
        self.next_perm_id += 1
        order.account = order.account or next(iter(self.accounts))
        order.placed_at = self.market.clock.now()
        self.orders.append(order)
        self.live.append(order)
        if order.order_id:
            self.ids[order.client_id, order.order_id] = order
            self._use_id(order)

    def transmit(self, order: Order) -> None:
        """Sends the order to the venue, and with it what was held back until this one came."""
        sent = held_together(self.live, order)
        for each in sent:
            self._send(each)
        for each in sent:
            if not each.is_done:
                self._first_look(each)

    def what_if(self, order: Order) -> Refusal | None:
        """Why the order would be refused, margin aside."""
        refusal = self._refusal(order)
        return None if refusal is None or "MARGIN" in refusal.text else refusal

    def cancel(self, client_id: int, order_id: int) -> Refusal | None:
        """Cancels a client's order, or says why not."""
        order = self.ids.get((client_id, order_id))
        if order is None or order.is_done or order.status == "PendingCancel":
            return checks.cannot_cancel(order_id, order)
        self._cancel(order)
        return None

    def cancel_everything(self) -> None:
        """Cancels every order of every client, and those typed into TWS."""
        for order in self.working():
            if order.status not in ("PendingCancel", "Cancelled"):
                self._cancel(order)

    def working(self) -> list[Order]:
        """Orders that are not final and were transmitted."""
        self.live = [order for order in self.live if not order.is_done]
        return [order for order in self.live if order.status != "PendingSubmit"]

    # what the market and the clock do

    def on_quote(self, contract: Contract) -> None:
        """Fills what the contract's new quote fills, older orders first."""
        quote = self.market.quotes[contract.con_id]
        shown = {True: quote.ask_size, False: quote.bid_size}
        for order in [it for it in self.working() if it.contract.con_id == contract.con_id]:
            if order.is_working and self._may_trade(order):
                shown[order.is_buy] -= self._try(order, shown[order.is_buy])

    def on_time(self) -> None:
        """Ends what the clock ends: DAY orders at the close, GTD orders at their time."""
        now = self.market.now()
        for order in self.working():
            end = checks.ends_at(order)
            if end is not None and now >= end and not order.is_done:
                self.finish(order, "Cancelled", CANCELLED)

    # what can be done to an order from outside, too

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """Executes the quantity whatever the order's state, and does to its children and links what follows."""
        execution = self.booking.fill(order, quantity, price)
        self._follow(order, quantity)
        return execution

    def finish(self, order: Order, status: str, refusal: Refusal) -> None:
        """Ends an order: reports the status, then the error that goes with it, then ends the children it leaves behind."""
        order.status, order.why_held, order.reason = status, "", refusal.text
        order.completed_at = self.market.clock.now()
        self._reports.status(order)
        self._reports.refused(order, refusal)
        for child in children(self.live, order):
            if order.filled < child.quantity and order.filled:
                child.quantity = order.filled
                self._reports.opened(child)
                self._reports.status(child)
            elif order.filled:
                continue
            elif not child.is_done:
                self.finish(child, "Cancelled", CANCELLED)

    # parts

    def _use_id(self, order: Order) -> None:
        self.highest[order.client_id] = max(order.order_id, self.highest.get(order.client_id, 0))

    def _refusal(self, order: Order) -> Refusal | None:
        if not order.account and len(self.accounts) > 1:
            return checks.NO_ACCOUNT
        if order.parent_id and (order.client_id, order.parent_id) not in self.ids:
            return checks.NO_PARENT
        account = self.accounts.get(order.account or next(iter(self.accounts)))
        if account is None:
            return checks.UNKNOWN_ACCOUNT
        refusal = checks.malformed(order, order.contract)
        return refusal if refusal is not None or order.parent_id else checks.too_big(order, account)

    def _send(self, order: Order) -> None:
        set_tif = not order.tif
        order.tif = order.tif or "DAY"
        parent = self._parent(order)
        waits, stops = parent is not None and not parent.filled, order.type in STOPS
        closed = not self._may_trade(order)
        order.status = "PreSubmitted" if waits or stops or closed or order.type == "MKT" else "Submitted"
        order.why_held = ",".join(word for word, on in (("child", waits), ("trigger", stops)) if on)
        self._reports.opened(order)
        self._reports.status(order)
        if set_tif:
            self._reports.refused(order, checks.TIF_WAS_SET)
        if closed:
            self._reports.refused(order, checks.waits_for_the_open(order))

    def _first_look(self, order: Order) -> None:
        if order.is_working and self._may_trade(order):
            quote = self.market.quotes[order.contract.con_id]
            self._try(order, quote.ask_size if order.is_buy else quote.bid_size)
        if order.tif in ("IOC", "FOK") and not order.is_done:
            self.finish(order, "Cancelled", CANCELLED)

    def _try(self, order: Order, shown: Decimal) -> Decimal:
        """Fills what the contract's quote allows and returns how much that is."""
        quote = self.market.quotes[order.contract.con_id]
        if observe(order, quote) and order.status == "PreSubmitted":
            order.status, order.why_held = "Submitted", ""
            self._reports.status(order)
        parent = self._parent(order)
        allowed = order.remaining if parent is None else min(order.quantity, parent.filled) - order.filled
        found = match(order, quote, None if self.whole_fills else shown, allowed)
        if found is None:
            return ZERO
        self.fill(order, found.quantity, found.price)
        return found.quantity

    def _modify(self, order: Order, wanted: Order) -> None:
        refusal = checks.cannot_modify(order, wanted)
        if refusal is not None:
            wanted.perm_id = order.perm_id
            self._reports.refused(wanted, refusal)
            return
        order.take_terms_of(wanted)
        if order.status == "PendingSubmit":
            if wanted.transmit:
                self.transmit(order)
            return
        self._reports.opened(order)
        self._reports.status(order)
        self._first_look(order)

    def _cancel(self, order: Order) -> None:
        if order.status != "PendingSubmit":
            order.status = "PendingCancel"
            self._reports.status(order)
        if not self.slow_cancels:
            self.finish(order, "Cancelled", CANCELLED)

    def _follow(self, order: Order, quantity: Decimal) -> None:
        """What a fill does to the order's children and to those it is linked with."""
        for child in children(self.live, order):
            if "child" in child.why_held:
                child.why_held = child.why_held.removeprefix("child").removeprefix(",")
                child.status = "PreSubmitted" if child.why_held else "Submitted"
                self._reports.status(child)
                self._first_look(child)
        for other in linked(self.live, order):
            whole = order.is_done or (order.oca_group and other.oca_type in (0, 1))
            if whole or other.quantity - quantity <= other.filled:
                self.finish(other, "Cancelled", CANCELLED)
            else:
                other.quantity -= quantity
                self._reports.opened(other)
                self._reports.status(other)

    def _parent(self, order: Order) -> Order | None:
        return self.ids.get((order.client_id, order.parent_id)) if order.parent_id else None

    def _may_trade(self, order: Order) -> bool:
        return self.always_open or is_open(self.market.now(), order.contract.trades and not order.outside_rth)
