"""What a test can do to orders, executions, links and the server that a good broker would not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.peers.tws import messages
from tests.peers.tws.checks import CANCELLED, Refusal
from tests.peers.tws.market import Number, exact
from tests.peers.tws.orders import Execution, Order

if TYPE_CHECKING:
    from tests.peers.tws.venue import Venue

LOST = "Connectivity between IBKR and Trader Workstation has been lost."
RESTORED = {
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
}
PORT_RESET = "TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - {port}"


class Mischief:
    """The misbehaving half of the peer."""

    venue: Venue
    port: int

    async def flushed(self) -> None:
        """Given by the peer."""

    async def listen(self) -> None:
        """Given by the peer."""

    async def refuse(self) -> None:
        """Given by the peer."""

    async def move(self) -> None:
        """Given by the peer."""

    # orders

    async def fill(self, order: Order, quantity: Number | None = None, price: Number | None = None) -> Execution:
        """Executes an order whatever its state: in parts, after its cancel, beyond its quantity."""
        quote = self.venue.market.quotes[order.contract.con_id]
        touch = quote.ask if order.is_buy else quote.bid
        size = exact(quantity) if quantity is not None else order.remaining
        execution = self.venue.broker.fill(order, size, touch if price is None else exact(price))
        await self.flushed()
        return execution

    async def correct(self, execution: Execution, *, price: Number | None = None, quantity: Number | None = None) -> Execution:
        """The venue corrects an execution: the same id with the next suffix."""
        new_price = execution.price if price is None else exact(price)
        new_quantity = execution.quantity if quantity is None else exact(quantity)
        corrected = self.venue.broker.booking.correct(execution, new_price, new_quantity)
        await self.flushed()
        return corrected

    async def repeat(self, execution: Execution) -> None:
        """Tells of an execution once more."""
        self.venue.reports.executed(execution)
        self.venue.reports.charged(execution)
        await self.flushed()

    async def reject(self, order: Order, code: int = 201, text: str = "Order rejected - reason:", detail: str = "") -> None:
        """The venue ends the order of its own accord, after it was accepted."""
        self.venue.broker.finish(order, "Inactive", Refusal(code, text, detail))
        await self.flushed()

    async def confirm_cancel(self, order: Order) -> None:
        """Completes a cancel that `slow_cancels` left pending."""
        if order.is_done:
            raise ValueError(f"order {order.perm_id} is {order.status} and cannot be cancelled")
        self.venue.broker.finish(order, "Cancelled", CANCELLED)
        await self.flushed()

    def slow_cancels(self, slow: bool = True) -> None:
        """Cancels stay pending until they are confirmed."""
        self.venue.broker.slow_cancels = slow

    def partial_fills(self, partial: bool = True) -> None:
        """Orders fill for no more than the size that is shown, once a quote."""
        self.venue.broker.whole_fills = not partial

    def forget(self, order: Order) -> None:
        """Nobody at the broker knows of the order any more, nor of its executions; positions stay."""
        broker = self.venue.broker
        broker.orders.remove(order)
        broker.live[:] = [it for it in broker.live if it is not order]
        broker.booking.forget(order)
        broker.ids.pop((order.client_id, order.order_id), None)

    async def clone(self, order: Order, order_id: int | None = None) -> Order:
        """A second live order with a permId of its own and the same orderRef (and the same order id unless given)."""
        twin = replace(order, perm_id=0, status="PendingSubmit", filled=Decimal(0), average=Decimal(0), commission=None)
        twin.order_id = order.order_id if order_id is None else order_id
        self.venue.broker.accept(twin)
        self.venue.broker.transmit(twin)
        await self.flushed()
        return twin

    # links

    async def drop(self, client_id: int | None = None) -> None:
        """The links of all clients, or of one, die at once."""
        dying = [it for it in self.venue.sessions if client_id in (None, it.client_id)]
        for session in dying:
            session.link.abort()
        for session in dying:
            await session.link.closed.wait()

    async def lose_connectivity(self, *, lost: bool = False) -> None:
        """1100: TWS has lost the broker. No quotes come and requests about orders wait.

        Orders go on filling. What happens to them is told as it happens, or with `lost` never (it can be asked for later).
        """
        self._tell(1100, LOST)
        self.venue.outage, self.venue.lost = True, lost
        await self.flushed()

    async def restore_connectivity(self, code: int = 1102) -> None:
        """1102: all is as before. 1101: subscriptions to market data are gone."""
        self.venue.outage = self.venue.lost = False
        self._tell(code, RESTORED[code])
        if code == 1101:
            for session in self.venue.sessions:
                session.streams = {number: it for number, it in session.streams.items() if not it.is_market_data}
        waiting, self.venue.waiting = self.venue.waiting, []
        for answer in waiting:
            answer()
        await self.flushed()

    def start_disconnected(self) -> None:
        """Clients that connect from now on are told 2110, until connectivity is restored."""
        self.venue.outage = True

    async def reset_port(self) -> None:
        """1300: every client is told the new port and dropped; the old one is closed."""
        await self.move()
        self._tell(1300, PORT_RESET.format(port=self.port))
        await self.flushed()
        await self.drop()

    async def restart(self, *, lower_ids: bool = False, forget: Iterable[Order] = ()) -> None:
        """The server goes and comes back on the same port. Order ids are remembered, unless `lower_ids`.

        With `lower_ids` every client starts at 1 again and its earlier ids mean nothing: a new order may have the id of
        a live one. Orders, executions and positions are kept, those to `forget` excepted.
        """
        await self.refuse()
        await self.drop()
        for order in forget:
            self.forget(order)
        if lower_ids:
            self.venue.broker.highest.clear()
            self.venue.broker.ids.clear()
        await self.listen()

    def reserve(self, client_id: int) -> None:
        """Somebody else holds this client id: who asks for it gets 326."""
        self.venue.reserved.add(client_id)

    def _tell(self, code: int, text: str) -> None:
        for session in self.venue.sessions:
            if session.is_ready:
                session.send(messages.error(session.version, -1, code, text))
