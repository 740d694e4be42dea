"""What TWS says of our orders, as reports. Only what is certain ends an order; what is not is looked up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal

from ib_async import CommissionReport, Contract, Execution
from ib_async import Order as IbOrder

from engine.brokers.ib import codes
from engine.brokers.ib.amounts import amount
from engine.brokers.ib.book import Book, Entry
from engine.brokers.ib.orders import read_terms, steps_from_ib, terms_of
from engine.brokers.ib.statement import SIDES, identity
from engine.core.clock import Clock
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, cash
from engine.domain.market import Symbol
from engine.domain.order import ClientOrderId, TimeInForce
from engine.ports.broker import Report, ReportSink
from engine.ports.venue import VenueExecution

WORKING = frozenset({"PreSubmitted", "Submitted", "PendingCancel"})
CANCELLED = frozenset({"Cancelled", "ApiCancelled"})
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class OrderReports:
    """Listens to orders and their errors and tells the sink; never asks and never sends.

    `doubt` is called with an entry whose fate has to be looked up, `client_id` is ours. Not answered within `timeout_s` (of the
    loop's own clock, which never steps) a submit is reported unknown; what else is due by then is doubted.
    """

    def __init__(
        self,
        book: Book,
        instruments: Callable[[Symbol], Instrument],
        sink: ReportSink,
        doubt: Callable[[Entry], None],
        clock: Clock,
        *,
        client_id: int,
        timeout_s: float,
    ) -> None:
        self.heard = 0
        """Counts executions as they happen, so that who asks for everything can tell whether something came between."""
        self._book = book
        self._instrument = instruments
        self._sink = sink
        self._doubt = doubt
        self._clock = clock
        self._client_id = client_id
        self._timeout_s = timeout_s
        self._charged: dict[str, Cash] = {}
        """Commissions told: by the part of an execution's id that corrections keep, or by the id while it is unknown."""
        self._executed: dict[str, tuple[Entry, str]] = {}
        """Whose an execution is, and its newest id that was reported or shown."""
        self._strays: dict[int, tuple[int, Contract, IbOrder]] = {}
        """Orders that are nobody's here, by permanent id, as they were told last on this connection, with their numbers."""

    # --- what TWS says ------------------------------------------------------------------------------------------------

    def opened(self, number: int, contract: Contract, order: IbOrder, status: str) -> None:
        """An order as it stands, because something happened to it or because it was asked for."""
        self._book.highest = max(self._book.highest, number)
        entry = self._book.find(order.orderRef, order.permId)
        if entry is None:
            self._strays[order.permId] = number, contract, order
            return
        self._book.name_permanently(entry, order.permId)
        self._told_of(entry, number, contract, order)
        self._stands(entry, status)
        self._terms(entry, order)

    def status(self, number: int, client_id: int, permanent_id: int, status: str, filled: float) -> None:
        """The status of an order, the last word on whether it works."""
        entry = self._book.numbered(number if client_id == self._client_id else 0, permanent_id)
        if entry is None:
            return
        self._book.name_permanently(entry, permanent_id)
        entry.told = max(entry.told, amount(filled) or Decimal(0))
        self._stands(entry, status)
        if self._misses_fills(entry):
            self.expect(entry)

    def executed(self, _contract: Contract, execution: Execution, is_live: bool) -> None:
        """A fill that happens now; what was asked for is its asker's."""
        if not is_live:
            return
        self.heard += 1
        entry = self._book.find(execution.orderRef, execution.permId)
        if entry is not None:
            self._book.name_permanently(entry, execution.permId)
            quantity, price = amount(execution.shares), amount(execution.price)
            if quantity is None or price is None:
                self._doubt(entry)
            else:
                self._fill(entry, execution.execId, SIDES[execution.side], quantity, price)

    def charged(self, report: CommissionReport) -> None:
        """What an execution cost, told once more whenever executions are asked for."""
        costs = amount(report.commission)
        if costs is None:
            return
        entry, newest = self._executed.get(identity(report.execId)[0], (None, ""))
        if entry is not None and newest == report.execId:
            self._charge(entry, report.execId, cash(costs))
        elif not newest:
            self._charged[report.execId] = cash(costs)

    def error(self, number: int, code: int, text: str) -> None:
        """What TWS says against an order, or against what was asked about it."""
        entry = self._book.numbered(number)
        if entry is None or codes.is_notice(code):
            return
        said = f"Interactive Brokers {codes.refusal(code, text)}"
        if code == codes.CANCELLED:
            self._ended(entry, said)
        elif entry.is_cancelling and code in codes.NOT_CANCELLED:
            self._complain(entry, said)
        elif entry.wanted is not None and code in codes.UNCHANGED:
            self._not_modified(entry, said)
        elif (code in codes.REJECTED and entry.wanted is None) or (code in codes.INVALID and not entry.is_known):
            self._rejected(entry, said)
        elif entry.is_known or entry.is_cancelling:
            self._complain(entry, said)
        else:
            self.unknown(entry, f"{said}; it is looked for and not sent again")

    # --- what was done here -------------------------------------------------------------------------------------------

    def expect(self, entry: Entry) -> None:
        """An answer about the entry is due within the time limit from now."""
        entry.calm()
        entry.timer = asyncio.get_running_loop().call_later(self._timeout_s, self._due, entry)

    def cancel_refused(self, order: ClientOrderId, why: str) -> None:
        """A cancel that could not be sent. It says nothing of an order that is unknown, and makes one that was not answered so:
        with its cancel refused it would pass for accepted."""
        entry = self._book.entries.get(order)
        if entry is not None and entry.is_unanswered:
            self.unknown(entry, why)
        elif entry is None or not entry.is_unknown:
            self._say(f.CancelRejected(order, why))
            if entry is not None:
                entry.owes_change = False

    def unknown(self, entry: Entry, why: str) -> None:
        """A submit of which nothing certain was heard."""
        if entry.is_unanswered and not entry.is_cancelling:
            entry.calm()
            entry.is_unknown = True
            self._say(f.OrderUnknown(entry.order.id, why))

    def adopted(self, entry: Entry) -> None:
        """An order of others is on record from now on: what TWS told of it before on this connection is what is known of it."""
        for permanent_id in entry.permanent_ids:
            if stray := self._strays.pop(permanent_id, None):
                self._told_of(entry, *stray)

    def lost(self, why: str) -> None:
        """The connection is over: what was not answered is unknown, or looked up when there is one again."""
        self._book.forget_numbers()
        self._strays.clear()
        for entry in self._book:
            entry.calm()
            if entry.is_cancelling or entry.wanted is not None:
                self._doubt(entry)
            else:
                self.unknown(entry, f"{why}, before the order was answered")

    def shown(self, executions: Iterable[VenueExecution]) -> None:
        """These were given to who asked for everything, with their commissions: what is told of them later goes on from there."""
        for it in executions:
            base, _ = identity(it.execution_id)
            entry = self._book.find(it.client_order_id, int(it.broker_order_id))
            if entry is None or base in entry.executions:
                continue
            self._executed[base] = entry, it.execution_id
            self._charged.pop(it.execution_id, None)
            self._charged[base] = cash(it.commission or Decimal(0))

    # --- what was looked up -------------------------------------------------------------------------------------------

    def found_fill(self, entry: Entry, fill: Execution) -> None:
        """An execution of the entry that was asked for."""
        quantity, price = amount(fill.shares), amount(fill.price)
        if quantity is not None and price is not None:
            self._fill(entry, fill.execId, SIDES[fill.side], quantity, price)

    def found_working(self, entry: Entry, order: IbOrder, status: str) -> None:
        """The entry works: what was asked of it and is not so was refused."""
        self._stands(entry, status)
        self._terms(entry, order)
        if entry.is_cancelling and status == "PendingCancel":
            self.expect(entry)
            return
        self._give_up(entry, "Interactive Brokers has the order working as it was")

    def found_ended(self, entry: Entry, status: str) -> None:
        """The entry is among the orders that have ended."""
        if status in CANCELLED:
            self._ended(entry, entry.complaint)
        elif status == "Inactive":
            self._rejected(entry, entry.complaint or "Interactive Brokers calls the order inactive")
        elif status == "Filled":
            # A change of its quantity was carried out and never told: what is left of it here is not there.
            self._ended(entry, "filled at Interactive Brokers, where it was for less by then")

    def not_found(self, entry: Entry) -> None:
        """Neither open nor ended, as far as TWS tells."""
        self._give_up(entry, "Interactive Brokers tells of no such order")

    def _give_up(self, entry: Entry, why: str) -> None:
        reason, entry.complaint = entry.complaint or why, ""
        self._not_modified(entry, reason)
        self._not_cancelled(entry, reason)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _due(self, entry: Entry) -> None:
        entry.timer = None
        if not (entry.is_known or entry.is_cancelling or entry.is_over):
            self.unknown(entry, f"Interactive Brokers has not answered within {self._timeout_s:g} s")
        elif entry.wanted is not None or entry.is_cancelling or entry.is_inactive or self._misses_fills(entry):
            self._doubt(entry)

    def _misses_fills(self, entry: Entry) -> bool:
        told = steps_from_ib(entry.order.symbol, self._instrument(entry.order.symbol), entry.told)
        return told > entry.filled + entry.before

    def _told_of(self, entry: Entry, number: int, contract: Contract, order: IbOrder) -> None:
        entry.owner, entry.shown, entry.contract = order.clientId, order, contract
        if order.clientId == self._client_id and number:
            self._book.number(entry, number)

    def _stands(self, entry: Entry, status: str) -> None:
        entry.is_inactive = status == "Inactive"
        if status in WORKING or status == "Filled":
            self._known(entry)
            if status == "Filled" and not (entry.is_over or self._misses_fills(entry)):
                self._doubt(entry)
        elif status in CANCELLED:
            self._ended(entry, "")
        elif status == "Inactive" and not entry.is_over:
            self.expect(entry)

    def _known(self, entry: Entry) -> None:
        if entry.is_known or entry.is_over or not entry.permanent_ids:
            return
        if entry.wanted is None and not entry.is_cancelling:
            entry.calm()
        entry.is_known, entry.is_unknown = True, False
        self._say(f.OrderAccepted(entry.order.id, str(entry.permanent_ids[0])))

    def _terms(self, entry: Entry, told: IbOrder) -> None:
        """The terms that are in force now: those that were asked for, or what the venue or its owner made of them."""
        terms = read_terms(told, entry.order, self._instrument(entry.order.symbol))
        if entry.is_over or not entry.is_known or (terms == terms_of(entry.order) and terms != entry.wanted):
            return
        if entry.wanted is not None and terms != entry.wanted:
            return  # said when it is known what became of the change that was asked for
        if terms == entry.wanted:
            entry.wanted = None
            if not entry.is_cancelling:
                entry.calm()
        entry.order = entry.order._replace(quantity=terms.quantity, limit=terms.limit, stop=terms.stop)
        self._say(f.OrderModified(entry.order.id, *terms))

    def _fill(self, entry: Entry, execution: str, side: str, quantity: Decimal, price: Decimal) -> None:
        order, instrument = entry.order, self._instrument(entry.order.symbol)
        base, revision = identity(execution)
        if base in entry.executions and identity(entry.executions[base][0])[1] >= revision:
            return
        _, told = self._executed.get(base, (entry, ""))
        told = told if identity(told)[1] < revision else ""
        self._known(entry)
        steps, ticks = steps_from_ib(order.symbol, instrument, quantity), instrument.ticks(price)
        entry.executions[base] = execution, steps
        self._executed[base] = entry, execution
        if told:
            costs = self._charged.get(base, 0)
            self._say(f.FillCorrected(order.id, execution, told, order.symbol, side, ticks, steps, costs))
        else:
            self._say(f.OrderFilled(order.id, execution, order.symbol, side, ticks, steps, 0))
        early = self._charged.pop(execution, None) if execution != base else None
        if early is not None:
            self._charge(entry, execution, early)
        if entry.filled + entry.before >= order.quantity:
            entry.is_over = True
            entry.calm()

    def _charge(self, entry: Entry, execution: str, costs: Cash) -> None:
        base, _ = identity(execution)
        more = costs - self._charged.get(base, 0)
        self._charged[base] = costs
        if more:
            self._say(f.CommissionCharged(entry.order.id, execution, entry.order.symbol, more))

    def _ended(self, entry: Entry, said: str) -> None:
        if entry.is_over:
            return
        self._over(entry)
        if self._has_expired(entry):
            self._say(f.OrderExpired(entry.order.id))
        else:
            self._say(f.OrderCancelled(entry.order.id, said or self._why(entry)))

    def _why(self, entry: Entry) -> str:
        return "cancelled as asked" if entry.is_cancelling else "cancelled at Interactive Brokers"

    def _has_expired(self, entry: Entry) -> bool:
        order = entry.order
        if entry.is_cancelling:
            return False
        if order.tif is TimeInForce.DAY:
            return not self._instrument(order.symbol).sessions.is_open(self._clock.now())
        due = order.tif is TimeInForce.GTD and order.expires is not None and self._clock.now() >= order.expires
        return due or order.tif in IMMEDIATE

    def _rejected(self, entry: Entry, said: str) -> None:
        """A certain no. Of an order that was filled in part, or has something asked of it, the rest is cancelled."""
        if entry.is_over:
            return
        self._over(entry)
        if entry.filled or entry.order.filled or entry.is_cancelling or entry.wanted is not None:
            self._say(f.OrderCancelled(entry.order.id, said))
        else:
            self._say(f.OrderRejected(entry.order.id, said))

    def _over(self, entry: Entry) -> None:
        """Nothing is expected of the entry any more, but fills that are told to be missing."""
        entry.is_over = True
        if self._misses_fills(entry):
            self.expect(entry)
        else:
            entry.calm()

    def _complain(self, entry: Entry, said: str) -> None:
        if not entry.is_over:
            entry.complaint = said
            self._doubt(entry)

    def _not_modified(self, entry: Entry, reason: str) -> None:
        if entry.wanted is None:
            return
        entry.wanted = None
        if not (entry.is_cancelling or entry.is_over):
            entry.calm()
            if entry.owes_change:
                self._say(f.ModifyRejected(entry.order.id, reason))
            entry.owes_change = False
            if entry.shown is not None:
                self._terms(entry, entry.shown)

    def _not_cancelled(self, entry: Entry, reason: str) -> None:
        if not entry.is_cancelling:
            return
        entry.is_cancelling = False
        if entry.is_unanswered:
            self.unknown(entry, reason)
        elif not (entry.is_over or entry.is_unknown):
            entry.calm()
            entry.owes_change = False
            self._say(f.CancelRejected(entry.order.id, reason))

    def _say(self, fact: f.OrderFact) -> None:
        self._sink(Report(fact))
