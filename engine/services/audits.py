"""The audit trail from outside a session: is a book's chain whole, where does it end, and what is to be taken out of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.brokers.secrets import chain_key
from engine.core.clock import Nanos
from engine.core.errors import UserError
from engine.services.bookkeeping import book_of, existing
from engine.storage.books import BookRow, Books
from engine.storage.chain import is_keyed
from engine.storage.database import Database
from engine.storage.erasure import Erased, erase
from engine.storage.verification import Head, Verified, verify

_UNKEYED = "chained without a key: who may write to the database could compute the chain anew; keep its head elsewhere"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a book's chain. `broken` is the first fact that does not fit, `note` what to know of a whole one."""

    book: int
    clean: bool
    keyed: bool
    facts: int
    link: str
    broken: int | None
    sentence: str
    erased: tuple[int, ...]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def line(self) -> str:
        if not self.clean:
            return f"book {self.book} is broken: {self.sentence}"
        gone = f", personal values erased from {len(self.erased)} of them" if self.erased else ""
        return f"book {self.book}: {self.facts} facts{gone}, the chain is whole" + (f" ({self.note})" if self.note else "")


def verify_book(url: str, number: int | None, head_file: Path | None) -> Verdict:
    """Goes along the chain of a book: the one called `number`, else the one of the head in `head_file`, else the latest.

    Raises UserError where there is no such book, or its key is not at hand.
    """
    kept = _kept(head_file) if head_file else None
    if kept is not None and number is not None and number != kept.book:
        raise UserError(f"{head_file} is the head of book {kept.book}, not of book {number}; give one of both")
    if kept is not None and not _is_there(url, kept):
        sentence = f"the whole book {kept.book} is gone, or another stands in its place: the head kept has {kept.seq} facts of it"
        return Verdict(kept.book, False, kept.keyed, 0, "", 1, sentence, (), "")
    with book_of(url, kept.book if kept else number) as (database, book):
        return _verdict(verify(database, book.id, key_of(book), kept))


def head_of(url: str, number: int | None) -> Head:
    """Where a book's chain ends, to be kept elsewhere. UserError where the chain is broken."""
    with book_of(url, number) as (database, book):
        found = verify(database, book.id, key_of(book))
        if not found.is_clean:
            raise UserError(f"book {book.id} is broken, so it has no head to keep: {found.sentence}")
        return found.head


def erase_books(url: str, number: int | None, before: Nanos | None, at: Nanos, reason: str) -> list[Erased]:
    """Takes personal values out of a book, or out of every finished one that was begun before a time.

    Raises UserError where neither is named, and while a program has the book open.
    """
    if (number is None) == (before is None):
        raise UserError("name what to erase from: --book N, or --before DATE for every finished book begun before it")
    if not reason:
        raise UserError("an erasure is recorded with its reason; give --reason")
    if number is not None:
        with book_of(url, number) as (database, book):
            return [erase(database, book, at, reason)]
    with existing(url) as database:
        old = [book for book in Books(database).list() if book.is_finished and before is not None and book.created_at < before]
        return [erase(database, book, at, reason) for book in old]


def _verdict(found: Verified) -> Verdict:
    head = found.head
    note = "" if head.keyed or not found.is_clean else _UNKEYED
    return Verdict(head.book, found.is_clean, head.keyed, head.seq, head.link, found.broken, found.sentence, found.erased, note)


def key_of(book: BookRow) -> bytes | None:
    """The key of a book that is chained with one. UserError where it is not at hand."""
    return chain_key(book.id, is_keyed(book.seal)).key


def wants_a_key(url: str, number: int | None, head_file: Path | None = None) -> bool:
    """Whether a book, chosen as in `verify_book`, is chained with a key. UserError where there is no such book."""
    kept = _kept(head_file) if head_file else None
    if kept is not None:
        return kept.keyed
    with book_of(url, number) as (_database, book):
        return is_keyed(book.seal)


def _kept(file: Path) -> Head:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return Head.of(json.loads(lines[-1] if lines else ""))
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, UserError) as error:
        raise UserError(f"{file} holds no head of a book; main.py audit head --json writes one") from error


def _is_there(url: str, kept: Head) -> bool:
    with existing(url) as database:
        return _same(database, kept)


def _same(database: Database, kept: Head) -> bool:
    book = Books(database).get(kept.book)
    return book is not None and book.created_at == kept.created_at
