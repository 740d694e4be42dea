"""One program a book: whoever opens a book holds it until it closes it or dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep
from typing import Protocol

from engine.core.clock import SECOND, SystemClock
from engine.core.errors import StoreError, UserError
from engine.storage.database import Database
from engine.storage.link import PostgresLink

_ADVISORY = 0x4E47
"""First key of PostgreSQL's advisory locks, so that other programs' locks do not meet ours."""
_LINGERS_NS, _LOOK_S = 2 * SECOND, 0.02
"""How long a server may take to notice that who held a book died or lets go of it, and how often it is asked."""


class BookLock(Protocol):
    """A book that is held."""

    def renew(self) -> None:
        """After the database was away: sees that the book is still held. Raises StoreError where another program has it now."""
        ...

    def release(self) -> None:
        """Lets go of it; safe to call twice."""
        ...


def hold(database: Database, book_id: int, held: str | None = None) -> BookLock:
    """Takes the book; UserError, with the sentence `held`, when another program has it. A program that dies lets go by dying."""
    path = database.place.path
    lock = _FileLock.take(path, book_id) if path is not None else _AdvisoryLock.take(database, book_id)
    if lock is None:
        raise UserError(
            held
            or f"book {book_id} of {database.place.name} is open in another program; close that one first, or give another --db"
        )
    return lock


@contextmanager
def holding_all(database: Database, book_ids: Iterable[int]) -> Iterator[None]:
    """Takes every one of these books for as long as the context; UserError, and none is held, when another program has one."""
    with ExitStack() as held:
        for number in book_ids:
            held.callback(hold(database, number).release)
        yield


class _FileLock:
    """A file beside the database, locked by the operating system."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle: int | None = handle

    @classmethod
    def take(cls, database: Path, book_id: int) -> _FileLock | None:
        path = database.with_name(f"{database.name}.book{book_id}.lock")
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if not _lock(handle):
                os.close(handle)
                return None
            if _is_still(path, handle):
                return cls(path, handle)
            os.close(handle)  # its holder has just gone, and taken the file along

    def renew(self) -> None:
        """The operating system forgets no lock."""

    def release(self) -> None:
        if self._handle is None:
            return
        if sys.platform != "win32":
            self._path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


class _AdvisoryLock:
    """A lock PostgreSQL keeps for as long as its connection lives. `_backend` is the process that keeps it there."""

    def __init__(self, database: Database, book_id: int) -> None:
        self._database = database
        self._book_id = book_id
        self._link, self._backend = _asking(database)

    @classmethod
    def take(cls, database: Database, book_id: int) -> _AdvisoryLock | None:
        lock = cls(database, book_id)
        clock = SystemClock()
        until = clock.monotonic() + _LINGERS_NS
        while not lock._try():
            if clock.monotonic() >= until:
                lock.release()
                return None
            sleep(_LOOK_S)
        return lock

    def _try(self) -> bool:
        return bool(self._link.rows(f"SELECT pg_try_advisory_lock({_ADVISORY}, {int(self._book_id)})")[0][0])

    def renew(self) -> None:
        holder = self._holder()
        if holder == self._backend:  # also where the server has not noticed yet that the link to it is cut
            return
        self._link.close()
        self._link, self._backend = _asking(self._database)
        if not self._try():
            raise StoreError(f"book {self._book_id} was opened by another program while the database was away; end one of them")

    def _holder(self) -> int | None:
        rows = self._database.rows(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = ? AND objid = ? "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (_ADVISORY, self._book_id),
        )
        return int(rows[0][0]) if rows else None

    def release(self) -> None:
        self._link.close_with(f"SELECT pg_advisory_unlock({_ADVISORY}, {int(self._book_id)})", _LINGERS_NS / SECOND)


def _asking(database: Database) -> tuple[PostgresLink, int]:
    """A link and the number of the server's process behind it."""
    link = database.link()
    assert isinstance(link, PostgresLink)
    return link, int(link.rows("SELECT pg_backend_pid()")[0][0])
