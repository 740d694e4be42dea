"""One client's connection: handshake, requests in, messages out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.peers.faults import Action, Answer, Cut, Mute, Passage
from tests.peers.link import Link
from tests.peers.tws import messages
from tests.peers.tws.accounts import Account, Position
from tests.peers.tws.answers import ANSWERS
from tests.peers.tws.codec import REQUESTS, Fields, Frames, Message, fields_of, frame
from tests.peers.tws.hours import NEW_YORK
from tests.peers.tws.orders import read_order
from tests.peers.tws.record import Received, Sent
from tests.peers.tws.streams import Stream

if TYPE_CHECKING:
    from tests.peers.tws.venue import Venue

GREETING = b"API\0"
FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)
WAIT_FOR_RESTORE = ("placeOrder", "cancelOrder", "reqGlobalCancel")
"""Requests that TWS keeps to itself while its own connection is down."""
ID_AT = {
    **dict.fromkeys(("placeOrder", "reqHistoricalData", "reqHeadTimeStamp", "reqHistoricalTicks", "reqTickByTickData"), 0),
    **dict.fromkeys(("reqMatchingSymbols", "reqPnL", "reqPnLSingle"), 0),
    **dict.fromkeys(("cancelOrder", "reqContractDetails", "reqMktData", "reqMktDepth", "reqRealTimeBars", "reqExecutions"), 1),
    **dict.fromkeys(("reqAccountSummary", "reqAccountUpdatesMulti"), 1),
}
"""Where a request keeps the id that its errors name."""
ORDER_AT = {"placeOrder": 0, "cancelOrder": 1}


class Session:
    """A client. `muted` are the permIds of which it hears nothing more unless it asks."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.version = venue.version
        self.client_id = -1
        self.is_ready = False
        self.market_data_type = 1
        self.wants_positions = False
        self.binds_manual_orders = False
        self.account_updates: set[str] = set()
        self.streams: dict[int, Stream] = {}
        self.muted: set[int] = set()
        self.link = Link(venue.faults, self._received, self._lost)
        self._frames = Frames()
        self._greeted = False
        self._shaken = False
        self._silent = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._inward = Passage(venue.faults, self._act, self._later)
        self._outward = Passage(venue.faults, self._write, self._later)
        venue.sessions.append(self)

    def send(self, message: Message) -> None:
        """A message to the client, unless a fault has it otherwise."""
        if not self._silent:
            self._outward.put(message.kind, message)

    def error(self, request: int, code: int, text: str, detail: str = "") -> None:
        """An error message; `request` -1 for none."""
        self.send(messages.error(self.version, request, code, text, detail))

    def subscribe(self, stream: Stream) -> None:
        """Starts a subscription; one whose beginning is not told is not told of later."""
        if not self._silent:
            self.streams[stream.request] = stream
            stream.start()

    def tell_position(self, account: Account, position: Position) -> None:
        """A position has changed: to who asked for positions, and to who follows the account."""
        if self.wants_positions:
            self.send(messages.position(account, position))
        if account.name in self.account_updates:
            self.send(messages.portfolio(account, position))
            self._tell_values(account)
        for stream in list(self.streams.values()):
            stream.on_account(account)

    def refresh_accounts(self) -> None:
        """What the client follows of accounts is told again, as prices have it now."""
        for name in self.account_updates:
            account = self.venue.accounts[name]
            for position in account.positions.values():
                if position.quantity:
                    self.send(messages.portfolio(account, position))
            self._tell_values(account)

    def _tell_values(self, account: Account) -> None:
        for tag, value, currency in account.values():
            self.send(Message("updateAccountValue", (2, tag, value, currency, account.name)))

    def _received(self, data: bytes) -> None:
        self._frames.feed(data)
        if not self._greeted:
            greeting = self._frames.take(len(GREETING))
            if greeting is None:
                return
            if greeting != GREETING:
                self.link.abort()
                return
            self._greeted = True
        for payload in self._frames:
            if self.link.is_over:
                return
            if self._shaken:
                self._request(payload)
            else:
                self._shake_hands(payload)

    def _shake_hands(self, payload: bytes) -> None:
        self._shaken = True
        self.venue.record.handshakes.append(payload)
        now = self.venue.market.now().astimezone(NEW_YORK)
        self.link.write(frame(f"{self.version}\0{now:%Y%m%d %H:%M:%S %Z}\0".encode()))

    def _request(self, payload: bytes) -> None:
        number, *rest = fields_of(payload)
        kind = REQUESTS.get(int(number), f"request {number}")
        read = read_order(Fields(rest), self.client_id, self.version) if kind == "placeOrder" else (None, None)
        record, at = self.venue.record, self.venue.market.clock.now()
        received = Received(record.count, at, self.client_id, kind, tuple(rest), payload, *read)
        record.note(received)
        self._inward.put(kind, received)

    def _act(self, kind: str, request: Received, action: Action | None) -> None:
        match action:
            case Answer(code, text, detail):
                self.error(_id_of(request), code, text, detail)
            case Mute():
                self._silently(request)
            case Cut(acted):
                if acted:
                    self._silently(request)
                self.link.abort()
            case _:
                self._answer(request)

    def _answer(self, request: Received) -> None:
        if self.venue.outage and request.kind in WAIT_FOR_RESTORE:
            self.venue.waiting.append(lambda: self._answer(request))
        elif request.kind == "startApi":
            self._start(int(request.fields[1]))
        elif request.kind in ANSWERS:
            ANSWERS[request.kind](self, Fields(list(request.fields)), request)
        else:
            self.error(-1, 10000, f"This peer does not answer {request.kind}")

    def _silently(self, request: Received) -> None:
        broker, named = self.venue.broker, ORDER_AT.get(request.kind)
        known = broker.ids.get((self.client_id, int(request.fields[named]))) if named is not None else None
        first = broker.next_perm_id
        self._silent = True
        try:
            self._answer(request)
        finally:
            self._silent = False
        self.muted.update(range(first, broker.next_perm_id), [known.perm_id] if known else [])

    def _start(self, client_id: int) -> None:
        taken = {session.client_id for session in self.venue.sessions if session is not self} | self.venue.reserved
        if client_id in taken:
            self.error(-1, 326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            self.link.close()
            return
        self.client_id = client_id
        self.is_ready = True
        self.send(Message("managedAccounts", (1, ",".join(self.venue.accounts))))
        self.send(Message("nextValidId", (1, self.venue.broker.next_id(client_id))))
        for code, text in FARMS if not self.venue.outage else ():
            self.error(-1, code, text)
        if self.venue.outage:
            self.error(
                -1, 2110, "Connectivity between Trader Workstation and server is broken. It will be restored automatically."
            )

    def _write(self, kind: str, message: Message, action: Action | None) -> None:
        if action != Cut(acted=False):
            self.venue.record.sent.append(Sent(self.client_id, kind, message))
            self.link.write(message.encode())
        if isinstance(action, Cut):
            self.link.abort()

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(timer)
            call()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)

    def _lost(self) -> None:
        self.is_ready = False
        if self._frames.rest:
            self.venue.record.torn.append(self._frames.rest)
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.streams.clear()
        if self in self.venue.sessions:
            self.venue.sessions.remove(self)


def _id_of(request: Received) -> int:
    """The request or order id that an error names; -1 where the request has none."""
    at = ID_AT.get(request.kind)
    return -1 if at is None else int(request.fields[at])
