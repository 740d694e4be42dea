"""Is a book's chain whole, and if not, at which fact does it break?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.core.clock import Nanos
from engine.core.errors import StoreError, UserError
from engine.storage.books import BookRow, Books
from engine.storage.chain import Scheme, is_keyed, scheme_of
from engine.storage.database import Database
from engine.storage.link import Link
from engine.storage.personal import committed, erased_of
from engine.storage.snapshot import snapshot


class Head(NamedTuple):
    """The end of a book's chain, to be kept where whoever can write to the database cannot; `link` is hex, "" for no fact."""

    book: int
    created_at: Nanos
    seq: int
    link: str
    keyed: bool

    @classmethod
    def of(cls, values: Any) -> Head:
        """From JSON's values. Raises UserError where they are none of a head."""
        kinds = {"book": int, "created_at": int, "seq": int, "link": str, "keyed": bool}
        if not isinstance(values, dict) or any(type(values.get(name)) is not kind for name, kind in kinds.items()):
            raise UserError("this is no head of a book; write one with main.py audit head --json")
        return cls(**{name: values[name] for name in kinds})


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a book. `broken` is the first fact that does not fit, `sentence` says how; "" for a whole chain.

    `erased` are the facts whose personal values were erased; their commitments fit.
    """

    head: Head
    broken: int | None
    sentence: str
    erased: tuple[int, ...]

    @property
    def is_clean(self) -> bool:
        return not self.sentence


class _Broken(Exception):
    """The chain breaks at the fact `seq`; None where it is no single one."""

    def __init__(self, seq: int | None, sentence: str) -> None:
        super().__init__(sentence)
        self.seq = seq


def verify(database: Database, book_id: int, key: bytes | None, kept: Head | None = None) -> Verified:
    """Goes along the whole chain of a book, and compares it with the head `kept` elsewhere, where one is given.

    Raises UserError where the book is chained with a key and none is given.
    """
    with snapshot(database) as link:
        book = Books(link).get(book_id)
        if book is None:
            raise StoreError(f"{database.place.name} has no book {book_id}")
        walk = _Walk(book, kept)
        try:
            walk.along(link, _scheme(book, key))
        except _Broken as broken:
            return Verified(walk.head, broken.seq, str(broken), tuple(walk.erased))
        return Verified(walk.head, None, "", tuple(walk.erased))


def _scheme(book: BookRow, key: bytes | None) -> Scheme:
    try:
        return scheme_of(book.id, book.seal, key)
    except UserError as error:
        if key is None and is_keyed(book.seal):
            raise
        raise _Broken(None, str(error)) from error


@dataclass(slots=True)
class _Walk:
    """Along the facts of a book; `seq` and `link` are of the last one that fits."""

    book: BookRow
    kept: Head | None
    seq: int = 0
    link: bytes = b""
    erased: list[int] = field(default_factory=list)

    @property
    def head(self) -> Head:
        return Head(self.book.id, self.book.created_at, self.seq, self.link.hex() if self.seq else "", is_keyed(self.book.seal))

    def along(self, link: Link, scheme: Scheme) -> None:
        """Raises _Broken at the first fact that does not fit."""
        self.link = scheme.first(self.book.id, self.book.created_at)
        recorded = {row[0] for row in link.rows("SELECT seq FROM erasures WHERE book_id = ?", (self.book.id,))}
        for row in _facts(link, self.book.id):
            self._fact(scheme, *row)
            if self.erased and self.erased[-1] == self.seq and self.seq not in recorded:
                raise _Broken(self.seq, f"fact {self.seq} was erased, and no record says so")
            self._compare_with_kept()
        self._seal(scheme)
        if self.kept is not None and self.kept.seq > self.seq:
            raise _Broken(
                self.seq + 1, f"{_facts_from(self.seq + 1, self.kept.seq)} cut off the end: the head kept elsewhere has them"
            )

    def _fact(self, scheme: Scheme, seq: int, step: int, at: Nanos, kind: str, line: str, salts: str | None, link: Any) -> None:
        following = self.seq + 1
        if seq > following:
            raise _Broken(following, f"{_facts_from(following, seq - 1)} deleted: fact {seq} comes after fact {self.seq}")
        if seq < following:
            raise _Broken(seq, f"fact {seq} was inserted: the first fact of a book is fact 1")
        if link is None:
            raise _Broken(seq, f"fact {seq} was inserted past this program: it has no link")
        values, chained = _read(seq, line, salts)
        if values.get("seq") != seq:
            raise _Broken(seq, f"fact {seq} was moved here, or written over: its line says it is fact {values.get('seq')}")
        if (values.get("step"), values.get("at"), values.get("kind")) != (step, at, kind):
            raise _Broken(seq, f"fact {seq} was edited: its columns and its line disagree")
        if scheme.digest(self.link + chained) != bytes(link):
            raise _Broken(seq, f"fact {seq} was edited, or put in: its link does not follow from fact {self.seq} and its line")
        self.seq, self.link = seq, bytes(link)
        if salts is None and erased_of(kind, line):
            self.erased.append(seq)

    def _compare_with_kept(self) -> None:
        if self.kept is not None and self.kept.seq == self.seq and self.kept.link != self.link.hex():
            raise _Broken(
                self.seq, f"the facts up to fact {self.seq} are not those of the head kept elsewhere: they were written anew"
            )

    def _seal(self, scheme: Scheme) -> None:
        seal, facts = self.book.seal, self.book.facts
        if facts > self.seq:
            raise _Broken(self.seq + 1, f"{_facts_from(self.seq + 1, facts)} cut off the end")
        if facts < self.seq:
            raise _Broken(facts + 1, f"{_facts_from(facts + 1, self.seq)} added past this program: the book ends at fact {facts}")
        if seal != (scheme.seal(self.seq, self.link) if self.seq else None):
            raise _Broken(
                self.seq or None,
                f"the book's seal does not fit fact {self.seq}: facts after it were cut off and the book moved back, "
                "or the seal was edited",
            )


def _facts(link: Link, book_id: int) -> Iterator[tuple[Any, ...]]:
    return link.stream("SELECT seq, step, at, kind, fact, salts, link FROM facts WHERE book_id = ? ORDER BY seq", (book_id,))


def _read(seq: int, line: str, salts: str | None) -> tuple[dict[str, Any], bytes]:
    """The line's values, and the bytes it is chained with."""
    try:
        values = json.loads(line)
        chained = committed(line, salts).encode()
        if not isinstance(values, dict):
            raise TypeError(f"a fact is an object, not {type(values).__name__}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Broken(seq, f"fact {seq} was edited: it cannot be read") from error
    return values, chained


def _facts_from(first: int, last: int) -> str:
    return f"fact {first} was" if first == last else f"facts {first} to {last} were"
