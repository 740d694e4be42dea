"""Keeps the books true to the venue: asks how things stand, and has what differs settled, before anything is traded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from engine.core.clock import SECOND, Clock, Nanos, to_iso
from engine.core.errors import BrokerError
from engine.core.log import logger
from engine.domain.order import Order, State
from engine.execution.reconciliation import Reconciliation
from engine.ports.broker import Report
from engine.ports.outside import OutsideBroker
from engine.ports.venue import VenueState

_log = logger("keeper")

TRIES = 5
"""How often the venue is asked again because something happened while it was answering."""

Compare = Callable[[VenueState, Mapping[str, int]], Reconciliation]
"""What the state comes to against the books, given what the looks before doubted and how often."""


@dataclass(slots=True)
class Books:
    """What the keeper sees of the session: orders that may be at the venue, a number that moves with every fact, a door."""

    orders: Callable[[], list[Order]]
    version: Callable[[], int]
    compare: Compare
    take: Callable[[Report], None]


@dataclass(slots=True)
class Findings:
    """The last comparison, for the owner's report."""

    at: Nanos = 0
    is_clean: bool = False
    trouble: str = "the venue was not asked yet how things stand"
    lines: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    absences: Mapping[str, int] = field(default_factory=dict)


class Keeper:
    """Start-up, reconnect, a lost answer and the timer are one path: `reconcile`."""

    def __init__(self, broker: OutsideBroker, books: Books, clock: Clock, look_s: float, every_s: float) -> None:
        self.found = Findings()
        self._broker = broker
        self._books = books
        self._clock = clock
        self._look_s = look_s
        self._every_s = every_s
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._doubts = 0

    def doubt(self, trouble: str) -> None:
        """Nothing may be opened until the venue was asked again."""
        self._doubts += 1
        self.found.is_clean = False
        self.found.trouble = trouble
        self._wake.set()

    def look(self) -> None:
        """Asks again soon; trading goes on meanwhile."""
        self._wake.set()

    async def run(self) -> None:
        """Reconciles when it is time, until it is cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause())
            self._wake.clear()
            if self._broker.is_ready:
                await self.reconcile()

    async def reconcile(self) -> bool:
        """Asks the venue and settles the books by it; True when nothing stands against trading."""
        async with self._turn:
            self._wake.clear()  # whoever wished for a look before it began has it
            try:
                state = await self._quiet_state()
                if state is not None:
                    self._settle(state)
            except BrokerError as error:
                self.found.is_clean, self.found.trouble = False, str(error)
            except Exception as error:  # whatever it is, nobody else would ask again, and held stops need the session alive
                _log.exception("the books could not be compared with the venue")
                self.found.is_clean = False
                self.found.trouble = f"the books could not be compared with the venue: {type(error).__name__}: {error}"
            return self.found.is_clean

    async def _quiet_state(self) -> VenueState | None:
        """The state at a moment at which nothing happened; None where too much does."""
        for _ in range(TRIES):
            before = self._books.version(), self._doubts
            state = await self._broker.standing(self._books.orders())
            if (self._books.version(), self._doubts) == before:
                return state
        return None

    def _settle(self, state: VenueState) -> None:
        result = self._books.compare(state, self.found.absences)
        for report in result.reports:
            self._books.take(report)
        self.found.at = self._clock.now()
        self.found.absences = result.absences
        self.found.lines = (*result.lines, *self.found.before)
        if len(result.lines) > 1:  # more than that everything agrees: it stays to be read after the next look
            self.found.before = (f"Found at {to_iso(self.found.at // SECOND * SECOND)}:", *result.lines[1:])
        self.found.is_clean = result.is_clean
        self.found.trouble = "" if result.is_clean else result.trouble

    def _pause(self) -> float:
        unknown = any(order.state is State.UNKNOWN for order in self._books.orders())
        return self._look_s if unknown or self.found.absences or not self.found.is_clean else self._every_s
