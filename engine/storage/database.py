"""Opening the books' database: which one a URL means, and that its schema is the one this version knows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from engine.core.errors import StoreError, UserError
from engine.storage.link import Link, PostgresLink, Row, SqliteLink, connect_postgres, connect_sqlite, said, shown
from engine.storage.migrate import BOOKS, Track, bring_up_to_date

if TYPE_CHECKING:
    from sqlalchemy import Engine

Durability = Literal["normal", "full"]

LOCK_WAIT_S = 2.0
"""How long a statement waits for another program's lock before it is refused."""

_FORMS = "give a file as sqlite:///PATH or PATH ending in .db, or postgresql://USER@HOST/NAME"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: a SQLite file (`path`) or a PostgreSQL server (`url`)."""

    url: str
    path: Path | None

    @property
    def name(self) -> str:
        """As it may be shown to people: no password."""
        return str(self.path) if self.path else shown(self.url)


def locate(url: str) -> Place:
    """What `url` means. Raises UserError for a form that is not known."""
    if re.match(r"postgres(ql)?(\+\w+)?://", url):
        return Place(re.sub(r"^[^:]*://", "postgresql://", url), None)
    path = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else url
    if not path or "://" in path or (path == url and not url.endswith(".db")):
        raise UserError(f"{shown(url) if '://' in url else repr(url)} names no database; {_FORMS}")
    return Place(url, Path(path).expanduser())


@dataclass(slots=True, weakref_slot=True)
class _Shared:
    """The connection that short statements share, made when first needed."""

    lock: Lock = field(default_factory=Lock)
    link: Link | None = None


class Database:
    """An open database. Short statements go through `rows`; writers and long reads take a `link()` of their own."""

    def __init__(self, place: Place, durability: Durability = "normal") -> None:
        self.place = place
        self.durability = durability
        self._shared = _Shared()

    @property
    def is_sqlite(self) -> bool:
        return self.place.path is not None

    def link(self) -> Link:
        """A new private connection; whoever asks closes it."""
        full = self.durability == "full"
        if self.place.path is None:
            return PostgresLink(self.place.url, full, LOCK_WAIT_S)
        try:
            return SqliteLink(self.place.path, full, LOCK_WAIT_S)
        except sqlite3.Error as error:
            raise _unusable(self.place, error) from error

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Runs one short statement (`?` for its values) and returns its rows; safe from any thread."""
        with self._shared.lock:
            if self._shared.link is None:
                self._shared.link = self.link()
            return self._shared.link.rows(sql, values)

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query one by one, over a connection that lives as long as the iteration."""
        link = self.link()
        try:
            yield from link.stream(sql, values)
        finally:
            link.close()

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's view of the same database, for migrations and audits; imported here because it is slow to import."""
        from sqlalchemy import NullPool, create_engine, event

        engine = create_engine(
            f"{'sqlite' if self.is_sqlite else 'postgresql+psycopg'}://", creator=self._raw(), poolclass=NullPool
        )
        if self.is_sqlite:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine

    def _raw(self) -> Callable[[], Any]:
        full, path, url = self.durability == "full", self.place.path, self.place.url
        if path is not None:
            return lambda: connect_sqlite(path, full, LOCK_WAIT_S)

        def manual() -> Any:
            raw = connect_postgres(url, full, LOCK_WAIT_S)
            raw.autocommit = False
            return raw

        return manual

    def close(self) -> None:
        """Ends the shared connection; links handed out stay with their owners."""
        with self._shared.lock:
            if self._shared.link is not None:
                self._shared.link.close()
                self._shared.link = None

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_books(url: str, durability: Durability = "normal") -> Database:
    """The books at `url`, created and migrated as needed.

    `url` is sqlite:///PATH, a path ending in .db, or postgresql://... `durability` "full" waits for the disk at every commit.
    Raises UserError when the place cannot be used, StoreError when its schema is newer than this program.
    """
    return open_track(locate(url), BOOKS, durability)


def open_track(place: Place, track: Track, durability: Durability = "normal", page_size: int = 4096) -> Database:
    """The database at `place` with the schema of `track`."""
    database = Database(place, durability)
    try:
        if place.path is not None:
            _prepare_file(database, place.path, page_size)
        bring_up_to_date(database, track)
    except BaseException:
        database.close()
        raise
    return database


def _prepare_file(database: Database, path: Path, page_size: int) -> None:
    """Sees that the file is ours or new before anything is written to it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tables = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if tables and "schema_version" not in tables:
            raise UserError(f"{path} is a database of another program; name another file")
        if not tables:
            database.rows(f"PRAGMA page_size = {page_size}")
        database.rows("PRAGMA journal_mode = WAL")
    except OSError as error:
        raise UserError(f"cannot create the folder {path.parent}: {error.strerror}; name another file") from error
    except StoreError as error:
        raise _unusable(database.place, error.__cause__ or error) from error


def _unusable(place: Place, error: BaseException) -> UserError:
    return UserError(f"{place.name} cannot be used as a database: {said(error)}; name another file or mend its permissions")
