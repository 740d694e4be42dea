"""A request of TWS that goes on: renewed when data was lost, over when it is refused or the connection is gone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from engine.brokers.ib import codes
from engine.brokers.ib.link import Link
from engine.core.errors import BrokerError


class Subscription(ABC):
    """`start`, wait for `over`, `close`. `what` names the data in sentences.

    A kind gives `_ask`, which asks for the data and returns the request's number, `_release`, which ends it, and `_doubt`, which
    is called when what was told may not hold any longer.
    """

    def __init__(self, link: Link, what: str) -> None:
        self._link = link
        self._what = what
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._request = -1
        self._is_renewed = False
        self._is_started = False

    def start(self) -> None:
        """Subscribes. BrokerError where the connection is over."""
        if not self._link.is_open:
            raise BrokerError(f"not connected to {self._link.name}; connect first")
        self._is_started = True
        self._link.on_error.append(self._told)
        self._link.on_lost.append(self._fail)
        self._request = self._ask()

    async def over(self) -> None:
        """Waits until it is over. Returns where it was ended from here; BrokerError says why it was else."""
        why = await asyncio.shield(self._over)
        if why:
            raise BrokerError(why)

    def end(self) -> None:
        """Over from this side: who waits goes on."""
        self._fail("")

    def close(self) -> None:
        """Unsubscribes; safe twice."""
        if not self._is_started:
            return
        self._is_started = False
        self._link.on_error.remove(self._told)
        self._link.on_lost.remove(self._fail)
        if self._link.is_open:
            self._release()
        self._doubt()

    @abstractmethod
    def _ask(self) -> int: ...

    @abstractmethod
    def _release(self) -> None: ...

    @abstractmethod
    def _doubt(self) -> None: ...

    def _told(self, request: int, code: int, text: str) -> None:
        if code in codes.LOST:
            self._is_renewed = False
            self._doubt()
        elif code == codes.RESTORED_WITHOUT_DATA:
            if not self._is_renewed:
                self._is_renewed = True
                self._doubt()
                self._request = self._ask()
        elif request == self._request:
            self._answered(code, text)

    def _answered(self, code: int, text: str) -> None:
        """TWS says something about this request."""
        if code not in codes.NOTICES:
            self._fail(f"{self._link.name} {codes.refusal(code, text)}, asked for {self._what}")

    def _fail(self, sentence: str) -> None:
        if not self._over.done():
            self._over.set_result(sentence)
