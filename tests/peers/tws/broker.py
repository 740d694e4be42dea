"""The broker behind the socket: takes orders, fills them from quotes, and tells what happened to whoever listens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from tests.peers.tws import checks
from tests.peers.tws.accounts import Account, Fill
from tests.peers.tws.checks import Refusal
from tests.peers.tws.contracts import Contract
from tests.peers.tws.hours import is_open, session_bounds, session_day
from tests.peers.tws.market import Market
from tests.peers.tws.matching import match, observe
from tests.peers.tws.orders import ZERO, Execution, Order

FIRST_PERM_ID = 1_684_000_001


class Reports(Protocol):
    """Who hears of what happened, in the order of the calls."""

    def opened(self, order: Order) -> None: ...
    def status(self, order: Order) -> None: ...
    def executed(self, execution: Execution) -> None: ...
    def charged(self, execution: Execution) -> None: ...
    def refused(self, order: Order, refusal: Refusal) -> None: ...
    def position(self, account: Account, contract: Contract) -> None: ...


class Broker:
    """Orders and executions of all accounts and clients.

    `whole_fills` False: an order fills for no more than the size shown, once a quote. `slow_cancels`: a cancel stays
    pending until `confirm_cancel`. `always_open`: trading hours do not matter.
    """

    def __init__(self, market: Market, accounts: dict[str, Account], reports: Reports) -> None:
        self.market = market
        self.accounts = accounts
        self.orders: list[Order] = []
        self.executions: list[Execution] = []
        self.whole_fills = True
        self.slow_cancels = False
        self.always_open = False
        self.ids: dict[tuple[int, int], Order] = {}
        self.highest: dict[int, int] = {}
        self.next_perm_id = FIRST_PERM_ID
        self._reports = reports
        self._exec_ids = 0
        self._opened_at: dict[int, int] = {}

    # what clients ask

    def next_id(self, client_id: int) -> int:
        """The next order id of this client."""
        return self.highest.get(client_id, 0) + 1

    def place(self, order: Order) -> None:
        """A new order or a change of a known one."""
        known = self.ids.get((order.client_id, order.order_id)) if order.order_id else None
        if known is not None:
            self._modify(known, order)
            return
        if 0 < order.order_id <= self.highest.get(order.client_id, 0):
            self._reports.refused(order, checks.DUPLICATE)
            return
        refusal = self._refusal(order)
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
        self.orders.append(order)
        self._opened_at[order.perm_id] = self.market.clock.now()
        if order.order_id:
            self.ids[order.client_id, order.order_id] = order
            self.highest[order.client_id] = max(order.order_id, self.highest.get(order.client_id, 0))

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
            self._cancel(order)

    def working(self) -> list[Order]:
        """Orders that are not final and were transmitted."""
        return [order for order in self.orders if not order.is_done and order.status != "PendingSubmit"]

    # what the market and the clock do

    def on_quote(self, contract: Contract) -> None:
        """Fills what the contract's new quote fills, older orders first."""
        quote = self.market.quotes[contract.con_id]
        shown = {True: quote.ask_size, False: quote.bid_size}
        for order in [it for it in self.orders if it.is_working and it.contract.con_id == contract.con_id]:
            if order.is_working and self._may_trade(order):
                shown[order.is_buy] -= self._try(order, None if self.whole_fills else shown[order.is_buy])

    def on_time(self) -> None:
        """Ends what the clock ends: DAY orders at the close, GTD orders at their time."""
        now = self.market.now()
        for order in self.working():
            opened = self._opened_at[order.perm_id] // 1_000_000_000
            if order.tif == "DAY":
                end = session_bounds(session_day(self.market.now().fromtimestamp(opened, now.tzinfo)))[1]
            elif order.tif == "GTD":
                end = checks.parse_time(order.good_till) or now
            else:
                continue
            if now >= end:
                self.finish(order, "Cancelled", Refusal(202, "Order Canceled - reason:"))

    # what can be done to an order from outside, too

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """Executes the quantity whatever the order's state: a late fill and an overfill are booked like any other."""
        self._exec_ids += 1
        order.average = (order.average * order.filled + price * quantity) / (order.filled + quantity)
        order.filled += quantity
        order.last_price = price
        commission = order.contract.fee(quantity, price)
        exec_id = f"00025b46.{self._exec_ids:08x}.01.01"
        booked = Fill(order.contract, order.sign * quantity, price, commission)
        account = self.accounts[order.account]
        realized = account.book(exec_id.rpartition(".")[0], booked)
        at = self.market.clock.now()
        execution = Execution(order, exec_id, at, quantity, price, order.filled, order.average, commission, realized)
        self.executions.append(execution)
        if not order.remaining:
            order.status, order.why_held, order.completed_at = "Filled", "", self._stamp()
        elif not order.is_done and order.status != "PendingCancel":
            order.status = "Submitted"
        self._tell_fill(order, execution)
        self._reports.position(account, order.contract)
        self._follow(order, quantity)
        return execution

    def correct(self, execution: Execution, price: Decimal, quantity: Decimal) -> Execution:
        """Replaces an execution: the same id with a higher suffix."""
        suffix = int(execution.exec_id.rpartition(".")[2]) + 1
        order = execution.order
        order.filled += quantity - execution.quantity
        booked = Fill(order.contract, order.sign * quantity, price, execution.commission)
        realized = self.accounts[order.account].book(execution.base, booked)
        corrected = replace(
            execution,
            exec_id=f"{execution.base}.{suffix:02d}",
            price=price,
            quantity=quantity,
            realized=realized,
            cumulative=order.filled,
        )
        self.executions.append(corrected)
        self._reports.executed(corrected)
        self._reports.charged(corrected)
        self._reports.position(self.accounts[order.account], order.contract)
        return corrected

    def finish(self, order: Order, status: str, refusal: Refusal) -> None:
        """Ends an order: reports the status, then the error that goes with it, then ends its children."""
        order.status, order.why_held, order.reason, order.completed_at = status, "", refusal.text, self._stamp()
        self._reports.status(order)
        self._reports.refused(order, refusal)
        for child in self._children(order):
            if order.filled:
                child.quantity = min(child.quantity, order.filled)
            elif not child.is_done:
                self.finish(child, "Cancelled", Refusal(202, "Order Canceled - reason:"))

    def confirm_cancel(self, order: Order) -> None:
        """The venue says that the order is cancelled."""
        self.finish(order, "Cancelled", Refusal(202, "Order Canceled - reason:"))

    # parts

    def _refusal(self, order: Order) -> Refusal | None:
        if not order.account and len(self.accounts) > 1:
            return checks.NO_ACCOUNT
        if order.account and order.account not in self.accounts:
            return Refusal(321, "Error validating request.-'bH' : cause - Invalid account code")
        refusal = checks.malformed(order, order.contract)
        if refusal is not None or order.parent_id:
            return refusal
        return checks.too_big(order, self.accounts[order.account or next(iter(self.accounts))])

    def transmit(self, order: Order) -> None:
        """Sends the order, and what its transmission releases, to the venue."""
        for each in self._held_family(order):
            if not each.tif:
                each.tif = "DAY"
                self._reports.refused(each, checks.TIF_WAS_SET)
            parent = self.ids.get((each.client_id, each.parent_id)) if each.parent_id else None
            waits = parent is not None and not parent.filled
            stops = each.type in ("STP", "STP LMT", "TRAIL")
            each.status = "PreSubmitted" if waits or stops or each.type == "MKT" else "Submitted"
            each.why_held = ",".join(word for word, on in (("child", waits), ("trigger", stops)) if on)
            if not self._may_trade(each):
                each.status = "PreSubmitted"
            self._reports.opened(each)
            self._reports.status(each)
            if not self._may_trade(each):
                self._reports.refused(each, self._waits_for_the_open(each))
            self._first_look(each)

    def _held_family(self, order: Order) -> Iterable[Order]:
        """The order with what its transmission releases: its parent, its siblings and its own children that were held."""
        top = order.parent_id or order.order_id
        family = [it for it in self.orders if it.client_id == order.client_id and top and top in (it.order_id, it.parent_id)]
        return [it for it in family if it.status == "PendingSubmit"] or [order]

    def _first_look(self, order: Order) -> None:
        if order.is_working and self._may_trade(order):
            quote = self.market.quotes[order.contract.con_id]
            self._try(order, None if self.whole_fills else (quote.ask_size if order.is_buy else quote.bid_size))
        if order.tif in ("IOC", "FOK") and not order.is_done:
            self.finish(order, "Cancelled", Refusal(202, "Order Canceled - reason:"))

    def _try(self, order: Order, shown: Decimal | None) -> Decimal:
        quote = self.market.quotes[order.contract.con_id]
        if observe(order, quote) and order.status == "PreSubmitted":
            order.status, order.why_held = "Submitted", ""
            self._reports.status(order)
        parent = self.ids.get((order.client_id, order.parent_id)) if order.parent_id else None
        allowed = order.remaining if parent is None else min(order.quantity, parent.filled) - order.filled
        found = match(order, quote, shown, allowed)
        if found is None:
            return ZERO
        self.fill(order, found.quantity, found.price)
        return found.quantity

    def _modify(self, order: Order, wanted: Order) -> None:
        refusal = self._cannot_modify(order, wanted)
        if refusal is not None:
            wanted.perm_id = order.perm_id
            self._reports.refused(wanted, refusal)
            return
        order.quantity, order.type, order.limit, order.stop = wanted.quantity, wanted.type, wanted.limit, wanted.stop
        order.tif, order.good_till, order.outside_rth = wanted.tif or order.tif, wanted.good_till, wanted.outside_rth
        if wanted.trail_stop is not None:
            order.trail_stop = wanted.trail_stop
        order.trail_percent = wanted.trail_percent
        if order.status == "PendingSubmit":
            order.transmit = wanted.transmit
            if order.transmit:
                self.transmit(order)
            return
        self._reports.opened(order)
        self._reports.status(order)
        self._first_look(order)

    def _cannot_modify(self, order: Order, wanted: Order) -> Refusal | None:
        if order.status == "Filled":
            return checks.CANNOT_MODIFY_FILLED
        if order.is_done:
            return checks.DUPLICATE
        if (order.contract, order.action) != (wanted.contract, wanted.action):
            return checks.NOT_THE_ORIGINAL
        if order.status == "PendingCancel":
            return Refusal(161, "Cancel attempted when order is not in a cancellable state. Order permId =" + str(order.perm_id))
        if wanted.quantity <= order.filled:
            return Refusal(201, "Order rejected - reason:The modified quantity is not above what is filled.")
        return checks.malformed(wanted, wanted.contract)

    def _cancel(self, order: Order) -> None:
        order.status = "PendingCancel" if order.status != "PendingSubmit" else order.status
        if order.status == "PendingCancel":
            self._reports.status(order)
        if not self.slow_cancels:
            self.confirm_cancel(order)

    def _follow(self, order: Order, quantity: Decimal) -> None:
        """What a fill does to the order's children and to those it is linked with."""
        for child in self._children(order):
            if "child" in child.why_held:
                child.why_held = ",".join(word for word in child.why_held.split(",") if word != "child")
                child.status = "PreSubmitted" if child.why_held else "Submitted"
                self._reports.status(child)
        for other in self._linked(order):
            reduced = other.quantity - quantity
            if (order.oca_group and other.oca_type in (0, 1)) or reduced <= other.filled or order.is_done:
                self.finish(other, "Cancelled", Refusal(202, "Order Canceled - reason:"))
            else:
                other.quantity = reduced
                self._reports.opened(other)
                self._reports.status(other)

    def _linked(self, order: Order) -> list[Order]:
        """Orders of which this fill cancels or reduces: its OCA group, and the other children of its parent."""
        linked = []
        for other in self.orders:
            if other is order or other.is_done or other.account != order.account:
                continue
            group = order.oca_group and other.oca_group == order.oca_group
            siblings = order.parent_id and (other.client_id, other.parent_id) == (order.client_id, order.parent_id)
            if group or siblings:
                linked.append(other)
        return linked

    def _children(self, order: Order) -> list[Order]:
        if not order.order_id:
            return []
        family = (order.client_id, order.order_id)
        return [it for it in self.orders if (it.client_id, it.parent_id) == family and not it.is_done]

    def _tell_fill(self, order: Order, execution: Execution) -> None:
        self._reports.executed(execution)
        self._reports.opened(order)
        self._reports.status(order)
        order.commission = (order.commission or ZERO) + execution.commission
        self._reports.opened(order)
        self._reports.charged(execution)

    def _may_trade(self, order: Order) -> bool:
        regular = order.contract.trades and not order.outside_rth
        return self.always_open or is_open(self.market.now(), regular)

    def _waits_for_the_open(self, order: Order) -> Refusal:
        opening = (
            f"Warning: your order will not be placed at the exchange until the market of {order.contract.local_symbol} opens."
        )
        return Refusal(399, f"Order Message:\n{order.action} {order.quantity} {order.contract.local_symbol}\n{opening}")

    def _stamp(self) -> str:
        return self.market.now().strftime("%Y%m%d-%H:%M:%S")
