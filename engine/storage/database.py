"""Opening the books' database: which one a URL means, and that its schema is the one this version knows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from engine.core.errors import StoreError, UserError
from engine.storage.link import Link, PostgresLink, Row, SqliteLink, connect_postgres, connect_sqlite, said, shown
from engine.storage.migrate import BOOKS, Track, bring_up_to

if TYPE_CHECKING:
    from sqlalchemy import Engine

Durability = Literal["normal", "full"]

LOCK_WAIT_S = 2.0

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


class Database:
    """An open database. Short statements go through `rows`; writers and long reads take a `link()` of their own."""

    def __init__(self, place: Place, durability: Durability = "normal", wait_s: float = LOCK_WAIT_S) -> None:
        self.place = place
        self.durability = durability
        self.wait_s = wait_s
        self._lock = Lock()
        self._shared: Link | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.place.path is not None

    def link(self) -> Link:
        """A new private connection; whoever asks closes it."""
        full = self.durability == "full"
        if self.place.path is None:
            return PostgresLink(self.place.url, full, self.wait_s)
        try:
            return SqliteLink(self.place.path, full, self.wait_s)
        except sqlite3.Error as error:
            raise _unusable(self.place, error) from error

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Runs one short statement (`?` for its values) and returns its rows; safe from any thread."""
        with self._lock:
            if self._shared is None:
                self._shared = self.link()
            try:
                return self._shared.rows(sql, values)
            except StoreError:
                self._shared.close()  # a link that was lost is made anew by the next statement
                self._shared = None
                raise

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query one by one, over a connection that lives as long as the iteration."""
        link = self.link()
        try:
            yield from link.stream(sql, values)
        finally:
            link.close()

    @cached_property
    def engine(self) -> Engine:
        """SQLAlchemy's view of the same database, for its migrations; imported here because it is slow to import."""
        from sqlalchemy import NullPool, create_engine, event

        engine = create_engine(
            f"{'sqlite' if self.is_sqlite else 'postgresql+psycopg'}://", creator=self._raw(), poolclass=NullPool
        )
        if self.is_sqlite:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine

    def _raw(self) -> Callable[[], Any]:
        path = self.place.path
        if path is not None:
            return lambda: connect_sqlite(path, True, self.wait_s)

        def manual() -> Any:
            raw = connect_postgres(self.place.url, True, self.wait_s)
            raw.autocommit = False
            return raw

        return manual

    def close(self) -> None:
        """Ends the shared connection; links handed out stay with their owners."""
        with self._lock:
            if self._shared is not None:
                self._shared.close()
                self._shared = None

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_books(url: str, durability: Durability = "normal", wait_s: float = LOCK_WAIT_S) -> Database:
    """The books at `url`, created and migrated as needed.

    `url` is sqlite:///PATH, a path ending in .db, or postgresql://... `durability` "full" waits for the disk at every commit;
    `wait_s` is how long a statement waits for another program's lock before it is refused.
    Raises UserError when the place cannot be used, StoreError when its schema is newer than this program.
    """
    return open_track(Database(locate(url), durability, wait_s), BOOKS)


def open_track(database: Database, track: Track, revision: str = "head") -> Database:
    """The database, once its schema is the newest of `track`, or `revision`."""
    try:
        prepare(database, track)
        bring_up_to(database, track, revision)
    except BaseException:
        database.close()
        raise
    return database


def prepare(database: Database, track: Track) -> None:
    """Sees that a SQLite file is ours or new before anything is written to it."""
    path = database.place.path
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tables = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if tables and "schema_version" not in tables:
            raise UserError(f"{path} is a database of another program; name another file")
        if not tables:
            database.rows(f"PRAGMA page_size = {track.page_size}")
        database.rows("PRAGMA journal_mode = WAL")
    except OSError as error:
        raise UserError(f"cannot create the folder {path.parent}: {error.strerror}; name another file") from error
    except StoreError as error:
        raise _unusable(database.place, error.__cause__ or error) from error


def _unusable(place: Place, error: BaseException) -> UserError:
    return UserError(f"{place.name} cannot be used as a database: {said(error)}; name another file or mend its permissions")
