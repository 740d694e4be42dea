"""What goes by in a copy, counted and hashed row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from engine.storage.link import Row
from engine.storage.tables import Table

Progress = Callable[[float, str], None]
"""Told the share that is done, 0 to 1, and what is being done."""

_TOLD_EVERY = 1_000


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class CopiedTable(NamedTuple):
    """A table that is alike on both sides; `sha256` is over its rows in the order of their key."""

    name: str
    rows: int
    sha256: str

    def line(self) -> str:
        return f"{self.name}: {counted(self.rows)} alike, sha256 {self.sha256[:16]}"


@dataclass(slots=True)
class Tally:
    """What went by: rows and their hash by table, the facts' own hash by book; says now and then how far it is."""

    total: int
    progress: Progress
    tables: dict[str, CopiedTable] = field(default_factory=dict)
    facts: dict[int, _Digest] = field(default_factory=dict)
    done: int = 0

    def watch(self, table: Table, names: Sequence[str], rows: Iterable[Row], verb: str) -> Iterator[Row]:
        """The rows as they are, noted as they pass."""
        digest, count = sha256(), 0
        fact = names.index("fact") if table.name == "facts" else None
        book = names.index("book_id") if fact is not None else None
        for row in rows:
            digest.update(_bytes_of(row))
            if fact is not None and book is not None:
                self.facts.setdefault(row[book], sha256()).update(row[fact].encode("ascii") + b"\n")
            count += 1
            if count % _TOLD_EVERY == 0:
                self._tell(table, count, verb)
            yield row
        self.tables[table.name] = CopiedTable(table.name, count, digest.hexdigest())
        self._tell(table, count, verb)
        self.done += count

    def _tell(self, table: Table, count: int, verb: str) -> None:
        self.progress(min(1.0, (self.done + count) / max(1, 2 * self.total)), f"{verb} {table.name}: {counted(count)}")


def _bytes_of(row: Row) -> bytes:
    """A row as bytes that are alike for both databases: SQLite keeps what is not a number as nothing."""
    parts = []
    for value in row:
        if isinstance(value, bytes):
            parts.append(b"%d:" % len(value) + value)
        elif isinstance(value, float):
            parts.append(b"None" if value != value else repr(value + 0.0).encode())
        else:
            parts.append(repr(value).encode())
    return b"\x1f".join(parts) + b"\n"


def counted(rows: int) -> str:
    """A number of rows in words."""
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"
