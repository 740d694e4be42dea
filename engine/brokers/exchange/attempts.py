"""A connection that is tried until it is there: at once, then again after growing waits, or when its owner says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from engine.brokers.backoff import Backoff
from engine.core.errors import BrokerError, NotAdmitted


class Attempts:
    """`trouble` is the sentence for why the last attempt failed; "" before the first and once it is there.

    What `connect` raises as NotAdmitted is not tried again by itself: the owner must mend something first.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[None]], random: Random, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.trouble = ""
        self._connect = connect
        self._sleep = sleep
        self._backoff = Backoff(random)
        self._is_there = self._is_closed = False
        self._settled = asyncio.Event()
        self._word = asyncio.Event()
        self._trying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first attempt. What it fails with is raised, and BrokerError that the owner need not mend tried on."""
        try:
            await self._connect()
        except NotAdmitted:
            raise
        except BrokerError as error:
            if self._trying is None and not self._is_closed:
                self.trouble = str(error)
                self._trying = asyncio.ensure_future(self._try_on())
            raise
        self._succeed()

    def resume(self) -> None:
        """The owner's word: the next attempt is now."""
        self._word.set()

    async def succeeded(self) -> bool:
        """Waits until it is there; False when it was closed before."""
        await self._settled.wait()
        return self._is_there and not self._is_closed

    async def close(self) -> None:
        """Tries no more; safe twice."""
        self._is_closed = True
        self._settled.set()
        trying, self._trying = self._trying, None
        if trying is not None:
            trying.cancel()
            await asyncio.gather(trying, return_exceptions=True)

    def _succeed(self) -> None:
        self.trouble, self._is_there = "", True
        self._settled.set()

    async def _try_on(self) -> None:
        needs_word = False
        while not self._is_there:
            await self._pause(needs_word)
            self._word.clear()
            try:
                await self._connect()
            except BrokerError as error:
                self.trouble, needs_word = str(error), isinstance(error, NotAdmitted)
            else:
                self._succeed()

    async def _pause(self, needs_word: bool) -> None:
        await rested(self._word, None if needs_word else self._sleep(self._backoff.next()))


async def rested(word: asyncio.Event, pause: Awaitable[None] | None) -> None:
    """Returns when the pause is over or the word was given; without a pause only then."""
    over = [asyncio.ensure_future(word.wait()), *([] if pause is None else [asyncio.ensure_future(pause)])]
    try:
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in over:
            each.cancel()
        await asyncio.gather(*over, return_exceptions=True)
