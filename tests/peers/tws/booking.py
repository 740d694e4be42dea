"""Executions: what they do to an order and to an account, and how they are told."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from tests.peers.tws.accounts import Account, Fill
from tests.peers.tws.checks import Refusal
from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Market
from tests.peers.tws.orders import ZERO, Execution, Order

VENUE_ID = "00025b46"


class Reports(Protocol):
    """Who hears of what happened, in the order of the calls."""

    def opened(self, order: Order) -> None: ...
    def status(self, order: Order) -> None: ...
    def executed(self, execution: Execution) -> None: ...
    def charged(self, execution: Execution) -> None: ...
    def refused(self, order: Order, refusal: Refusal) -> None: ...
    def position(self, account: Account, contract: Contract) -> None: ...


class Booking:
    """Every execution there was, oldest first; corrections stand beside what they correct."""

    def __init__(self, market: Market, accounts: dict[str, Account], reports: Reports) -> None:
        self.executions: list[Execution] = []
        self._market = market
        self._accounts = accounts
        self._reports = reports
        self._ids = 0

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> Execution:
        """Executes the quantity whatever the order's state: a late fill and an overfill are booked like any other."""
        order.average = (order.average * order.filled + price * quantity) / (order.filled + quantity)
        order.filled += quantity
        order.last_price = price
        commission, at = order.contract.fee(quantity, price), self._market.clock.now()
        self._ids += 1
        base = f"{VENUE_ID}.{self._ids:08x}.01"
        account = self._accounts[order.account]
        realized = account.book(base, Fill(order.contract, order.sign * quantity, price, commission))
        total, average = order.filled, order.average
        execution = Execution(order, f"{base}.01", at, quantity, price, total, average, commission, realized)
        self.executions.append(execution)
        if not order.remaining:
            order.status, order.why_held, order.completed_at = "Filled", "", at
        elif not order.is_done and order.status != "PendingCancel":
            order.status, order.why_held = "Submitted", ""
        self._tell(execution)
        self._reports.position(account, order.contract)
        return execution

    def correct(self, execution: Execution, price: Decimal, quantity: Decimal) -> Execution:
        """Replaces an execution: the same id with a higher suffix."""
        order, account = execution.order, self._accounts[execution.order.account]
        order.filled += quantity - execution.quantity
        fill = Fill(order.contract, order.sign * quantity, price, execution.commission)
        realized = account.book(execution.base, fill)
        suffix = int(execution.exec_id.rpartition(".")[2]) + 1
        corrected = replace(execution, exec_id=f"{execution.base}.{suffix:02d}", price=price, quantity=quantity)
        corrected = replace(corrected, realized=realized, cumulative=order.filled)
        self.executions.append(corrected)
        self._reports.executed(corrected)
        self._reports.charged(corrected)
        self._reports.position(account, order.contract)
        return corrected

    def forget(self, order: Order) -> None:
        """Nobody knows of the order's executions any more; the account keeps them."""
        self.executions[:] = [it for it in self.executions if it.order is not order]

    def _tell(self, execution: Execution) -> None:
        """As TWS does: the order is told again once its commission is known."""
        order = execution.order
        self._reports.executed(execution)
        self._reports.opened(order)
        self._reports.status(order)
        order.commission = (order.commission or ZERO) + execution.commission
        self._reports.opened(order)
        self._reports.charged(execution)
