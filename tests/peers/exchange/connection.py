"""One connection of a client: requests in, answers out, until it becomes a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.peers.exchange.faults import Reply
from tests.peers.exchange.http import Head, accept, request, response
from tests.peers.exchange.streams import Socket
from tests.peers.faults import Faults
from tests.peers.link import Link


class HttpCaller:
    """Hears answers of HTTP on the connection it asked on."""

    def __init__(self, link: Link) -> None:
        self.origin = link

    def answer(self, answer: Reply) -> None:
        self.origin.write(response(answer.status, answer.body, answer.headers))

    def answer_in_part(self, answer: Reply, count: int) -> None:
        self.origin.write(response(answer.status, answer.body, answer.headers)[:count])
        self.origin.close()

    def abort(self) -> None:
        self.origin.abort()


class SocketCaller:
    """Hears answers of the WebSocket API, under the number it asked with."""

    def __init__(self, socket: Socket, number: object) -> None:
        self.origin = socket
        self._number = number

    def answer(self, answer: Reply) -> None:
        self.origin.write(self._text(answer))

    def answer_in_part(self, answer: Reply, count: int) -> None:
        self.origin.write(self._text(answer), count)

    def abort(self) -> None:
        self.origin.abort()

    def _text(self, answer: Reply) -> str:
        name = "result" if answer.status == 200 else "error"
        return f'{{"id":{json.dumps(self._number)},"status":{answer.status},"{name}":{answer.body.decode()}}}'


class Connection:
    """Bytes to requests: `asked` takes each, `upgraded` makes the socket of one; `lost` hears of the end, `heard` of all."""

    def __init__(
        self,
        faults: Faults,
        asked: Callable[[Connection, Head], None],
        upgraded: Callable[[Link, str], Socket],
        lost: Callable[[Connection], None],
        heard: Callable[[], None],
    ) -> None:
        self.socket: Socket | None = None
        self.link = Link(faults, self._received, lambda: lost(self))
        self._asked = asked
        self._upgraded = upgraded
        self._heard = heard
        self._buffer = bytearray()

    def _received(self, data: bytes) -> None:
        if self.socket is not None:
            self.socket.received(data)
        else:
            self._read(data)
        self._heard()

    def _read(self, data: bytes) -> None:
        self._buffer += data
        while self.socket is None and (head := request(self._buffer)) is not None:
            if head.wants_socket:
                self.link.write(accept(head))
                self.socket = self._upgraded(self.link, head.path)
                self.socket.received(bytes(self._buffer))
            else:
                self._asked(self, head)
