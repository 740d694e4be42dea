"""The peer on a loop and a thread of its own, for tests that have no loop or block it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tests.peers.tws.peer import Peer

T = TypeVar("T")
PATIENCE_S = 60.0


class Remote:
    """A peer whose loop runs elsewhere."""

    def __init__(self, peer: Peer, loop: asyncio.AbstractEventLoop) -> None:
        self.host = peer.host
        self.port = peer.port
        self._peer = peer
        self._loop = loop

    def do(self, act: Callable[[Peer], Coroutine[Any, Any, T]]) -> T:
        """Runs one of the peer's coroutines and waits for it: `remote.do(lambda peer: peer.quote("XAUUSD", 4000, 4001))`."""
        return asyncio.run_coroutine_threadsafe(act(self._peer), self._loop).result(PATIENCE_S)

    def look(self, see: Callable[[Peer], T]) -> T:
        """Reads from the peer: `remote.look(lambda peer: peer.received("placeOrder"))`."""

        async def seen(peer: Peer) -> T:
            return see(peer)

        return self.do(seen)


@contextmanager
def in_thread(**terms: Any) -> Iterator[Remote]:
    """A listening peer; the thread is gone when the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tws-peer")
    thread.start()
    try:
        peer = Peer(**terms)
        asyncio.run_coroutine_threadsafe(peer.listen(), loop).result(PATIENCE_S)
        try:
            yield Remote(peer, loop)
        finally:
            asyncio.run_coroutine_threadsafe(peer.shut_down(), loop).result(PATIENCE_S)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
