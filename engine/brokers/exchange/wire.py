"""One exchange asked: in time, only when it may be, and never taking an answer for what it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from engine.brokers.exchange.catalogue import Profile, rows_at
from engine.brokers.exchange.trouble import AskedToWait, Garbled, asks_to_wait, is_about_time, is_unreadable, told
from engine.core.clock import SECOND, Clock, Nanos, from_datetime, to_iso
from engine.core.errors import BrokerError

_WAIT: Nanos = 60 * SECOND
"""How long an exchange is left alone that asks for it without saying how long."""
_PATIENCE = 3.0
"""How many times the time of one answer a call may take that waits its turn or asks several pages."""


@dataclass(slots=True)
class Pause:
    """Until when (ns that no setting of the clock touches) an exchange wants to be left alone, by every wire to it, and how far
    its clock is behind that by which all of them sign; None before it was measured.
    """

    until: Nanos = 0
    behind_ms: int | None = None


class Wire:
    """The client, asked one thing at a time. `where` names the exchange in sentences; `offset_ms` is server minus machine."""

    def __init__(
        self, client: Any, profile: Profile, where: str, clock: Clock, timeout_s: float, pause: Pause | None = None
    ) -> None:
        self.client = client
        self.where = where
        self.offset_ms: int | None = None
        self.pause = pause or Pause()
        self._profile = profile
        self._clock = clock
        self._steady: Callable[[], Nanos] = getattr(clock, "monotonic", clock.now)  # a clock set by hand has no other
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()

    async def ask(self, doing: str, call: Callable[[], Awaitable[Any]], rows: str = "") -> Any:
        """What the call returns; BrokerError with one sentence where it fails. `rows` names the shape its raw answer must have.

        A clock found to be off is measured and the question asked once more: reading twice changes nothing.
        """
        try:
            return await self.bare(call, rows)
        except Exception as error:  # the library raises whatever comes; `error` makes one sentence of each, none is lost
            if not is_about_time(error) or isinstance(error, BrokerError):
                raise self.error(error, doing) from error
        await self.measure_clock()
        try:
            return await self.bare(call, rows)
        except Exception as error:  # as above: told in a sentence, with its cause
            raise self.error(error, doing) from error

    async def bare(self, call: Callable[[], Awaitable[Any]], rows: str = "") -> Any:
        """As `ask`, once, with the library's own exceptions."""
        async with self._turn:
            if self._steady() < self.pause.until:
                raise AskedToWait(f"{self.where} asked to be left alone; {self._again}")
            if self.pause.behind_ms is not None:
                self.client.options["timeDifference"] = self.pause.behind_ms
            try:
                async with asyncio.timeout(self._timeout_s * _PATIENCE):
                    answer = await call()
            except Exception as error:  # looked at on its way, and raised again
                if asks_to_wait(error):
                    self.pause.until = self._steady() + self._asked_wait()
                if is_unreadable(error):
                    raise Garbled("what can be read") from error
                raise
            if rows:
                self._check_rows(rows, answer)
            return answer

    async def measure_clock(self) -> None:
        """Measures how far the exchange's clock is ahead, and signs by it from now on; unknown where it does not tell.

        The library signs by the machine's clock, which may be set back; ours is never.
        """
        if not self.client.has.get("fetchTime"):
            return
        before, signing = self._clock.now(), self.client.milliseconds()
        try:
            server_ms = int(await self.bare(self.client.fetch_time))
        except BrokerError:
            raise
        except Exception as error:  # the offset stays unknown, which the state notes
            if asks_to_wait(error):
                raise self.error(error, "asking the time") from error
            return
        self.offset_ms = server_ms - (before + self._clock.now()) // 2_000_000
        if self._profile.signs_by_time:
            self.pause.behind_ms = (signing + self.client.milliseconds()) // 2 - server_ms

    def error(self, error: Exception, doing: str) -> BrokerError:
        """The sentence for what a call raised."""
        if isinstance(error, BrokerError):
            return error
        return told(error, self.where, doing, self._again)

    @property
    def _again(self) -> str:
        return f"try again after {to_iso(self._clock.now() + self.pause.until - self._steady())}"

    def _asked_wait(self) -> Nanos:
        """What the answer's Retry-After says, in seconds or as a date."""
        headers = {name.lower(): text for name, text in (self.client.last_response_headers or {}).items()}
        text = headers.get("retry-after", "")
        if text.isdecimal():
            return int(text) * SECOND
        try:
            return max(0, from_datetime(parsedate_to_datetime(text)) - self._clock.now())
        except (TypeError, ValueError):
            return _WAIT

    def _check_rows(self, name: str, answer: Any) -> None:
        raw = self.client.last_json_response
        path = self._profile.rows.get(name)
        found = raw if path is None else rows_at(raw, path)
        if not isinstance(found, list | dict) or (path == () and not isinstance(found, list)):
            raise Garbled(f"a list of {name}")
        if name == "balance" and (not found or (self._profile.rows_are_coins and not answer.get("total"))):
            raise Garbled("balances")
        if path == () and len(found) != len(answer):  # rows the library could not read are left out without a word
            raise Garbled(f"a list of {name}")
