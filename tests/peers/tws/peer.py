"""The loopback TWS as a test uses it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import TracebackType

from engine.core.clock import MINUTE, SECOND, Clock, ManualClock, Nanos, from_iso
from tests.peers.faults import Faults
from tests.peers.tws import messages
from tests.peers.tws.accounts import Account
from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Level, Market, Number, exact
from tests.peers.tws.mischief import Mischief
from tests.peers.tws.orders import Execution, Order
from tests.peers.tws.record import Received, Sent
from tests.peers.tws.session import Session
from tests.peers.tws.streams import Depth, Stream
from tests.peers.tws.venue import MarketData, Venue

A_THURSDAY = from_iso("2025-11-20T15:00:00")
"""10:00 in New York, in regular hours."""
HOST = "127.0.0.1"
ACCOUNTS_EVERY = 3 * MINUTE
"""How often account values are sent again when nothing happens."""


class Peer(Mischief):
    """A TWS on the loopback interface. `async with Peer() as peer:` listens until the block ends.

    The clock stands still unless `advance` moves it (or another clock is given). Every coroutine returns after what it
    caused has been written to the sockets. All calls belong in the loop in which the peer was entered.
    """

    def __init__(
        self,
        *,
        server_version: int = 178,
        accounts: Iterable[str] = ("DU1234567",),
        cash: Number = 1_000_000,
        clock: Clock | None = None,
        market_data: MarketData = "live",
        port: int = 0,
        seed: int = 7,
        anchor: Nanos | None = None,
        always_open: bool = False,
        master: int | None = None,
    ) -> None:
        self.clock = clock if clock is not None else ManualClock(A_THURSDAY)
        market = Market(self.clock, seed, anchor)
        holders = {name: Account(name, market, exact(cash)) for name in accounts}
        self.faults = Faults()
        self.venue = Venue(market, holders, self.faults, server_version, market_data, master)
        self.venue.broker.always_open = always_open
        self.host = HOST
        self.port = port
        self._server: asyncio.Server | None = None
        self._accounts_told_at = self.clock.now()

    async def __aenter__(self) -> Peer:
        await self.listen()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.shut_down()

    async def listen(self) -> None:
        """Accepts clients, on the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self.venue).link, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Accepts no more clients; those that are connected stay."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    async def move(self) -> None:
        """Accepts clients on another port, and no more on this one."""
        old, self.port = self._server, 0
        await self.listen()
        if old is not None:
            old.close()

    async def shut_down(self) -> None:
        """Ends every link and the listening socket."""
        await self.refuse()
        await self.drop()

    # what a test looks at

    def received(self, kind: str | None = None) -> list[Received]:
        """Requests in the order in which they came, of one kind or all."""
        return [it for it in self.venue.record.received if kind in (None, it.kind)]

    def sent(self, kind: str | None = None) -> list[Sent]:
        """Messages in the order in which they left, of one kind or all."""
        return [it for it in self.venue.record.sent if kind in (None, it.kind)]

    @property
    def clients(self) -> list[int]:
        """Ids of the clients that are connected and ready."""
        return [session.client_id for session in self.venue.sessions if session.is_ready]

    @property
    def orders(self) -> list[Order]:
        """Every order the broker has accepted, oldest first."""
        return self.venue.broker.orders

    @property
    def executions(self) -> list[Execution]:
        """Every execution, oldest first."""
        return self.venue.broker.booking.executions

    def order(self, ref: str) -> Order:
        """The newest order with this orderRef. Raises KeyError."""
        for order in reversed(self.orders):
            if order.ref == ref:
                return order
        raise KeyError(ref)

    def account(self, name: str | None = None) -> Account:
        """An account by name, or the first."""
        return self.venue.accounts[name] if name else next(iter(self.venue.accounts.values()))

    def contract(self, name: str | int) -> Contract:
        """A contract by conId, symbol (futures: the nearest) or local symbol."""
        return self.venue.market.contract(name)

    def position(self, name: str | int, account: str | None = None) -> Decimal:
        """What the account holds of the contract."""
        held = self.account(account).positions.get(self.contract(name).con_id)
        return held.quantity if held else Decimal(0)

    # what a test does

    async def quote(
        self, name: str | int, bid: Number, ask: Number, *, bid_size: Number | None = None, ask_size: Number | None = None
    ) -> None:
        """Puts up a quote: clients see it, and orders that it reaches fill."""
        contract = self.contract(name)
        self.venue.market.set(contract, bid, ask, bid_size, ask_size)
        await self._quoted(contract)

    async def follow_paths(self, names: Iterable[str | int]) -> None:
        """Puts up the quotes that the contracts' price paths have now."""
        for name in names:
            contract = self.contract(name)
            before = self.venue.market.quotes[contract.con_id]
            if self.venue.market.follow_path(contract) != before:
                await self._quoted(contract)

    async def book(self, name: str | int, bids: Iterable[tuple[Number, Number]], asks: Iterable[tuple[Number, Number]]) -> None:
        """Puts up the depth (price and size, best first) until the next quote."""
        contract = self.contract(name)
        sides = tuple([Level(exact(price), exact(size)) for price, size in side] for side in (bids, asks))
        self.venue.market.books[contract.con_id] = (sides[0], sides[1])
        for stream in self._streams(contract):
            stream.on_depth()
        await self.flushed()

    async def trade(self, name: str | int, price: Number, size: Number) -> None:
        """Others trade at a price; bid and ask stay."""
        for stream in self._streams(self.contract(name)):
            stream.on_trade(exact(price), exact(size))
        await self.flushed()

    async def reset_depth(self, name: str | int) -> None:
        """317: the book is told from its beginning again."""
        for session in self.venue.sessions:
            for stream in list(session.streams.values()):
                if isinstance(stream, Depth) and stream.contract is self.contract(name):
                    session.error(stream.request, 317, "Market depth data has been RESET. Please empty deep book contents")
                    stream.begin_anew()
        await self.flushed()

    async def better(self, name: str | int, bid: Number, size: Number) -> None:
        """A better bid comes in above all others, told as TWS tells it: one row, which moves the others down."""
        for stream in self._streams(self.contract(name)):
            if isinstance(stream, Depth):
                stream.shift(1, Level(exact(bid), exact(size)))
        await self.flushed()

    async def advance(self, seconds: float) -> None:
        """Moves a clock that stands still; what ends meanwhile ends."""
        assert isinstance(self.clock, ManualClock)
        self.clock.set(self.clock.now() + round(seconds * SECOND))
        await self.on_time()

    async def on_time(self) -> None:
        """Does what is due by the clock. A clock that runs by itself needs this to be called now and then."""
        self.venue.broker.on_time()
        due = self.clock.now() - self._accounts_told_at >= ACCOUNTS_EVERY
        if due:
            self._accounts_told_at = self.clock.now()
        for session in [] if self.venue.outage else list(self.venue.sessions):
            for stream in list(session.streams.values()):
                stream.on_time()
            if due:
                session.refresh_accounts()
        await self.flushed()

    async def place(self, name: str | int, action: str, quantity: Number, kind: str = "MKT", **terms: object) -> Order:
        """Somebody else's order: typed into TWS by default, another client's with `client_id` and `order_id`.

        `terms` are fields of `Order`: limit, stop, tif, ref, account and so on.
        """
        order = Order(0, 0, self.account().name, action, exact(quantity), kind)
        for term, value in terms.items():
            setattr(order, term, exact(value) if isinstance(value, int | float) and term in PRICES else value)
        order.contract = self.contract(name)
        self.venue.broker.accept(order)
        for session in self.venue.sessions:
            if order.client_id == 0 and not order.order_id and session.is_ready and session.binds_manual_orders:
                self.venue.bind(order, session)
        self.venue.broker.transmit(order)
        await self.flushed()
        return order

    async def hold(self, name: str | int, quantity: Number, price: Number, account: str | None = None) -> None:
        """The account holds this much more of the contract, from before; no execution says where it came from."""
        self.account(account).come_with(self.contract(name), exact(quantity), exact(price))
        self.venue.reports.position(self.account(account), self.contract(name))
        await self.flushed()

    async def error(self, code: int, text: str = "", *, request: int = -1, client_id: int | None = None) -> None:
        """An error message to every client, or to one."""
        for session in self.venue.sessions:
            if session.is_ready and client_id in (None, session.client_id):
                session.send(messages.error(session.version, request, code, text or TEXTS.get(code, "")))
        await self.flushed()

    async def flushed(self) -> None:
        """Returns when nothing waits to be written."""
        while any(not session.link.is_idle for session in self.venue.sessions):
            await asyncio.sleep(0)

    async def _quoted(self, contract: Contract) -> None:
        for stream in self._streams(contract):
            stream.on_quote()
        self.venue.broker.on_quote(contract)
        await self.flushed()

    def _streams(self, contract: Contract) -> list[Stream]:
        """Subscriptions that a change of the contract's price concerns; none while the broker is out of reach."""
        sessions = [] if self.venue.outage else self.venue.sessions
        streams = [stream for session in sessions for stream in session.streams.values()]
        return [it for it in streams if it.contract.con_id == contract.con_id or not it.is_market_data]


PRICES = frozenset({"limit", "stop", "trail_stop", "trail_percent"})
TEXTS: Mapping[int, str] = {
    502: "Couldn't connect to TWS.",
    504: "Not connected",
    2103: "Market data farm connection is broken:usfarm",
    2104: "Market data farm connection is OK:usfarm",
    2105: "HMDS data farm connection is broken:ushmds",
    2106: "HMDS data farm connection is OK:ushmds",
    2108: "Market data farm connection is inactive but should be available upon demand.usfarm",
    2110: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    2158: "Sec-def data farm connection is OK:secdefil",
}
