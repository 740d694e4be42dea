"""Everything that the clients of one server share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.peers.faults import Faults
from tests.peers.tws import messages, order_messages
from tests.peers.tws.accounts import Account
from tests.peers.tws.broker import Broker
from tests.peers.tws.checks import Refusal
from tests.peers.tws.codec import Message
from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Market
from tests.peers.tws.orders import Execution, Order
from tests.peers.tws.pacing import Pacing
from tests.peers.tws.record import Record

if TYPE_CHECKING:
    from tests.peers.tws.session import Session

MarketData = Literal["live", "delayed", "none"]


@dataclass
class Venue:
    """The broker, what it was told to do wrong, and the clients that are connected.

    `market_data` is what the account is entitled to. `outage` is the loss of the connection between TWS and the broker;
    `lost` says that what happens meanwhile is told to nobody. `reserved` are client ids that somebody else holds.
    `master` is the client that hears of everybody's orders. `most_depths` and `most_ticks` are how many books, and how many
    instruments tick by tick, a client may follow at once.
    """

    market: Market
    accounts: dict[str, Account]
    faults: Faults
    version: int = 178
    market_data: MarketData = "live"
    master: int | None = None
    most_depths: int = 3
    most_ticks: int = 3
    record: Record = field(default_factory=Record)
    sessions: list[Session] = field(default_factory=list)
    reserved: set[int] = field(default_factory=set)
    outage: bool = False
    lost: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)
    lowest_order_id: int = -1

    def __post_init__(self) -> None:
        self.pacing = Pacing(self.market.clock)
        self.reports = Reporter(self)
        self.broker = Broker(self.market, self.accounts, self.reports)

    def told(self) -> list[Session]:
        """Clients that hear of what happens now."""
        return [] if self.lost else [session for session in self.sessions if session.is_ready]

    def bind(self, order: Order, session: Session) -> None:
        """Gives an order typed into TWS a number of client 0's own."""
        self.lowest_order_id -= 1
        order.order_id = self.lowest_order_id
        self.broker.ids[0, order.order_id] = order
        session.send(Message("orderBound", (order.perm_id, 0, order.order_id), order.perm_id))


class Reporter:
    """Tells the clients whom it concerns what happened at the broker."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def opened(self, order: Order) -> None:
        for session in self._audience(order):
            session.send(order_messages.open_order(session.version, order))

    def status(self, order: Order) -> None:
        for session in self._audience(order):
            session.send(order_messages.order_status(order))

    def executed(self, execution: Execution) -> None:
        for session in self._audience(execution.order):
            session.send(order_messages.execution(session.version, -1, execution))

    def charged(self, execution: Execution) -> None:
        for session in self._audience(execution.order):
            session.send(order_messages.commission(execution))

    def refused(self, order: Order, refusal: Refusal) -> None:
        for session in self._audience(order):
            if session.client_id == order.client_id:
                session.send(messages.error(session.version, order.order_id, refusal.code, refusal.text, refusal.detail))

    def position(self, account: Account, contract: Contract) -> None:
        for session in self._venue.told():
            session.tell_position(account, account.positions[contract.con_id])

    def _audience(self, order: Order) -> list[Session]:
        return [
            session
            for session in self._venue.told()
            if order.perm_id not in session.muted
            and ((session.client_id == order.client_id and order.order_id) or session.client_id == self._venue.master)
        ]
