"""Every order and list the exchange took, and the counters their numbers come from."""

from __future__ import annotations

from decimal import Decimal

from tests.peers.exchange.accounts import Hold
from tests.peers.exchange.orders import Order, OrderList, Ticket
from tests.peers.exchange.refusals import Refused

FIRST_ORDER, FIRST_TRADE, FIRST_LIST = 4_000_001, 900_001, 3_001


class Register:
    """The account's orders, oldest first."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.lists: list[OrderList] = []
        self._order, self._trade, self._list = FIRST_ORDER, FIRST_TRADE, FIRST_LIST

    def new(self, ticket: Ticket, quantity: Decimal, hold: Hold, now_ms: int, oco: OrderList | None = None) -> Order:
        order = Order(self._order, ticket, quantity, hold, now_ms, now_ms, oco=oco)
        self._order += 1
        self.orders.append(order)
        return order

    def new_list(self, client_id: str) -> OrderList:
        oco = OrderList(self._list, client_id)
        self._list += 1
        self.lists.append(oco)
        return oco

    def next_trade(self) -> int:
        self._trade += 1
        return self._trade - 1

    def drop(self, order: Order) -> None:
        self.orders.remove(order)

    def lower_ids(self) -> None:
        """The next orders get numbers below all given so far, as after a restart from an old copy."""
        self._order = min((order.order_id for order in self.orders), default=self._order) - 1_000_000

    def open(self, symbol: str | None = None) -> list[Order]:
        return [it for it in self.orders if it.is_open and symbol in {None, it.listing.symbol}]

    def find(self, symbol: str, order_id: int | None, client_id: str | None, missing: Refused) -> Order:
        """The newest order of that number or of that own id; raises `missing`."""
        for order in reversed(self.orders):
            by_number = order_id is not None and order.order_id == order_id
            by_own = order_id is None and client_id is not None and order.ticket.client_id == client_id
            if order.listing.symbol == symbol and (by_number or by_own):
                return order
        raise missing

    def find_list(self, list_id: int | None, client_id: str | None, missing: Refused) -> OrderList:
        for oco in reversed(self.lists):
            if oco.list_id == list_id or (list_id is None and oco.client_id == client_id):
                return oco
        raise missing
