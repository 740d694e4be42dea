"""What was asked of a broker, carried out one after the other in the order it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from engine.brokers.exchange.commands import Commands
from engine.core.log import logger

_log = logger("exchange")

FAULT = "a fault of this program, which its log tells of"

Command = Callable[[Commands], Awaitable[None]]
Refuse = Callable[[str], None]
Fail = Callable[[], None]


class Outbox:
    """`commands` are there while orders may leave; otherwise each is refused with `why_not`. `doubt` is called after one
    failed in a way nobody thought of."""

    def __init__(self, commands: Callable[[], Commands | None], why_not: Callable[[], str], doubt: Callable[[], None]) -> None:
        self._commands = commands
        self._why_not = why_not
        self._doubt = doubt
        self._waiting: asyncio.Queue[tuple[Command, Refuse, Fail]] = asyncio.Queue()
        self._is_running = False

    def put(self, command: Command, refuse: Refuse, failed: Fail) -> None:
        """`refuse` is told why, never from inside this call, where the command is not carried out; `failed` reports what is known
        of one that raised what nobody thought of, since its order would wait for an answer forever."""
        self._waiting.put_nowait((command, refuse, failed))
        if not self._is_running:
            asyncio.get_running_loop().call_soon(self._refuse_all)

    def refuse(self, refuse: Refuse, why: str) -> None:
        """In its turn, `refuse` is told why."""

        async def say(_: Commands) -> None:
            refuse(why)

        self.put(say, refuse, partial(refuse, FAULT))

    async def run(self) -> None:
        """Carries out what comes, until it is cancelled."""
        self._is_running = True
        try:
            while True:
                await self._next()
        finally:
            self._is_running = False

    async def idle(self) -> None:
        """Waits until everything so far is carried out."""
        await self._waiting.join()

    async def _next(self) -> None:
        command, refuse, failed = await self._waiting.get()
        try:
            commands = self._commands()
            if commands is None:
                refuse(self._why_not())
            else:
                await command(commands)
        except Exception:  # a fault of ours must not end what carries orders out; what it left open is looked for
            _log.exception("an order's command failed")
            failed()
            self._doubt()
        finally:
            self._waiting.task_done()

    def _refuse_all(self) -> None:
        while not self._is_running and not self._waiting.empty():
            _, refuse, _ = self._waiting.get_nowait()
            self._waiting.task_done()
            refuse(self._why_not())
