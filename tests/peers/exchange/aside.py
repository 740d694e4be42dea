"""An exchange on a thread of its own, for tests that have no loop: the command line, the window."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any

from tests.peers.exchange.server import Exchange

PATIENCE_S = 60


class Aside:
    """`with Aside() as peer: peer.do(lambda it: it.quote("PAXGUSDT", 3900, 3901))`; touch `exchange` by `do` only."""

    def __init__(self, exchange: Exchange | None = None) -> None:
        self.exchange = exchange or Exchange()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="loopback exchange")

    def __enter__(self) -> Aside:
        self._thread.start()
        self.do(lambda it: it.start())
        return self

    def __exit__(self, *_: object) -> None:
        self.do(lambda it: it.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def do(self, action: Callable[[Exchange], Any]) -> Any:
        """Runs the action in the exchange's loop and returns what it returns; what it awaits is awaited."""

        async def run() -> Any:
            value = action(self.exchange)
            return await value if inspect.isawaitable(value) else value

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE_S)
