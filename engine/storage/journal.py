"""The journal of one book in the database."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from engine.core.clock import Nanos
from engine.core.errors import StoreError, UserError
from engine.domain.facts import Fact, Record, canonical, parse
from engine.storage.books import Books
from engine.storage.chain import scheme_of
from engine.storage.database import Database
from engine.storage.writers import Prepared, Writer, writer


class SqlJournal:
    """`engine.ports.journal.Journal` over a database. For one thread, and one writer a book at a time."""

    def __init__(self, database: Database, book_id: int, key: bytes | None = None) -> None:
        """`key` chains a new book; UserError where a book was chained with one that is not this one."""
        book = Books(database).get(book_id)
        if book is None:
            raise StoreError(f"{database.place.name} has no book {book_id}")
        self._database = database
        self._book_id = book_id
        self._key = key
        self.is_keyed = scheme_of(book_id, book.seal, key).is_keyed
        """Whether the chain of facts is made with a key; else who can write to the database could compute it anew."""
        self._seq = book.facts
        self._cursor = book.cursor
        self._waiting: list[Prepared] = []
        self._in_doubt = False
        self._writer: Writer | None = writer(database, book_id, key)

    def append(self, step: int, at: Nanos, fact: Fact) -> Record:
        """Adds a fact to the open step. Raises ValueError for a number that JSON cannot hold; nothing is added then."""
        record = Record(self._seq + 1, step, at, fact)
        self._waiting.append((self._book_id, record.seq, step, at, type(fact).__name__, canonical(record)))
        self._seq += 1
        return record

    def commit(self, step: int, at: Nanos) -> None:
        """Makes the open step durable; StoreError leaves its facts waiting for the next commit."""
        if not self._waiting:
            return
        if self._in_doubt:
            self._settle()
        if self._waiting:
            self._in_doubt = True
            self._ready().write(self._waiting, step, at)
            self._in_doubt = False
            self._waiting.clear()
            self._cursor = step

    def records(self) -> Iterator[Record]:
        """All committed facts of the book in order."""
        return map(parse, export_lines(self._database, self._book_id))

    def cursor(self) -> int:
        """The step of the last commit; 0 for a new book."""
        return self._cursor

    def last_seq(self) -> int:
        """The number of the last fact appended, committed or not; 0 for a new book."""
        return self._seq

    @property
    def is_waiting(self) -> bool:
        """True while facts are appended and not committed."""
        return bool(self._waiting)

    def close(self) -> None:
        """Gives the connection back; facts still waiting are dropped, as in a crash."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _ready(self) -> Writer:
        if self._writer is None:
            try:
                self._writer = writer(self._database, self._book_id, self._key)
            except UserError as error:  # it could be opened when the run began, so this is for a retry to mend
                raise StoreError(str(error)) from error
        return self._writer

    def _settle(self) -> None:
        """After a refused commit: a lost link may have hidden that it was kept after all, so the truth is asked for."""
        self.close()
        while self._waiting and self._ready().stored(self._waiting[0][1]) == self._waiting[0][5]:
            self._cursor = self._waiting.pop(0)[2]
        self._in_doubt = False


def export_lines(database: Database, book_id: int) -> Iterator[str]:
    """The canonical lines of a book in order."""
    for row in database.stream("SELECT fact FROM facts WHERE book_id = ? ORDER BY seq", (book_id,)):
        yield row[0]


def facts_sha256(database: Database, book_id: int) -> str:
    """SHA-256 (hex) over every canonical line followed by a line feed: what `sha256sum` says of the exported facts."""
    digest = sha256()
    for line in export_lines(database, book_id):
        digest.update(line.encode("ascii") + b"\n")
    return digest.hexdigest()
