"""One moment of a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.storage.database import Database
from engine.storage.link import Link


@contextmanager
def snapshot(database: Database) -> Iterator[Link]:
    """A connection that sees one moment of the database, whatever is written meanwhile."""
    link = database.link()
    try:
        link.rows("BEGIN" if database.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield link
    finally:
        link.close()
