"""Taking personal values out of a book for good, without breaking its chain."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.core.errors import StoreError
from engine.storage.books import BookRow
from engine.storage.database import Database
from engine.storage.link import Link
from engine.storage.lock import hold
from engine.storage.personal import ERASED, committed

_BETRAYING = ("facts_sha256",)
"""Figures of a summary against which a guessed name could be tried: they were made of facts that had it."""


class Erased(NamedTuple):
    """A book from which personal values are gone: the facts that had any just now."""

    book: int
    facts: tuple[int, ...]


def erase(database: Database, book: BookRow, at: Nanos, reason: str) -> Erased:
    """Puts commitments in the place of the account's name and of what the owner wrote, and ends the book.

    Its run is no longer known by its hash, so nothing goes on in it. Raises UserError while a program has the book open, and
    StoreError where a fact does not fit its salts. Backups made before still have the values.
    """
    lock = hold(database, book.id)
    link = database.link()
    try:
        if database.is_sqlite:
            link.rows("PRAGMA secure_delete = ON")
        with link.transaction():
            facts = tuple(_erase_fact(link, book.id, *row, at, reason) for row in _salted(link, book.id))
            _erase_book(link, book)
        if database.is_sqlite:
            link.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # the log still has the pages as they were
        else:
            for table in ("facts", "books"):
                link.rows(f"VACUUM {table}")
        return Erased(book.id, facts)
    finally:
        link.close()
        lock.release()


def _salted(link: Link, book_id: int) -> list[tuple[int, str, str]]:
    found = link.rows("SELECT seq, fact, salts FROM facts WHERE book_id = ? AND salts IS NOT NULL ORDER BY seq", (book_id,))
    return [(row[0], row[1], row[2]) for row in found]


def _erase_fact(link: Link, book_id: int, seq: int, line: str, salts: str, at: Nanos, reason: str) -> int:
    try:
        without = committed(line, salts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"fact {seq} was edited; nothing was erased. main.py audit verify --book {book_id} says more") from error
    link.rows("INSERT INTO erasures (book_id, seq, at, reason) VALUES (?, ?, ?, ?)", (book_id, seq, at, reason))
    link.rows("UPDATE facts SET fact = ?, salts = NULL WHERE book_id = ? AND seq = ?", (without, book_id, seq))
    return seq


def _erase_book(link: Link, book: BookRow) -> None:
    """The books row: name and description, and the hashes that were made of them."""
    summary = json.loads(book.summary) if book.summary else None
    kept = json.dumps({name: it for name, it in summary.items() if name not in _BETRAYING}, sort_keys=True) if summary else None
    run_id = book.run_id if book.run_id.startswith(ERASED) else ERASED + token_hex(16)
    link.rows(
        "UPDATE books SET run_id = ?, account = 'erased', description = '{}', summary = ?, status = 'finished' WHERE id = ?",
        (run_id, kept, book.id),
    )
