"""What came in and what went out, so that a test can say what was on the wire."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.peers.tws.codec import Message
from tests.peers.tws.contracts import Asked
from tests.peers.tws.orders import Order

KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came. `fields` are the raw ones behind the number; `order` and `asked` (the contract) are read
    from a placeOrder.
    """

    number: int
    at: int
    client_id: int
    kind: str
    fields: tuple[str, ...]
    payload: bytes
    order: Order | None = field(default=None, compare=False)
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as it left."""

    client_id: int
    kind: str
    message: Message


class Record:
    """The last `KEPT` messages each way, in their order.

    `watchers` are called with each request before it is acted upon, in the peer's own loop. `torn` are the bytes of
    requests that a dying link left unfinished.
    """

    def __init__(self) -> None:
        self.count = 0
        self.received: deque[Received] = deque(maxlen=KEPT)
        self.sent: deque[Sent] = deque(maxlen=KEPT)
        self.handshakes: list[bytes] = []
        self.torn: list[bytes] = []
        self.watchers: list[Callable[[Received], None]] = []

    def note(self, received: Received) -> None:
        """A request arrived whole."""
        self.count += 1
        self.received.append(received)
        for watch in self.watchers:
            watch(received)

    def forget(self) -> None:
        """Starts anew; what watches goes on watching."""
        self.received.clear()
        self.sent.clear()
        self.handshakes.clear()
        self.torn.clear()
