"""One program a book: whoever opens a book holds it until it closes it or dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from engine.core.errors import UserError
from engine.storage.database import Database

_ADVISORY = 0x4E47
"""First key of PostgreSQL's advisory locks, so that other programs' locks do not meet ours."""


class BookLock(Protocol):
    """A book that is held."""

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
    """A lock PostgreSQL keeps for as long as its connection lives."""

    def __init__(self, database: Database) -> None:
        self._link = database.link()

    @classmethod
    def take(cls, database: Database, book_id: int) -> _AdvisoryLock | None:
        lock = cls(database)
        rows = lock._link.rows(f"SELECT pg_try_advisory_lock({_ADVISORY}, {int(book_id)})")
        if rows[0][0]:
            return lock
        lock.release()
        return None

    def release(self) -> None:
        self._link.close()
