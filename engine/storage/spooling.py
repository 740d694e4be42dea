"""Into the spool while the database cannot be written, and from it into the database when a book is opened again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from engine.core.errors import StoreError
from engine.domain.facts import parse
from engine.storage.backlog import Backlog
from engine.storage.books import BookRow, Books
from engine.storage.database import Database
from engine.storage.spool import Spool, Spooled, SpooledStep, owner_of, read_spool
from engine.storage.writers import Prepared, Writer, writer


class Spooler:
    """The thread that spools what must leave for safety's sake and that the database does not take in time."""

    def __init__(self, backlog: Backlog, spool: Spool) -> None:
        self._backlog = backlog
        self._spool = spool

    def run(self) -> None:
        """Spools until the backlog is closed."""
        while steps := self._backlog.to_spool():
            try:
                self._spool.write([step.spooled() for step in steps], steps[-1].last)
            except StoreError as error:
                self._backlog.give_up(f"{self._backlog.trouble or 'the database does not answer'}; {error}")
            else:
                self._backlog.spooled(steps[-1].last)


def take_in(database: Database, book_id: int, path: Path, key: bytes | None = None) -> tuple[str, ...]:
    """Stores what a spool holds and the book does not, and removes the file; sentences about what was found.

    Taking the same spool in twice changes nothing. StoreError, and nothing is stored, where it contradicts the book.
    """
    if not path.exists():
        return ()
    book = Books(database).get(book_id)
    if book is None:
        raise StoreError(f"{database.place.name} has no book {book_id}")
    found = read_spool(path)
    if found.owner and found.owner != owner_of(book):
        aside = _put_aside(path)
        return (f"{path.name} belongs to another book, {found.owner}; it was put aside as {aside.name}",)
    said = tuple(_stored(database, book, found, path, key))
    path.unlink()
    return said


def _stored(database: Database, book: BookRow, found: Spooled, path: Path, key: bytes | None) -> list[str]:
    try:
        return _store(database, book, found, path, key)
    except StoreError:  # the last write of a program that was killed may still have been on its way to the server
        again = Books(database).get(book.id)
        if again is None or again.facts == book.facts:
            raise
        return _store(database, again, found, path, key)


def _store(database: Database, book: BookRow, found: Spooled, path: Path, key: bytes | None) -> list[str]:
    said = []
    if found.torn:
        said.append(
            f"the last {found.torn} bytes of {path.name} were cut off by a crash and are ignored; nothing was sent on them"
        )
    with closing(writer(database, book.id, key)) as into:
        rows = _once(path, book, found.steps)
        for row in rows:
            if row[1] <= book.facts and into.stored(row[1]) != row[5]:
                raise _contradiction(path, book, row)
        new = [row for row in rows if row[1] > book.facts]
        if new:
            _append(into, book, new, max(found.steps, key=lambda step: step.step), path)
            said.append(f"facts {new[0][1]} to {new[-1][1]} of book {book.id} were taken in from {path.name}")
    return said


def _once(path: Path, book: BookRow, steps: tuple[SpooledStep, ...]) -> list[Prepared]:
    """The rows in the order of their facts. The same fact twice is one; two facts of one number are a contradiction."""
    rows: dict[int, Prepared] = {}
    for step in steps:
        for row in _rows(book.id, step):
            if rows.setdefault(row[1], row) != row:
                raise _contradiction(path, book, row)
    return [rows[seq] for seq in sorted(rows)]


def _append(into: Writer, book: BookRow, rows: list[Prepared], last: SpooledStep, path: Path) -> None:
    if [row[1] for row in rows] != list(range(book.facts + 1, book.facts + 1 + len(rows))):
        raise StoreError(
            f"{path} goes on with fact {rows[0][1]} and book {book.id} ends with fact {book.facts}: facts are missing between; "
            "restore the newest backup, or move this file away to go on without it"
        )
    into.write(rows, last.step, last.at)


def _rows(book_id: int, step: SpooledStep) -> list[Prepared]:
    records = [(parse(line), line) for line in step.facts]
    return [(book_id, record.seq, record.step, record.at, type(record.fact).__name__, line) for record, line in records]


def _contradiction(path: Path, book: BookRow, row: Prepared) -> StoreError:
    return StoreError(
        f"{path} and book {book.id} say different things at fact {row[1]}; nothing was taken in: restore the newest backup, "
        "or move this file away to go on without it"
    )


def _put_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}.aside")).exists():
        number += 1
    return path.rename(aside)
