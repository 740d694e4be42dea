"""The books from outside a session: their facts as lines, and whether they add up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.errors import UserError
from engine.storage.audit import AuditReport, audit_books
from engine.storage.books import BookRow, Books
from engine.storage.database import Database, locate, open_books
from engine.storage.journal import export_lines, facts_sha256


@contextmanager
def book_of(url: str, number: int | None) -> Iterator[tuple[Database, BookRow]]:
    """The book called `number`, or the latest, of the database at `url`. UserError when there is none."""
    with existing(url) as database:
        books = Books(database)
        book = books.latest() if number is None else books.get(number)
        if book is None:
            which = "no book yet; run a session first" if number is None else f"no book {number}; see main.py export books"
            raise UserError(f"{database.place.name} holds {which}")
        yield database, book


def existing(url: str) -> Database:
    """The database at `url`, which must be there already: reading makes no new one."""
    path = locate(url).path
    if path is not None and not path.exists():
        raise UserError(f"{path} does not exist; give the database of a session, or run a session first")
    return open_books(url)


def fact_lines(url: str, number: int | None) -> Iterator[str]:
    """The canonical lines of a book's facts, in order."""
    with book_of(url, number) as (database, book):
        yield from export_lines(database, book.id)


def facts_hash(url: str, number: int | None) -> str:
    """SHA-256 over the canonical lines, each with its newline."""
    with book_of(url, number) as (database, book):
        return facts_sha256(database, book.id)


def audit(url: str, number: int | None) -> AuditReport:
    """Rebuilds the book from its facts and compares it with the read views."""
    with book_of(url, number) as (database, book):
        return audit_books(database, book.id)


def try_books(url: str) -> None:
    """Opens the books, migrating them where needed, and closes them; raises what stands in the way."""
    open_books(url).close()


def list_books(url: str) -> list[BookRow]:
    """All books of the database, the oldest first."""
    with existing(url) as database:
        return Books(database).list()
