"""A connection that comes back by itself, except where somebody has to decide first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any

from engine.brokers.backoff import Backoff
from engine.brokers.ib.heartbeat import watch
from engine.brokers.ib.link import Link, Taken
from engine.core.errors import BrokerError, NotAdmitted
from engine.ports.venue import VenueAddress

Open = Callable[[VenueAddress], Awaitable[Link]]
Sleep = Callable[[float], Awaitable[None]]
FIRST_S, CAP_S = 0.5, 60.0
AGAIN_S = 0.1
GHOSTS = 8
"""How often a client id in use is put up with after a connection was given up here: TWS may hold on to it for some minutes."""


def started(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """The work as a task; what it fails with is a bug of ours, and is said where the loop says such things."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    task.add_done_callback(_complain)
    return task


async def ended(*tasks: asyncio.Task[None] | None) -> None:
    """Cancels the tasks and waits until they are over. One cancel may be lost: before Python 3.12 wait_for swallows it where what
    it waits for is done at the same moment."""
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)


def _complain(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        task.get_loop().call_exception_handler({"message": f"{task.get_name()} has failed", "exception": error})


class Upkeep:
    """Keeps one connection: a fresh link each time, waits that grow up to a cap and are never in step with others; short again
    after a connection that lasted longer than the cap.

    `open_link` makes a link or raises BrokerError; `on_up` is called with each, `on_down` with the sentence for each loss, and
    for each failure that says something new. Not followed by itself: a client id in use, another kind of account, a moved port.
    Then `on_down` is told that it does not go on, and it waits for `resume`.
    """

    def __init__(
        self,
        address: VenueAddress,
        open_link: Open,
        on_up: Callable[[Link], None],
        on_down: Callable[[str, bool], None],
        *,
        random: Random,
        sleep: Sleep,
        heartbeat_s: float,
    ) -> None:
        self.address = address
        self.trouble = ""
        """Why there is no connection; "" while there is one."""
        self._open = open_link
        self._on_up = on_up
        self._on_down = on_down
        self._backoff = Backoff(random, FIRST_S, CAP_S)
        self._sleep = sleep
        self._heartbeat_s = heartbeat_s
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._word = asyncio.Event()
        self._ghosts = 0
        self._moved_to = 0

    async def start(self) -> None:
        """Connects. Where the first attempt fails its BrokerError is raised, and it goes on trying until it is closed, unless it
        was not admitted."""
        try:
            await self._connect()
        except NotAdmitted:
            raise
        except BrokerError:
            self._run()
            raise
        self._run()

    def resume(self, port: int = 0) -> None:
        """The word that was waited for: try again, on another port where one is given or TWS has named one."""
        if port or self._moved_to:
            self.address = replace(self.address, port=port or self._moved_to)
            self._moved_to = 0
        self._backoff.reset()
        self._word.set()

    async def close(self) -> None:
        """Ends the connection and all attempts; safe twice."""
        task, self._task = self._task, None
        await ended(task)
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _run(self) -> None:
        self._task = started(self._keep(), "upkeep of TWS")

    async def _keep(self) -> None:
        while True:
            if self._link is None:
                await self._again()
                continue
            link, begun = self._link, asyncio.get_running_loop().time()
            why = await watch(link, self._heartbeat_s)
            self._link = None
            if asyncio.get_running_loop().time() - begun > CAP_S:
                self._backoff.reset()
            self._ghosts = GHOSTS if link.is_closed_here else 0
            self._moved_to = link.moved_to
            self._down(why, goes_on=not link.moved_to)
            await link.close()
            if link.moved_to:
                await self._word.wait()

    async def _again(self) -> None:
        await self._sleep(self._backoff.next())
        try:
            await self._connect()
        except NotAdmitted as error:
            if isinstance(error, Taken) and self._ghosts:
                self._ghosts -= 1
                self._down(f"{error}; it may be the connection that was given up here", goes_on=True)
                return
            self._down(str(error), goes_on=False)
            await self._word.wait()
        except BrokerError as error:
            self._down(str(error), goes_on=True)

    async def _connect(self) -> None:
        link = await self._open(self.address)
        self._link = link
        self.trouble = ""
        self._on_up(link)

    def _down(self, why: str, *, goes_on: bool) -> None:
        """Says so. A word that is given from then on counts."""
        self._word.clear()
        if why != self.trouble or not goes_on:
            self.trouble = why
            self._on_down(why, goes_on)
