"""Interactive Brokers as a venue: TWS or IB Gateway, connected to and asked how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ib_async import CommissionReport, Contract, Execution, Fill, Order, OrderStatus, Trade

from engine.brokers.ib import codes, statement
from engine.brokers.ib.amounts import amount
from engine.brokers.ib.link import Link
from engine.core.errors import BrokerError, NotAdmitted
from engine.ports.venue import VenueAddress, VenueCash, VenueState

PAPER_PREFIXES = ("DU", "DF")
"""What the names of paper accounts begin with; ports only hint at it."""


class IbVenue:
    """One login at TWS. Connected once; to connect again after a loss, make another. To be made inside the running loop."""

    def __init__(self, address: VenueAddress, *, binds_manual: bool = False) -> None:
        self._address = address
        self.link = Link(address, binds_manual=binds_manual)
        self.accounts: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether IB can be reached: TWS may be connected to while it has lost IB."""
        return self.link.is_ready

    @property
    def is_live(self) -> bool:
        """Whether money is at stake, by the accounts' names."""
        return is_live(self.accounts)

    async def connect(self) -> None:
        """Connects, and stays only where the accounts are what the address expects."""
        await self.link.open()
        try:
            self.accounts = admitted(self.link.ib.managedAccounts(), self._address, self.link.name)
        except BrokerError:
            await self.close()
            raise

    async def state(self) -> VenueState:
        """Everything of the accounts, all clients' orders and the day's executions; BrokerError while IB is out of reach."""
        self.insist()
        cash = [each for account in self.accounts for each in await self._cash(account)]
        positions = await self.link.ask_alone("positions", self.link.ib.reqPositionsAsync)
        orders = await self.open_orders()
        fills = await self.fills()
        return VenueState(
            server=f"{self.link.name}, server version {self.link.version}",
            is_live=self.is_live,
            accounts=self.accounts,
            cash=tuple(cash),
            positions=statement.positions(positions, self.accounts),
            open_orders=statement.orders(orders, self.accounts),
            executions=statement.executions(fills, self.accounts),
        )

    async def close(self) -> None:
        """Ends the connection and waits until it is gone."""
        await self.link.close()

    async def _cash(self, account: str) -> Sequence[VenueCash]:
        client: Any = self.link.ib.client
        request = client.getReqId() if self.link.is_open else 0

        async def values() -> None:
            answer = client.wrapper.startReq(request)
            client.reqAccountUpdatesMulti(request, account, "", False)
            await answer

        await self.link.ask(f"the values of account {account}", values)
        client.cancelAccountUpdatesMulti(request)
        return statement.cash(account, self.link.ib.accountValues(account))

    def insist(self) -> None:
        """BrokerError while TWS has lost IB: what it tells then may be old."""
        if self.link.is_open and self.link.trouble:
            raise BrokerError(f"{self.link.trouble}; what it shows may be old, wait until it is back")

    async def open_orders(self) -> list[Trade]:
        """All clients' orders as TWS tells them; the library's own list has two that share a number as one."""
        told = _Orders()
        self.link.order_listeners.append(told)
        try:
            with _Refusals(self.link) as refusals:
                await self.link.ask_alone("open orders", self.link.ib.reqAllOpenOrdersAsync)
        except BrokerError as error:
            if refusals.read_only:
                raise BrokerError(
                    f"{self.link.name} is read-only for programs and tells no orders; allow them in its API settings"
                ) from error
            raise
        finally:
            self.link.order_listeners.remove(told)
        return list(told.trades.values())

    async def bind(self) -> None:
        """Client 0 only: orders that were typed into TWS before get numbers by which they can be cancelled and changed."""
        await self.link.ask_alone("orders typed into TWS", self.link.ib.reqOpenOrdersAsync)

    async def ended_orders(self) -> list[Trade]:
        """The day's orders that do not work any more, of all clients."""
        return await self.link.ask_alone("ended orders", lambda: self.link.ib.reqCompletedOrdersAsync(False))

    async def fills(self) -> list[Fill]:
        """The day's executions. What was asked for holds no commissions; the library keeps those with the first report."""
        found = await self.link.ask("executions", self.link.ib.reqExecutionsAsync)
        known = self.link.ib.wrapper.fills
        return [known.get(fill.execution.execId, fill) for fill in found]


class _Orders:
    """Takes down orders by permanent id as they are told; what happens to them meanwhile is newer, and taken too."""

    def __init__(self) -> None:
        self.trades: dict[int, Trade] = {}

    def opened(self, number: int, contract: Contract, order: Order, status: str) -> None:
        known = self.trades.get(order.permId)
        stands = known.orderStatus if known is not None else OrderStatus(orderId=number)
        stands.status = status or stands.status
        self.trades[order.permId] = Trade(contract, order, stands)

    def status(self, _number: int, _client_id: int, permanent_id: int, status: str, filled: float) -> None:
        known = self.trades.get(permanent_id)
        if known is not None:
            known.orderStatus.status, known.orderStatus.filled = status, float(amount(filled) or 0)

    def executed(self, contract: Contract, execution: Execution, is_live: bool) -> None:
        """Of no concern here."""

    def charged(self, report: CommissionReport) -> None:
        """Of no concern here."""


class _Refusals:
    """Listens for what TWS says of a request that has no number."""

    def __init__(self, link: Link) -> None:
        self.read_only = False
        self._link = link

    def __enter__(self) -> _Refusals:
        self._link.on_error.append(self._told)
        return self

    def __exit__(self, *_: object) -> None:
        self._link.on_error.remove(self._told)

    def _told(self, _request: int, code: int, text: str) -> None:
        self.read_only = self.read_only or (code == codes.VALIDATION and "read-only" in text.lower())


def is_live(accounts: Sequence[str]) -> bool:
    """Whether any of the accounts is a real one."""
    return any(not account.startswith(PAPER_PREFIXES) for account in accounts)


def admitted(accounts: Sequence[str], address: VenueAddress, where: str) -> tuple[str, ...]:
    """The accounts dealt with: the one asked for, or all. NotAdmitted where it is not there or not of the kind expected."""
    if address.account and address.account not in accounts:
        raise NotAdmitted(f"account {address.account} is not at {where}; the login has {', '.join(accounts)}")
    chosen = (address.account,) if address.account else tuple(accounts)
    if is_live(chosen) and not address.is_live:
        named = next(account for account in chosen if is_live((account,)))
        raise NotAdmitted(
            f"account {named} at {where} is a live one and a paper account is expected; log in to paper, or say --live "
            "(in a profile: live = true)"
        )
    if address.is_live and not is_live(chosen):
        raise NotAdmitted(
            f"account {', '.join(chosen)} at {where} is a paper one and a live account is expected; leave --live out"
        )
    return chosen
