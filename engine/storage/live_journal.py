"""The journal of a live session: the engine goes on while one thread writes, each step synced to the disk."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.core.errors import StoreError
from engine.core.log import logger
from engine.core.undisturbed import is_held_up, wait_for_others
from engine.domain.facts import Fact, Record, canonical, parse
from engine.storage.backlog import Backlog, Handed, Then
from engine.storage.books import Books
from engine.storage.chain import scheme_of
from engine.storage.database import Database
from engine.storage.journal import export_lines
from engine.storage.lock import BookLock
from engine.storage.spool import Spool, spool_path
from engine.storage.spooling import Spooler, take_in
from engine.storage.writers import Prepared, writer
from engine.storage.writing import StepWriter

_log = logger("journal")

ATTEMPT_S = 0.25
"""How long one try waits for another program's lock."""

STANDS_BACK_S, MOST_BACK_S = 0.5, 60.0
"""How often it is looked whether the writer may go on beside a thread that keeps the interpreter, and how long it may not."""

PATIENCE_S = 5.0
"""How long closing waits for the database before what is left is spooled."""


class LiveJournal:
    """`engine.ports.journal.DurableJournal` over a database. For the engine's thread; whoever opens it holds the book."""

    def __init__(
        self,
        database: Database,
        book_id: int,
        loop: AbstractEventLoop,
        folder: Path,
        key: bytes | None = None,
        lock: BookLock | None = None,
    ) -> None:
        """Answers come on `loop`; `folder` is where the spool lies when the database is on a server; `key` as for `SqlJournal`;
        `lock`, by which the book is held, is taken anew when the server was away.

        What an earlier spool holds is taken into the database first; `found` says what that came to. Raises StoreError where the
        spool and the database contradict each other, UserError where no spool can be made, the key is another, or the book's end
        is not the one it was sealed with.
        """
        self._book_id = book_id
        path = spool_path(database.place, book_id, folder)
        with Database(database.place, "full") as patient:
            self.found = take_in(patient, book_id, path, key)
            book = Books(patient).get(book_id)
            if book is None:
                raise StoreError(f"{database.place.name} has no book {book_id}")
            writer(patient, book_id, key).close()
        self.is_keyed = scheme_of(book_id, book.seal, key).is_keyed
        """Whether the chain of facts is made with a key; else who can write to the database could compute it anew."""
        self._full = Database(database.place, "full", ATTEMPT_S)
        self._seq = self._handed = book.facts
        self._cursor = book.cursor
        self._open: list[Prepared] = []
        self._said: str | None = None
        self._loop = loop
        self._monotonic = SystemClock().monotonic
        self._rouses: TimerHandle | None = None
        self._backlog = Backlog(_caller(loop), book.facts)
        self._spool = Spool(path, book)
        self._writer = StepWriter(self._full, book_id, key, self._backlog, self._spool, lock)
        self._threads = (
            _started("journal", self._writer.run),
            _started("spool", Spooler(self._backlog, self._spool).run),
        )

    def append(self, step: int, at: Nanos, fact: Fact) -> Record:
        """Adds a fact to the open step. Raises ValueError for a number that JSON cannot hold; nothing is added then."""
        record = Record(self._seq + 1, step, at, fact)
        self._open.append((self._book_id, record.seq, step, at, type(fact).__name__, canonical(record)))
        self._seq += 1
        return record

    def commit(self, step: int, at: Nanos) -> None:
        """Hands the open step to the writer. Returns at once and raises nothing; `trouble` says when steps wait.

        What happens after `close` is not stored, and the log says so.
        """
        if self._open and self._said is not None:
            _log.warning("facts came after their book was closed and are not stored", book=self._book_id, facts=len(self._open))
            self._open.clear()
        if self._open:
            stands_back = is_held_up(self._loop)
            self._backlog.add(Handed(tuple(self._open), step, at), at_once=not stands_back)
            self._open.clear()
            self._handed, self._cursor = self._seq, step
            if stands_back:
                self._stand_back()

    def when_durable(self, then: Then, safety: bool) -> None:
        """Has `then` called on the loop: "" once the committed steps are on the disk, else why they are not.

        For `safety` the spool's disk is as good as the database's, and it is written here and now: `then` is called at once.
        It is refused only where neither can be written.
        """
        if safety and not self._backlog.is_closing and self._spool_now():
            then("")
        else:
            wait_for_others(self._loop, 1)
            self._backlog.ask(self._handed, partial(self._answered, then), safety)

    def _answered(self, then: Then, sentence: str) -> None:
        wait_for_others(self._loop, -1)
        then(sentence)

    def _stand_back(self) -> None:
        """While another thread keeps the interpreter, the writer's would wait for it beside the engine's, which then may miss its
        turn with a stop to send. So the spool takes what is committed, and the database has it later."""
        self._spool_now()
        if self._rouses is None:
            self._rouses = self._loop.call_later(STANDS_BACK_S, self._rouse, self._monotonic())

    def _rouse(self, since: Nanos) -> None:
        if is_held_up(self._loop) and self._monotonic() - since < MOST_BACK_S * SECOND:
            self._rouses = self._loop.call_later(STANDS_BACK_S, self._rouse, since)
        else:
            self._rouses = None
            self._backlog.rouse()

    def _spool_now(self) -> bool:
        """Puts what waits for the database on the spool's disk; whether all that was committed is on a disk now."""
        waiting = self._backlog.unspooled()
        try:
            if waiting:
                self._spool.write([step.spooled() for step in waiting], waiting[-1].last)
        except StoreError:  # the spooler's thread tries again, and says why it cannot
            return False
        self._backlog.spooled(self._handed)
        return True

    @property
    def trouble(self) -> str:
        """Why steps wait, as a sentence; "" while they do not."""
        return self._backlog.trouble

    def records(self) -> Iterator[Record]:
        """All committed facts of the book in order, those on their way to the disk among them."""
        waiting = self._backlog.waiting()
        seq = 0
        for line in export_lines(self._full, self._book_id):
            record = parse(line)
            seq = record.seq
            yield record
        for step in waiting:
            for row in step.rows:
                if row[1] > seq:
                    yield parse(row[5])

    def last_seq(self) -> int:
        """The number of the last fact appended, committed or not; 0 for a new book."""
        return self._seq

    def cursor(self) -> int:
        """The step of the last commit; 0 for a new book."""
        return self._cursor

    @property
    def is_waiting(self) -> bool:
        """True while facts are appended and not committed."""
        return bool(self._open)

    def close(self, patience_s: float = PATIENCE_S) -> str:
        """Writes what waits, for `patience_s` at the most, and spools the rest. "" or what did not reach the database.

        Facts of a step that was never committed are dropped, as in a crash, and nobody is told of anything any more: what was to
        leave stays. Blocks for that long; safe to call twice.
        """
        if self._said is not None:
            return self._said
        self._writer.end_within(patience_s)
        self._backlog.close()
        for thread in self._threads:
            thread.join(patience_s + ATTEMPT_S)
        left = self._backlog.waiting()
        self._said = self._set_aside(left) if left else ""
        self._spool.close(self._backlog.stored)
        self._full.close()
        return self._said

    def _set_aside(self, left: list[Handed]) -> str:
        count = sum(len(step.rows) for step in left)
        facts = "1 fact" if count == 1 else f"{count:,} facts"
        why = self.trouble or "the database did not answer in time"
        try:
            self._spool.write([step.spooled() for step in left], left[-1].last)
        except StoreError as error:
            return f"{facts} of book {self._book_id} are lost: {why}; {error}"
        self._backlog.spooled(left[-1].last)
        return f"{facts} of book {self._book_id} wait in {self._spool.path}, and are stored when it is opened again: {why}"


def _caller(loop: AbstractEventLoop) -> Callable[[Then, str], object]:
    def call(then: Then, sentence: str) -> object:
        try:
            return loop.call_soon_threadsafe(then, sentence)
        except RuntimeError:  # the loop has ended, so there is nobody left to be told
            return None

    return call


def _started(name: str, run: Callable[[], None]) -> Thread:
    """A daemon: a database that never answers must not keep the program from ending."""
    thread = Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
