"""How the facts of one step reach the database: one transaction over a connection kept open, as fast as the driver goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Protocol

from engine.core.clock import Nanos
from engine.core.errors import StoreError
from engine.storage.database import Database
from engine.storage.link import PostgresLink, SqliteLink, said

Prepared = tuple[int, int, int, Nanos, str, str]
"""A row of the table facts: book_id, seq, step, at, kind, fact."""


class Writer(Protocol):
    """Writes steps of one book. A refused write raises StoreError; whether it was kept is then for `stored` to say."""

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        """Adds the rows and moves the book's cursor, all or nothing."""
        ...

    def stored(self, seq: int) -> str | None:
        """The line stored under `seq`, None where there is none."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...


def writer(database: Database, book_id: int) -> Writer:
    """A writer over a connection of its own."""
    link = database.link()
    if isinstance(link, PostgresLink):
        return PostgresWriter(link, book_id)
    assert isinstance(link, SqliteLink)
    return SqliteWriter(link, book_id)


class SqliteWriter:
    """Four statements a step, about 35 us for five facts."""

    _INSERT = "INSERT INTO facts (book_id, seq, step, at, kind, fact) VALUES (?, ?, ?, ?, ?, ?)"
    _MOVE = "UPDATE books SET cursor = ?, cursor_at = ?, facts = ? WHERE id = ?"

    def __init__(self, link: SqliteLink, book_id: int) -> None:
        self._link = link
        self._book_id = book_id
        self._raw = link.raw

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        raw = self._raw
        try:
            raw.execute("BEGIN IMMEDIATE")
            raw.executemany(self._INSERT, rows)
            raw.execute(self._MOVE, (step, at, rows[-1][1], self._book_id))
            raw.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            self._give_up()
            raise _contested(self._book_id) from error
        except sqlite3.Error as error:
            self._give_up()
            raise StoreError(f"book {self._book_id}: step {step} could not be written: {said(error)}") from error

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
        "WITH moved AS (UPDATE books SET cursor = %s, cursor_at = %s, facts = %s WHERE id = %s) "
        "INSERT INTO facts (book_id, seq, step, at, kind, fact) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])"
    )

    def __init__(self, link: PostgresLink, book_id: int) -> None:
        self._link = link
        self._book_id = book_id

    def write(self, rows: Sequence[Prepared], step: int, at: Nanos) -> None:
        import psycopg

        columns = [list(column) for column in zip(*rows, strict=True)]
        try:
            self._link.raw.execute(self._WRITE, (step, at, rows[-1][1], self._book_id, *columns), prepare=True)
        except psycopg.errors.IntegrityError as error:
            raise _contested(self._book_id) from error
        except psycopg.Error as error:
            raise StoreError(f"book {self._book_id}: step {step} could not be written: {said(error)}") from error

    def stored(self, seq: int) -> str | None:
        rows = self._link.rows("SELECT fact FROM facts WHERE book_id = ? AND seq = ?", (self._book_id, seq))
        return str(rows[0][0]) if rows else None

    def close(self) -> None:
        self._link.close()


def _contested(book_id: int) -> StoreError:
    return StoreError(f"book {book_id} was written to by another program meanwhile; end it and start this run again")
