"""One connection to TWS or IB Gateway: made, watched, asked and ended; what goes wrong with it is said in a sentence."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar, cast

from ib_async.ib import StartupFetchNONE
from ib_async.wrapper import RequestError

from engine.brokers.ib import codes
from engine.brokers.ib.client import OrderListener, Relay, new_client
from engine.brokers.ib.greeting import OLDEST, Greeting
from engine.core.errors import BrokerError, NotAdmitted
from engine.ports.venue import VenueAddress

T = TypeVar("T")
ErrorHandler = Callable[[int, int, str], None]

PAPER_PORT, LIVE_PORT = 7497, 7496
PATIENCE_S = 1.0
"""How long a socket may take to close before it is cut."""


class Unanswered(BrokerError):
    """No answer came in time; it may still come."""


class Taken(NotAdmitted):
    """The client id is in use."""


class Link:
    """Connected once, by `open`; to connect again, make another. Handlers in `on_error` and `on_lost` must only take note.

    `is_ready` says that IB itself can be reached through TWS; `trouble` why not. `moved_to` is the port that TWS has moved to, 0
    while it has not. `is_throttling` while messages wait here because too many were sent within a second; `on_left` is called
    when they have left. `is_closed_here`: it was ended from this side, and the other may not have noticed. With `binds_manual`
    client 0 gets orders that were typed into TWS as its own.
    """

    def __init__(self, address: VenueAddress, *, binds_manual: bool = False) -> None:
        self.host = address.host or "127.0.0.1"
        self.port = address.port or (LIVE_PORT if address.is_live else PAPER_PORT)
        self.client_id = address.client_id
        self.is_read_only = address.is_read_only
        self.timeout = address.timeout
        self.trouble = ""
        self.moved_to = 0
        self.is_throttling = False
        self.is_closed_here = False
        self.on_left: list[Callable[[], None]] = []
        self.on_unreadable: list[Callable[[str], None]] = []
        self.on_error: list[ErrorHandler] = []
        self.on_lost: list[Callable[[str], None]] = []
        self.ib = new_client(self.timeout, self._unreadable, binds_manual=binds_manual)
        self._greeting = Greeting()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._why = ""
        self._is_opened = False
        self._is_taken = False
        self._unanswered: set[str] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._spoilt: list[str] = []
        self.ib.client.conn.hasData += self._greeted
        self.ib.client.conn.disconnected += self._disconnected
        self.ib.client.throttleStart += lambda: self._throttle(True)
        self.ib.client.throttleEnd += lambda: self._throttle(False)
        self.ib.errorEvent += self._told

    @property
    def name(self) -> str:
        """What the other end is called in sentences."""
        return f"TWS at {self.host}:{self.port}"

    @property
    def version(self) -> int:
        """The server's version."""
        return self._greeting.version

    @property
    def order_listeners(self) -> list[OrderListener]:
        """Who hears of orders on this connection."""
        return self.relay.listeners

    @property
    def relay(self) -> Relay:
        """Tells what the library is told."""
        return cast(Relay, self.ib.client.decoder.wrapper)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to TWS."""
        return not self._over.done() and self.ib.isConnected()

    @property
    def is_ready(self) -> bool:
        """Whether there is one from here to IB."""
        return self.is_open and not self.trouble

    async def open(self) -> None:
        """Connects and learns the zone of TWS's times; only positions are asked for. BrokerError where it cannot be done,
        Taken where the client id is in use."""
        attempt = asyncio.ensure_future(
            self.ib.connectAsync(
                self.host,
                self.port,
                self.client_id,
                self.timeout,
                self.is_read_only,
                raiseSyncErrors=True,
                fetchFields=StartupFetchNONE,
            )
        )
        try:
            await asyncio.wait({attempt, self._over}, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done() and not attempt.done():
                raise self._refused(self._over.result())
            attempt.result()
            self.ib.TimezoneTWS = await self._zone()
            self._is_opened = True
        except (OSError, UnicodeError) as error:
            raise self._refused(self._cause(error)) from error
        finally:
            await _ended(attempt)
            if not self._is_opened:
                await self.close()

    async def ask(self, what: str, request: Callable[[], Awaitable[T]]) -> T:
        """The answer to a request; BrokerError when it is refused, does not come in time, or cannot be read as a whole.

        `what` names the answer in sentences.
        """
        if not self.is_open:
            raise BrokerError(self._over.result() if self._over.done() else f"not connected to {self.name}; connect first")
        spoilt = len(self._spoilt)
        answer = asyncio.ensure_future(request())
        both: set[asyncio.Future[Any]] = {answer, self._over}
        try:
            await asyncio.wait(both, timeout=self.timeout, return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                raise BrokerError(self._over.result())
            if not answer.done():
                raise Unanswered(f"{self.name} did not tell {what} within {self.timeout:g} s; look at TWS, then try again")
            result = answer.result()
        except RequestError as error:
            raise BrokerError(f"{self.name} {codes.refusal(error.code, error.message)}, asked for {what}") from error
        finally:
            await _ended(answer)
        if len(self._spoilt) > spoilt:
            raise BrokerError(f"{self.name} sent {self._spoilt[-1]} that cannot be read; {what} would not be whole")
        return result

    async def ask_alone(self, what: str, request: Callable[[], Awaitable[T]]) -> T:
        """The same for a request that has no number: one at a time, for two answers could not be told apart.

        One that did not come is not asked for again on this link: it could come late and be taken for a part of the next.
        """
        async with self._turns[what]:
            if what in self._unanswered:
                raise Unanswered(f"{self.name} still owes an earlier answer about {what}; connect again")
            try:
                return await self.ask(what, request)
            except (Unanswered, asyncio.CancelledError):
                self._unanswered.add(what)
                raise

    async def lost(self) -> str:
        """Waits until the connection is over and says why."""
        return await asyncio.shield(self._over)

    async def close(self, why: str = "") -> None:
        """Ends the connection and waits until the socket is gone; safe at any time, and twice. `why` is a sentence."""
        self.is_closed_here = self.is_closed_here or not self._over.done()
        self._end(why or f"the connection to {self.name} was closed here")
        conn: Any = self.ib.client.conn
        if conn.isConnected():
            gone = asyncio.Event()
            conn.disconnected += lambda _reason: gone.set()
            transport = conn.transport
            (self.ib if self.ib.isConnected() else self.ib.client).disconnect()
            try:
                await asyncio.wait_for(gone.wait(), PATIENCE_S)
            except TimeoutError:
                transport.abort()
                await gone.wait()

    async def _zone(self) -> str:
        now: datetime = await self.ask_alone("the time", self.ib.reqCurrentTimeAsync)
        zone = self._greeting.zone(now)
        if zone is None and self.version < 164:
            told = self._greeting.time
            raise BrokerError(f"{self.name} shows its own time as {told!r}, a zone that is not known; set TWS's zone to UTC")
        return zone or "UTC"

    def _refused(self, sentence: str) -> BrokerError:
        return Taken(sentence) if self._is_taken else BrokerError(sentence)

    def _cause(self, error: Exception) -> str:
        if isinstance(error, ConnectionRefusedError):
            return (
                f"nobody listens at {self.host}:{self.port}; start TWS or IB Gateway, allow API clients there, and check the port"
            )
        if isinstance(error, ConnectionError) and error.args and isinstance(error.args[0], list):
            return f"{self.name} answered in part only: {', '.join(error.args[0])}; try again"
        if isinstance(error, ConnectionError) and self._over.done():
            return self._over.result()
        if isinstance(error, TimeoutError):
            return f"{self.name} did not complete the handshake within {self.timeout:g} s; is the API enabled there?"
        return f"{self.host}:{self.port} cannot be reached: {error}; check the address"

    def _greeted(self, data: bytes) -> None:
        if not self.version and self._greeting.feed(data) and 0 < self.version < OLDEST:
            self._end(f"{self.name} is too old (server version {self.version}, at least {OLDEST} is needed); update it")

    def _told(self, request: int, code: int, text: str, _contract: object) -> None:
        if code == codes.CLIENT_ID_IN_USE:
            self._is_taken = True
            self._end(
                f"client id {self.client_id} is in use at {self.name}; choose another, or close the program that holds it "
                "(nothing was taken over)"
            )
        elif code == codes.PORT_MOVED:
            self.moved_to = codes.port_in(text)
            self._why = f"{self.name} has moved to another port ({text.strip()}); confirm the new port before connecting there"
        elif code in codes.LOST:
            self.trouble = f"{self.name} has no connection to Interactive Brokers (error {code})"
        elif code in codes.RESTORED:
            self.trouble = ""
        for handler in tuple(self.on_error):
            handler(request, code, text)

    def _disconnected(self, _reason: str) -> None:
        early = f" before it was ready; client id {self.client_id} may be in use, or this address not be trusted there"
        self._end(self._why or f"{self.name} closed the connection{'' if self._is_opened else early}")

    def _end(self, sentence: str) -> None:
        if not self._over.done():
            self._over.set_result(sentence)
            for handler in tuple(self.on_lost):
                handler(sentence)

    def _throttle(self, is_on: bool) -> None:
        self.is_throttling = is_on
        for handler in () if is_on else tuple(self.on_left):
            handler()

    def _unreadable(self, what: str) -> None:
        if what:
            self._spoilt.append(what)
            for handler in tuple(self.on_unreadable):
                handler(what)


async def _ended(future: asyncio.Future[T]) -> None:
    """Waits for the future, cancelled if it is not done; what it failed with is its owner's to raise."""
    if not future.done():
        future.cancel()
    await asyncio.gather(future, return_exceptions=True)
