"""One private connection to a database, the same few words for SQLite and PostgreSQL.

Plain DBAPI on purpose: the journal commits in tens of microseconds, and importing SQLAlchemy costs the start half a second.
Statements are written with `?` for their values and run in autocommit outside `transaction()`.
"""

from __future__ import annotations

import re
import selectors
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from engine.core.errors import StoreError, UserError

if TYPE_CHECKING:
    import psycopg

Row = tuple[Any, ...]

SQLITE_CHECKPOINT_PAGES = 4000
"""About 16 MB of write-ahead log before it is folded into the file: a quarter less time a commit than the default 1000."""

_STREAM_ROWS = 2_000


class Link(Protocol):
    """A connection. Whatever the driver raises comes out as StoreError."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Runs a statement and returns its rows; an empty list where it has none."""
        ...

    def binary_rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """As `rows`, the quick way for columns of bytes; for columns of integers, text and bytes."""
        ...

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query, one by one, without holding all of them."""
        ...

    def transaction(self) -> Any:
        """A context manager: commits at its end, rolls back when an exception passes."""
        ...

    def close(self) -> None:
        """Ends the connection; safe to call twice."""
        ...


REMEDIES = {
    "25006": "the server only reads, as a standby does; give the URL of the one that writes",
    "42501": "main.py db roles prints what each user may do; open it as one that may",
    "53100": "make room on the server's disk",
    "57P01": "the server is stopping; open the books again when it is back",
    "57P02": "the server crashed; open the books again when it is back",
    "57P03": "the server is starting; try again in a moment",
}
"""What mends a PostgreSQL error, by its SQLSTATE."""
MENDABLE = {"25006", "42501"}
"""Those of them that another URL mends."""


def said(error: BaseException) -> str:
    """The first line of a driver's message, without a full stop, and what mends it where that is known."""
    lines = str(error).strip().splitlines()
    line = (lines[0] if lines else type(error).__name__).rstrip(". ")
    remedy = REMEDIES.get(getattr(error, "sqlstate", None) or "")
    return f"{line}; {remedy}" if remedy else line


def refused(what: str, error: BaseException) -> StoreError | UserError:
    """What to raise: an error the user's choice of server or role led to is the user's to mend."""
    mendable = getattr(error, "sqlstate", None) in MENDABLE
    return (UserError if mendable else StoreError)(f"{what}: {said(error)}")


class SqliteLink:
    """A connection to a SQLite file; `full` waits for the disk at every commit."""

    def __init__(self, path: Path, full: bool, wait_s: float) -> None:
        self.raw = connect_sqlite(path, full, wait_s)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self.mapped():
            return self.raw.execute(sql, values).fetchall()

    binary_rows = rows

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        with self.mapped():
            yield from self.raw.execute(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.mapped():
            self.raw.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.raw.execute("COMMIT")
            except BaseException:
                if self.raw.in_transaction:
                    self.raw.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self.raw.close()

    @contextmanager
    def mapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the database did not take or give what was asked of it: {said(error)}") from error


def connect_sqlite(path: Path, full: bool, wait_s: float) -> sqlite3.Connection:
    """A driver connection in autocommit, usable from any one thread at a time."""
    raw = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        raw.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute(f"PRAGMA wal_autocheckpoint = {SQLITE_CHECKPOINT_PAGES}")
    except sqlite3.Error:
        raw.close()
        raise
    return raw


class PostgresLink:
    """A connection to PostgreSQL; `full` waits for the server's disk at every commit."""

    def __init__(self, url: str, full: bool, wait_s: float) -> None:
        self.raw = connect_postgres(url, full, wait_s)

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self.mapped():
            cursor = self.raw.execute(_percent(sql), values)
            return cursor.fetchall() if cursor.description else []

    def binary_rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self.mapped():
            return self.raw.execute(_percent(sql), values, binary=True).fetchall()

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        with self.mapped(), self.raw.transaction(), self.raw.cursor(name="stream") as cursor:
            cursor.itersize = _STREAM_ROWS
            cursor.execute(_percent(sql), values)
            yield from cursor

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.mapped(), self.raw.transaction():
            yield

    def close(self) -> None:
        self.raw.close()

    def close_with(self, sql: str, patience_s: float) -> None:
        """Closes it after a last statement, whose answer is waited for so long at the most. Safe twice."""
        import psycopg

        with suppress(psycopg.Error), selectors.DefaultSelector() as answer:  # it may be closed or cut already
            self.raw.pgconn.send_query(sql.encode())
            answer.register(self.raw.pgconn.socket, selectors.EVENT_READ)
            answer.select(patience_s)
        self.close()

    @contextmanager
    def mapped(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise refused("the database did not take or give what was asked of it", error) from error


def connect_postgres(url: str, full: bool, wait_s: float) -> psycopg.Connection[Row]:
    """A driver connection in autocommit. Raises UserError when the URL is malformed or the server cannot be used."""
    import psycopg

    malformed = UserError(
        f"cannot open the database {shown(url)}: the URL or one of its options is malformed; write "
        "postgresql://USER:PASSWORD@HOST:PORT/NAME, with %40 for @, %2F for / and %3F for ? inside a password"
    )
    if not _URL.fullmatch(url):
        raise malformed
    try:
        raw = psycopg.connect(url, autocommit=True, connect_timeout=10, client_encoding="utf8", **_GIVES_UP)
    except psycopg.ProgrammingError:  # it quotes what it stumbled over, which may be half a password: neither said nor logged
        raise malformed from None
    except psycopg.Error as error:
        raise UserError(f"cannot open the database {shown(url)}: {_refusal(said(error))}") from error
    encoding = raw.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raw.close()
        raise UserError(
            f"cannot use the database {shown(url)}: its encoding is {encoding}, which does not hold every name; "
            "make one with createdb --encoding UTF8 --template template0"
        )
    raw.execute(f"SET synchronous_commit = {'on' if full else 'off'}")
    raw.execute(f"SET lock_timeout = {int(wait_s * 1000)}")
    return raw


_GIVES_UP: dict[str, Any] = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
"""A server that vanished without a word is given up after some 25 seconds, and not after hours; the last in ms, Linux only."""

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[^@/?#:,\[\]]*)(?::\d+)?"
_URL = re.compile(rf"\w+://(?:[^@/?#]*@)?{_HOST}(?:,{_HOST})*(?:/[^@/?#]*)?(?:\?(?:\w+=[^&]*(?:&\w+=[^&]*)*)?)?")


def _refusal(text: str) -> str:
    """Why a server did not let us in, and what to do."""
    name = re.search(r'database "(.+)" does not exist', text)
    if name:
        return f"there is no database {name[1]}; make it with createdb --encoding UTF8 --template template0 {name[1]}"
    if "password" in text:
        return "the server refused this user and password; mend them in the URL, or give them in a password file (~/.pgpass)"
    return f"{text}; check the URL and that PostgreSQL runs"


def shown(url: str) -> str:
    """The URL as it may be printed: without user, password and options, and nothing of one that is malformed."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}" if _URL.fullmatch(url) else f"{scheme}://…"


def _percent(sql: str) -> Any:
    return sql.replace("?", "%s")
