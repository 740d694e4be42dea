"""The one thread that writes a live book: whole steps in their order, tried again until the database takes them."""

from __future__ import annotations

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.core.errors import StoreError, UserError
from engine.storage.backlog import Backlog, Handed
from engine.storage.database import Database
from engine.storage.lock import BookLock
from engine.storage.spool import Spool
from engine.storage.writers import Writer, writer

PAUSES_S = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Between one refused try and the next; the last one from then on."""


class StepWriter:
    """Takes steps from the backlog to the database, and empties the spool of what is stored."""

    def __init__(
        self, database: Database, book_id: int, key: bytes | None, backlog: Backlog, spool: Spool, lock: BookLock | None
    ) -> None:
        self._database = database
        self._book_id = book_id
        self._key = key
        self._backlog = backlog
        self._spool = spool
        self._lock = lock
        self._writer: Writer | None = None
        self._in_doubt = False
        self._monotonic = SystemClock().monotonic
        self._ends: Nanos | None = None

    def run(self) -> None:
        """Writes until the backlog is closed and empty, or the time to end is over."""
        refusals = 0
        while steps := self._backlog.batch():
            if refusals and self._ends is not None and self._monotonic() >= self._ends:
                break
            try:
                self._write(steps)
            except Exception as error:  # a thread that dies of anything would lose what waits; its trouble is shown instead
                self._backlog.refused(str(error) or type(error).__name__)
                self._backlog.pause(PAUSES_S[min(refusals, len(PAUSES_S) - 1)])
                refusals += 1
            else:
                refusals = 0
                self._spool.forget(self._backlog.stored)
        self._disconnect()

    def end_within(self, seconds: float) -> None:
        """Once the backlog is closed, goes on trying for so long at the most."""
        self._ends = self._monotonic() + int(seconds * SECOND)

    def _write(self, steps: list[Handed]) -> None:
        if self._in_doubt:
            steps = self._settle(steps)
        if not steps:
            return
        rows = [row for step in steps for row in step.rows]
        self._in_doubt = True
        self._ready().write(rows, steps[-1].step, steps[-1].at)
        self._in_doubt = False
        self._backlog.kept(steps[-1].last)

    def _settle(self, steps: list[Handed]) -> list[Handed]:
        """A refused write may have been kept, its answer lost with the link: asks the database, and gives the steps it lacks."""
        self._disconnect()
        self._hold_on()
        lacking = list(steps)
        while lacking:
            step = lacking[0]
            stored = self._ready().stored(step.last)
            if stored is None:
                break
            if stored != step.rows[-1][5]:
                raise StoreError(f"book {self._book_id} was written to by another program meanwhile; end it and start this again")
            self._backlog.kept(step.last)
            del lacking[0]
        self._in_doubt = False
        return lacking

    def _hold_on(self) -> None:
        try:
            if self._lock is not None:
                self._lock.renew()
        except UserError as error:  # the server is still away
            raise StoreError(str(error)) from error

    def _ready(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = writer(self._database, self._book_id, self._key)
            except UserError as error:  # it could be opened when the session began, so it may be back at the next try
                raise StoreError(str(error)) from error
        return self._writer

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
