"""Facts that had to be on a disk while the database was not: one file beside it, synced at every write.

Every line is a checksum and a step: its cursor, its time and its facts as the canonical lines they are stored as. The file's room
is taken when it is made, so that it can be written on a disk that has become full. A zero byte ends what counts.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, cast

from engine.core.clock import Nanos
from engine.core.errors import StoreError, UserError
from engine.storage.books import BookRow
from engine.storage.database import Place

ROOM = 1 << 20
"""Bytes taken in advance: about 3,000 facts."""

_END = b"\0"
_BINARY = getattr(os, "O_BINARY", 0)
_SYNCED = getattr(os, "O_DSYNC", 0)
"""Where the system has it, a write is on the disk when it returns."""


class SpooledStep(NamedTuple):
    """A step's canonical lines, and the cursor and time that it moves the book to."""

    step: int
    at: Nanos
    facts: tuple[str, ...]


class Spooled(NamedTuple):
    """What a file holds: whose it is ("" where it was never begun), its whole steps, and how many bytes at its end are torn."""

    owner: str
    steps: tuple[SpooledStep, ...]
    torn: int


def spool_path(place: Place, book_id: int, folder: Path) -> Path:
    """The file of a book: beside a SQLite database, in `folder` for a server's."""
    if place.path is not None:
        return place.path.with_name(f"{place.path.name}.book{book_id}.spool")
    return folder / f"{sha256(place.name.encode()).hexdigest()[:12]}.book{book_id}.spool"


def owner_of(book: BookRow) -> str:
    """What tells a book from another that later got its number."""
    return f"book {book.id} run {book.run_id} attempt {book.attempt} opened {book.created_at}"


class Spool:
    """The file of one open book; safe from any thread. `last` is the number of the last fact in it, 0 while it is empty."""

    def __init__(self, path: Path, book: BookRow) -> None:
        """Makes the file, which must not be there, and takes its room. Raises UserError where that cannot be."""
        self.path = path
        self.last = 0
        self._lock = Lock()
        head = _line(owner_of(book))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SYNCED | _BINARY, 0o600)
            _write(self._handle, 0, head + bytes(max(1, ROOM - len(head))))
            sync_folder(path.parent)
            self._loose = os.open(path, os.O_WRONLY) if _SYNCED else None
            """For what need not be on the disk when it is written: no lock may be held while a disk is waited for."""
        except OSError as error:
            raise UserError(
                f"{path}, for facts while the database cannot be written, cannot be made: {error.strerror}"
            ) from error
        self._begin = self._end = len(head)

    def write(self, steps: Sequence[SpooledStep], last: int) -> None:
        """Adds steps, the last of their facts, which have no gaps, numbered `last`; on the disk when it returns, or StoreError.

        Steps that are in it already are left out: two threads may have chosen the same.
        """
        with self._lock:
            if self._handle is None:
                raise StoreError(f"{self.path.name} is closed")
            new = list(_after(self.last, steps, last))
            if not new:
                return
            lines = b"".join(_line("\t".join((str(step.step), str(step.at), *step.facts))) for step in new)
            try:
                _write(self._handle, self._end, lines + _END)
            except OSError as error:
                raise StoreError(f"{self.path} could not be written: {error.strerror}") from error
            self._end += len(lines)
            self.last = last

    def forget(self, stored: int) -> None:
        """Empties the file once the database has all of it; what a crash leaves of it is found to be stored already."""
        with self._lock:
            if self._handle is not None and 0 < self.last <= stored:
                self._end, self.last = self._begin, 0
                if not (self._loose is not None and _write_at_once(self._loose, self._end, _END)):
                    _put(self._handle, self._end, _END)

    def close(self, stored: int) -> None:
        """Lets go of the file, and removes it where nothing is in it that is not `stored`."""
        self.forget(stored)
        with self._lock:
            if self._handle is None:
                return
            os.close(self._handle)
            if self._loose is not None:
                os.close(self._loose)
            self._handle = self._loose = None
            if not self.last:
                self.path.unlink(missing_ok=True)


def read_spool(path: Path) -> Spooled:
    """The whole steps of a file up to its first line that is torn. StoreError where it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    used = data.partition(_END)[0]
    texts, taken = [], 0
    for line in used.splitlines(keepends=True):
        text = _checked(line)
        if text is None:
            break
        texts.append(text)
        taken += len(line)
    owner = texts[0] if texts else ""
    return Spooled(owner, tuple(_steps(texts[1:])), len(used) - taken)


def _after(known: int, steps: Sequence[SpooledStep], last: int) -> Iterable[SpooledStep]:
    """Those of the steps whose last fact is not known yet."""
    before = last - sum(len(step.facts) for step in steps)
    ends = accumulate(len(step.facts) for step in steps)
    return (step for step, end in zip(steps, ends, strict=True) if before + end > known)


def _steps(texts: Iterable[str]) -> Iterable[SpooledStep]:
    for text in texts:
        step, at, *facts = text.split("\t")
        yield SpooledStep(int(step), int(at), tuple(facts))


def _line(text: str) -> bytes:
    body = text.encode("ascii")
    return _checksum(body) + b" " + body + b"\n"


def _checked(line: bytes) -> str | None:
    checksum, _, body = line.partition(b" ")
    whole = line.endswith(b"\n") and checksum == _checksum(body[:-1])
    return body[:-1].decode("ascii") if whole else None


def _checksum(body: bytes) -> bytes:
    return sha256(body).hexdigest()[:16].encode("ascii")


def _put(handle: int, offset: int, data: bytes) -> None:
    """All of `data` at `offset`."""
    os.lseek(handle, offset, os.SEEK_SET)
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _write(handle: int, offset: int, data: bytes) -> None:
    """All of `data` at `offset`, on the disk when it returns."""
    if _SYNCED and _write_at_once(handle, offset, data):
        return
    _put(handle, offset, data)
    os.fsync(handle)


def _write_at_once(handle: int, offset: int, data: bytes) -> bool:
    """The write in one call that keeps the interpreter's lock, so that no other thread can come between a stop and its leaving.

    False where the system took it in part or not at all; the ordinary way says why.
    """
    return int(_pwrite()(handle, data, len(data), offset)) == len(data)


@cache
def _pwrite() -> Callable[[int, bytes, int, int], int]:
    call: Any = ctypes.PyDLL(None).pwrite
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int64)
    call.restype = ctypes.c_ssize_t
    return cast("Callable[[int, bytes, int, int], int]", call)


def sync_folder(folder: Path) -> None:
    """The file's name is on the disk too; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
