"""The WebSockets: who subscribed to what, and the account's own stream."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.peers.exchange.faults import CutAt
from tests.peers.exchange.http import CLOSE, PING, PONG, TEXT, Frames, frame
from tests.peers.faults import Action, Cut, Faults, Passage
from tests.peers.link import Link

Later = Callable[[float, Callable[[], None]], None]


class Socket:
    """One WebSocket of a client. `asked` is called with each JSON message it sends."""

    def __init__(self, link: Link, path: str, faults: Faults, later: Later, asked: Callable[[Socket, Any, bytes], None]) -> None:
        self.path = path
        self.names: set[str] = set()
        self.accounts: list[int] = []
        self.pongs = 0
        self._link = link
        self._asked = asked
        self._frames = Frames()
        self._passage = Passage(faults, self._deliver, later)

    def received(self, data: bytes) -> None:
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._asked(self, json.loads(payload), payload)
            elif opcode == PING:
                self._link.write(frame(payload, PONG))
            elif opcode == PONG:
                self.pongs += 1
            elif opcode == CLOSE:
                self._link.write(frame(payload, CLOSE))
                self._link.close()

    def tell(self, kind: str, event: Any) -> None:
        """An event leaves, as the faults let it."""
        self._passage.put(kind, event)

    def ping(self) -> None:
        self._link.write(frame(b"are you there", PING))

    def close(self, code: int) -> None:
        """Says goodbye with a code and closes."""
        self._link.write(frame(code.to_bytes(2, "big"), CLOSE))
        self._link.close()

    def abort(self) -> None:
        self._link.abort()

    def write(self, text: str, count: int | None = None) -> None:
        """A message leaves; with a count, only so many bytes of it before the link dies."""
        self._link.write(frame(text.encode())[:count])
        if count is not None:
            self._link.close()

    def _deliver(self, kind: str, event: Any, action: Action | CutAt | None) -> None:
        text = json.dumps(event, separators=(",", ":"))
        match action:
            case None:
                self.write(text)
            case CutAt(bytes=count):
                self.write(text, count)
            case Cut():
                self._link.abort()


class Hub:
    """All sockets; `is_silent` is a stream that stands still and answers pings all the same."""

    def __init__(self) -> None:
        self.sockets: list[Socket] = []
        self.is_silent = False

    def has(self, name: str) -> bool:
        """Whether anybody wants that stream."""
        return any(name in socket.names for socket in self.sockets)

    def tell(self, name: str, kind: str, event: Any) -> None:
        if not self.is_silent:
            for socket in list(self.sockets):
                if name in socket.names:
                    socket.tell(kind, event)

    def tell_user(self, event: Any) -> None:
        if not self.is_silent:
            for socket in list(self.sockets):
                for number in socket.accounts:
                    socket.tell(event["e"], {"subscriptionId": number, "event": event})

    def subscribe(self, socket: Socket, request: Any) -> None:
        """SUBSCRIBE and UNSUBSCRIBE, answered on the same socket before the first event."""
        wanted = set(request.get("params", []))
        socket.names = socket.names | wanted if request["method"] == "SUBSCRIBE" else socket.names - wanted
        socket.tell("subscribed", {"result": None, "id": request["id"]})

    def subscribe_user(self, socket: Socket, request: Any) -> None:
        number = len(socket.accounts)
        socket.accounts.append(number)
        socket.tell("subscribed", {"id": request["id"], "status": 200, "result": {"subscriptionId": number}})

    def end_user_streams(self, now_ms: int) -> None:
        """The account's streams end, as they do when a key is deleted."""
        self.tell_user({"e": "eventStreamTerminated", "E": now_ms})
        for socket in self.sockets:
            socket.accounts.clear()
