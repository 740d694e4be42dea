"""The ib_async client as this adapter uses it, with what the library would hide made known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import ib_async
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


class WatchfulDecoder(Decoder):
    """Tells of messages that cannot be read. The library logs them and goes on, so that an execution could go missing."""

    def __init__(self, ib: ib_async.IB, on_unreadable: Callable[[str], None]) -> None:
        super().__init__(ib.wrapper, 0)
        self._on_unreadable = on_unreadable

    def interpret(self, fields: list[str]) -> None:
        try:
            self.handlers[int(fields[0])](fields)
        except Exception:  # whatever it was, the link decides what it means
            self.logger.exception("unreadable message %s", fields[:1])
            self._on_unreadable(ESSENTIAL.get(fields[0], "") if fields else "")


def new_client(timeout: float, on_unreadable: Callable[[str], None]) -> ib_async.IB:
    """A client that has never been connected; one is good for one connection. To be made inside the running loop."""
    ib = ib_async.IB()
    ib.RequestTimeout = timeout
    ib.RaiseRequestErrors = True
    # On 1102 the library would ask for an account summary that nobody wants, in a task that nobody holds.
    ib.errorEvent.disconnect(ib._onError)
    ib.client.decoder = WatchfulDecoder(ib, on_unreadable)
    return ib
