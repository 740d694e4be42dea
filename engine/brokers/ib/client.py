"""The ib_async client as this adapter uses it, with what the library would hide made known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import ib_async
from ib_async import CommissionReport, Contract, Execution, Order, OrderState
from ib_async.decoder import Decoder

logging.getLogger("ib_async").addHandler(logging.NullHandler())

ESSENTIAL: Mapping[str, str] = {
    "5": "an open order",
    "6": "an account value",
    "10": "a contract",
    "11": "an execution",
    "17": "historical bars",
    "59": "a commission",
    "61": "a position",
    "73": "an account value",
}
"""Messages without which an answer is not whole, by number."""


class OrderListener(Protocol):
    """Hears what TWS says of orders, in its words and its order; must only take note."""

    def opened(self, number: int, contract: Contract, order: Order, status: str) -> None:
        """An order as it stands; `number` is the order id, which is its client's own."""
        ...

    def status(self, number: int, client_id: int, permanent_id: int, status: str, filled: float) -> None:
        """The status of an order and how much of it is filled in all."""
        ...

    def executed(self, contract: Contract, execution: Execution, is_live: bool) -> None:
        """An execution, as it happens or (not `is_live`) because it was asked for."""
        ...

    def charged(self, report: CommissionReport) -> None:
        """What an execution cost."""
        ...


class BookRow(NamedTuple):
    """What is told of a row of an order book: `operation` 0 insert, 1 update, 2 delete; `side` 0 ask, 1 bid."""

    position: int
    operation: int
    side: int
    price: float
    size: float


class Relay:
    """The library's wrapper as its decoder sees it, with `listeners` that hear of orders what the library is told, and `on_rows`
    of order books, by the number of the request.

    The library files orders under numbers that come again after a reset, takes live ones for cancelled, and writes rows of a book
    over each other.
    """

    def __init__(self, wrapper: Any) -> None:
        self.listeners: list[OrderListener] = []
        self.on_rows: dict[int, Callable[[BookRow], None]] = {}
        self.next_number = 0
        """The number that TWS would give the next order as the connection began."""
        self._wrapper = wrapper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapper, name)

    def nextValidId(self, number: int) -> None:  # noqa: N802 - the library's name
        self._wrapper.nextValidId(number)
        self.next_number = self.next_number or number

    def openOrder(self, number: int, contract: Contract, order: Order, state: OrderState) -> None:  # noqa: N802 - the library's name
        self._wrapper.openOrder(number, contract, order, state)
        if not order.whatIf:
            self._tell(lambda it: it.opened(number, contract, order, state.status))

    def orderStatus(self, number: int, status: str, filled: float, *rest: Any) -> None:  # noqa: N802 - the library's name
        self._wrapper.orderStatus(number, status, filled, *rest)
        permanent_id, client_id = rest[2], rest[5]
        self._tell(lambda it: it.status(number, client_id, permanent_id, status, filled))

    def execDetails(self, request: int, contract: Contract, execution: Execution) -> None:  # noqa: N802 - the library's name
        self._wrapper.execDetails(request, contract, execution)
        self._tell(lambda it: it.executed(contract, execution, request < 0))

    def commissionReport(self, report: CommissionReport) -> None:  # noqa: N802 - the library's name
        self._wrapper.commissionReport(report)
        self._tell(lambda it: it.charged(report))

    def updateMktDepth(self, request: int, position: int, operation: int, side: int, price: float, size: float) -> None:  # noqa: N802 - the library's name
        self._wrapper.updateMktDepth(request, position, operation, side, price, size)
        self._row(request, BookRow(position, operation, side, price, size))

    def updateMktDepthL2(self, request: int, position: int, maker: str, *told: Any) -> None:  # noqa: N802 - the library's name
        self._wrapper.updateMktDepthL2(request, position, maker, *told)
        self._row(request, BookRow(position, *told[:4]))

    def _row(self, request: int, row: BookRow) -> None:
        listener = self.on_rows.get(request)
        if listener is not None:
            listener(row)

    def _tell(self, tell: Callable[[OrderListener], None]) -> None:
        for listener in tuple(self.listeners):
            try:
                tell(listener)
            except Exception as error:  # the decoder would log it as an unreadable message; it is a bug of ours and must be seen
                complaint = {"message": "an order's news was not dealt with", "exception": error}
                asyncio.get_running_loop().call_exception_handler(complaint)


class WatchfulDecoder(Decoder):
    """Tells of messages that cannot be read. The library logs them and goes on, so that an execution could go missing."""

    def __init__(self, relay: Relay, on_unreadable: Callable[[str], None]) -> None:
        super().__init__(relay, 0)  # type: ignore[arg-type]  # it stands in for the wrapper
        self.relay = relay
        self._on_unreadable = on_unreadable

    def interpret(self, fields: list[str]) -> None:
        try:
            self.handlers[int(fields[0])](fields)
        except Exception:  # whatever it was, the link decides what it means
            self.logger.exception("unreadable message %s", fields[:1])
            self._on_unreadable(ESSENTIAL.get(fields[0], "") if fields else "")


class Client(ib_async.IB):
    """Leaves orders that were typed into TWS alone, unless it `binds` them; the library binds them whenever client 0 connects."""

    binds = False

    def reqAutoOpenOrders(self, autoBind: bool = True) -> None:  # noqa: N802, N803 - the library's names
        if self.binds:
            super().reqAutoOpenOrders(autoBind)


def new_client(timeout: float, on_unreadable: Callable[[str], None], *, binds_manual: bool = False) -> Client:
    """A client that has never been connected; one is good for one connection. To be made inside the running loop."""
    ib = Client()
    ib.binds = binds_manual
    ib.RequestTimeout = timeout
    ib.RaiseRequestErrors = True
    # On 1102 the library would ask for an account summary that nobody wants, in a task that nobody holds.
    ib.errorEvent.disconnect(ib._onError)
    ib.client.decoder = WatchfulDecoder(Relay(ib.wrapper), on_unreadable)
    return ib
