"""How the facts of one step reach the database: one transaction over a connection kept open, as fast as the driver goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from engine.core.clock import Nanos
from engine.core.errors import StoreError
from engine.storage.chain import Chain, changed_outside, scheme_of
from engine.storage.chain import Prepared as Prepared
from engine.storage.database import Database
from engine.storage.link import Link, PostgresLink, SqliteLink, said


class Writer(Protocol):
    """Writes steps of one book and carries its chain on.

    A refused write raises StoreError; whether it was kept is then for `stored` of a new writer to say, and the refused one is
    only good for a step that was not kept.
    """

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        """Adds the rows and moves the book's cursor, all or nothing."""
        ...

    def stored(self, seq: int) -> str | None:
        """The line stored under `seq`, None where there is none."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


def writer(database: Database, book_id: int, key: bytes | None = None) -> Writer:
    """A writer over a connection of its own. `key` chains a new book, and must be there again for a book chained with it.

    Raises UserError where the key is missing or another, or the last fact is not the one the book was sealed with.
    """
    link = database.link()
    try:
        chain = _end_of_chain(link, book_id, key)
    except BaseException:
        link.close()
        raise
    if isinstance(link, PostgresLink):
        return PostgresWriter(link, book_id, chain)
    assert isinstance(link, SqliteLink)
    return SqliteWriter(link, book_id, chain)


def _end_of_chain(link: Link, book_id: int, key: bytes | None) -> Chain:
    created_at, facts, seal, last = link.rows(
        "SELECT created_at, facts, seal, link FROM books LEFT JOIN facts ON book_id = id AND seq = facts WHERE id = ?",
        (book_id,),
    )[0]
    scheme = scheme_of(book_id, seal, key)
    if facts == 0 and seal is None:
        return Chain(scheme, scheme.first(book_id, created_at))
    if last is None or scheme.seal(facts, last) != seal:
        raise changed_outside(book_id, facts)
    return Chain(scheme, bytes(last))


class SqliteWriter:
    """Four statements a step, about 50 us for five facts."""

    _INSERT = "INSERT INTO facts (book_id, seq, step, at, kind, fact, salts, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    _MOVE = "UPDATE books SET cursor = ?, cursor_at = ?, facts = ?, seal = ? WHERE id = ?"

    def __init__(self, link: SqliteLink, book_id: int, chain: Chain) -> None:
        self._link = link
        self._chain = chain
        self._book_id = book_id
        self._raw = link.raw

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        raw, longer = self._raw, self._chain.lengthen(rows)
        try:
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(self._INSERT, longer.rows)
            raw.execute(self._MOVE, (step, at, rows[-1][1], longer.seal, self._book_id))
            raw.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._give_up()
            raise _contested(self._book_id) from error
        except sqlite3.Error as error:
            self._give_up()
            raise StoreError(f"book {self._book_id}: step {step} could not be written: {said(error)}") from error
        self._chain.link = longer.link

    def _give_up(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def stored(self, seq: int) -> str | None:
        rows = self._link.rows("SELECT fact FROM facts WHERE book_id = ? AND seq = ?", (self._book_id, seq))
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        self._link.close()


class PostgresWriter:
    """One statement a step, so one round trip and one transaction."""

    _WRITE = (
        "WITH moved AS (UPDATE books SET cursor = %s, cursor_at = %s, facts = %s, seal = %s WHERE id = %s) "
        "INSERT INTO facts (book_id, seq, step, at, kind, fact, salts, link) SELECT * FROM unnest("
        "%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bytea[])"
    )

    def __init__(self, link: PostgresLink, book_id: int, chain: Chain) -> None:
        self._link = link
        self._chain = chain
        self._book_id = book_id

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        import psycopg

        longer = self._chain.lengthen(rows)
        columns = [list(column) for column in zip(*longer.rows, strict=True)]
        place = (step, at, rows[-1][1], longer.seal, self._book_id)
        try:
            self._link.raw.execute(self._WRITE, (*place, *columns), prepare=True)
        except psycopg.errors.IntegrityError as error:
            raise _contested(self._book_id) from error
        except psycopg.Error as error:
            raise StoreError(f"book {self._book_id}: step {step} could not be written: {said(error)}") from error
        self._chain.link = longer.link

    def stored(self, seq: int) -> str | None:
        rows = self._link.rows("SELECT fact FROM facts WHERE book_id = ? AND seq = ?", (self._book_id, seq))
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        self._link.close()


def _contested(book_id: int) -> StoreError:
    return StoreError(f"book {book_id} was written to by another program meanwhile; end it and start this run again")
