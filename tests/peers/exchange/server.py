"""The exchange on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from time import time_ns
from typing import Any

from tests.peers.exchange.accounts import Wallet
from tests.peers.exchange.book import Level
from tests.peers.exchange.connection import Connection, HttpCaller, SocketCaller
from tests.peers.exchange.desk import Desk
from tests.peers.exchange.gate import Gate
from tests.peers.exchange.http import Head
from tests.peers.exchange.market import Market
from tests.peers.exchange.matching import Fees
from tests.peers.exchange.orders import Order
from tests.peers.exchange.record import Request, from_http, from_socket
from tests.peers.exchange.refusals import Refused
from tests.peers.exchange.streams import Hub, Socket
from tests.peers.exchange.tape import Bar
from tests.peers.exchange.tickets import ticket
from tests.peers.exchange.traffic import Traffic
from tests.peers.faults import Faults
from tests.peers.link import Link

HOST = "127.0.0.1"
KEY, SECRET = "loopback-key", "loopback-secret"
BALANCES = {"USDT": Decimal(100_000), "PAXG": Decimal(10), "BTC": Decimal(1)}
Number = Decimal | int | str


class Exchange:
    """Binance spot on 127.0.0.1, for one account; an async context manager, or `start` and `stop`.

    Money is exact: give numbers as Decimal, int or str. Everything happens in the loop's callbacks: no task, no thread.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        key: str = KEY,
        secret: str = SECRET,
        balances: Mapping[str, Decimal] = BALANCES,
        fees: Fees = Fees(),  # noqa: B008 - frozen
        clock_ms: Callable[[], int] = lambda: time_ns() // 1_000_000,
    ) -> None:
        self.port = port
        self.key, self.secret = key, secret
        self.faults = Faults()
        self.clock_offset_ms = 0
        self.hub = Hub()
        self.gate = Gate(key, secret)
        self.desk = Desk(self.gate, balances, fees, self.now_ms, self.hub)
        self._clock_ms = clock_ms
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._stirred = asyncio.Event()
        self._waiting: set[asyncio.TimerHandle] = set()
        self.traffic = Traffic(self.desk, self.hub, self.faults, self._later)

    async def __aenter__(self) -> Exchange:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; with port 0 on a free one, which it keeps."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cuts every connection; the port refuses from now on. Orders and balances stay."""
        for handle in self._waiting:
            handle.cancel()
        self._waiting.clear()
        if self._server is not None:
            self._server.close()
            self._server = None
        gone = [connection.link.closed.wait() for connection in self._connections]
        for connection in list(self._connections):
            connection.link.abort()
        await asyncio.gather(*gone)

    async def restart(self, *, lower_ids: bool = False) -> None:
        """Down and up again on the same port, if wanted with order ids below all given so far."""
        await self.stop()
        if lower_ids:
            self.desk.matching.register.lower_ids()
        await self.start()

    @property
    def rest_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def now_ms(self) -> int:
        """The exchange's own clock, which may be off."""
        return self._clock_ms() + self.clock_offset_ms

    async def quote(self, symbol: str, bid: Number, ask: Number, *, depth: Number | None = None, levels: int = 5) -> None:
        """The street's book is now `levels` prices on each side, a tick apart, with `depth` at each (default 1)."""
        tick, size = self.market(symbol).listing.tick, Decimal(1 if depth is None else depth)
        bids = [(Decimal(bid) - tick * step, size) for step in range(levels)]
        await self.book(symbol, bids, [(Decimal(ask) + tick * step, size) for step in range(levels)])

    async def book(self, symbol: str, bids: list[Level], asks: list[Level]) -> None:
        """The street's book is now this one. Price and quantity, in any order; an empty side is empty."""
        self.desk.matching.street(symbol, bids, asks)
        await asyncio.sleep(0)

    async def trade(self, symbol: str, side: str, quantity: Number, limit: Number | None = None) -> Decimal:
        """Somebody else buys or sells into the book; returns what found nobody."""
        rest = self.desk.matching.hit(symbol, side, Decimal(quantity), None if limit is None else Decimal(limit))
        await asyncio.sleep(0)
        return rest

    async def last(self, symbol: str, price: Number) -> None:
        """Somebody trades elsewhere at this price: it is the last one, and orders that wait for it start."""
        self.desk.matching.trade_elsewhere(symbol, Decimal(price))
        await asyncio.sleep(0)

    def place(self, symbol: str, side: str, kind: str, quantity: Number, **terms: Number) -> Order:
        """An order by hand at the venue, from outside any client; terms as in POST order: price, stopPrice, timeInForce."""
        named = {"symbol": symbol, "side": side, "type": kind, "quantity": quantity, **terms}
        return self.desk.matching.place(ticket(self.market(symbol), {name: str(value) for name, value in named.items()}))

    def cancel(self, order: Order) -> None:
        """A cancel by hand at the venue."""
        self.desk.matching.cancel(order, "by-hand")

    def deposit(self, asset: str, amount: Number) -> None:
        """Money or gold arrives from outside, or leaves when negative, and the account's stream tells."""
        self.desk.deposit(asset, Decimal(amount))

    def history(self, symbol: str, bars: list[Bar]) -> None:
        """The one-minute bars before now, oldest first."""
        self.market(symbol).tape.load(bars)

    def order(self, own_id: str) -> Order | None:
        """The newest order with this client order id."""
        return next((it for it in reversed(self.orders) if it.ticket.client_id == own_id), None)

    @property
    def wallet(self) -> Wallet:
        """What the account owns: `free`, `locked` and `total` by asset."""
        return self.desk.matching.wallet

    def market(self, symbol: str) -> Market:
        """A symbol's book, tape and waiting orders."""
        return self.desk.matching.markets[symbol]

    @property
    def orders(self) -> list[Order]:
        """Every order the exchange ever took, oldest first."""
        return self.desk.matching.register.orders

    @property
    def requests(self) -> list[Request]:
        """Everything that was asked, oldest first."""
        return self.traffic.seen

    def asked(self, kind: str) -> list[Request]:
        """The requests of one kind, as they came: "POST order", "SUBSCRIBE"."""
        return [it for it in self.requests if it.kind == kind]

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for something that a request or a connection brings about, such as a subscription."""
        while not condition():
            self._stirred.clear()
            await self._stirred.wait()

    def forget(self, order: Order) -> None:
        """The order is gone without a word, as if it had never come."""
        self.desk.matching.forget(order)

    def revoke_key(self) -> None:
        """The key is deleted: -2015 from now on, and the account's streams end."""
        self.gate.revoke()
        self.hub.end_user_streams(self.now_ms())

    def storm(self, reason: Refused | None, times: int | None = None) -> None:
        """Every request is refused for this reason, so many times or until `storm(None)`."""
        self.gate.storm(reason, times)

    def stall(self) -> None:
        """Streams stand still, without an error and without a close; pings are answered."""
        self.hub.is_silent = True

    def resume(self) -> None:
        """Streams run again; what happened meanwhile is not told."""
        self.hub.is_silent = False

    def ping(self) -> None:
        """Every WebSocket is asked whether anybody is there; `Socket.pongs` counts the answers."""
        for socket in self.hub.sockets:
            socket.ping()

    def drop_sockets(self) -> None:
        """Every WebSocket is cut, without a word."""
        for socket in list(self.hub.sockets):
            socket.abort()

    def close_sockets(self, code: int = 1001) -> None:
        """Every WebSocket is closed, with a code."""
        for socket in list(self.hub.sockets):
            socket.close(code)

    def _accept(self) -> Link:
        connection = Connection(self.faults, self._request, self._upgrade, self._lost, self._stirred.set)
        self._connections.add(connection)
        return connection.link

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._stirred.set()
        if connection.socket is not None:
            self.hub.sockets.remove(connection.socket)

    def _upgrade(self, link: Link, path: str) -> Socket:
        socket = Socket(link, path, self.faults, self._later, self._message)
        self.hub.sockets.append(socket)
        return socket

    def _request(self, connection: Connection, head: Head) -> None:
        self.traffic.take(from_http(head, HttpCaller(connection.link), self.now_ms()))

    def _message(self, socket: Socket, message: Any, payload: bytes) -> None:
        self.traffic.take(from_socket(socket.path, message, payload, SocketCaller(socket, message.get("id")), self.now_ms()))

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        def due() -> None:
            self._waiting.discard(handle)
            call()

        handle = asyncio.get_running_loop().call_later(seconds, due)
        self._waiting.add(handle)
