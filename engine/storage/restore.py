"""A backup back in its place. What was there is put aside, never thrown away."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from engine.core.clock import Nanos, to_datetime
from engine.core.errors import UserError
from engine.storage.audit import audit_books
from engine.storage.backup import copy_file, fold, sync_file
from engine.storage.books import BookRow, Books
from engine.storage.copying import copy_database
from engine.storage.database import Database, locate, open_books
from engine.storage.integrity import damage, open_read_only
from engine.storage.journal import facts_sha256
from engine.storage.lock import hold
from engine.storage.market import open_market
from engine.storage.retention import STAMP, market_beside
from engine.storage.spool import sync_folder
from engine.storage.tally import Progress
from engine.storage.verification import verify

KeyOf = Callable[[BookRow], bytes | None]
"""The key that a book is chained with; raises UserError where it is not at hand."""


class RestoredBook(NamedTuple):
    """A book as it stands after the restore."""

    book: int
    status: str
    facts: int
    facts_sha256: str

    def line(self) -> str:
        return f"book {self.book}: {self.status}, {self.facts:,} facts, facts_sha256 {self.facts_sha256}"


class Restored(NamedTuple):
    """What is at `target` now; `aside` are the files that were there, under their new names."""

    target: str
    books: tuple[RestoredBook, ...]
    aside: tuple[Path, ...]


def restore(file: Path, url: str, at: Nanos, key_of: KeyOf, progress: Progress) -> Restored:
    """Puts the backup `file`, and the market data beside it, where `url` says.

    Every book of it is audited and its chain verified first. A SQLite file that is there is put aside, with its market data and
    spools, even where it is damaged; a server's database must be empty. Raises UserError where the backup is not whole, or a
    book is open in another program, and changes nothing then.
    """
    if not file.is_file():
        raise UserError(f"{file} does not exist; main.py db backup makes backups")
    place = locate(url)
    if place.path is not None and place.path.exists() and os.path.samefile(file, place.path):
        raise UserError(f"{file} is the database itself; name a backup of it")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=_room(place.path)) as folder:
        copied = _copied(file, Path(folder), progress)
        books = _audited(copied, file, key_of, progress)
        if place.path is None:
            copy_database(f"sqlite:///{copied}", url, progress)
            return Restored(place.name, books, ())
        with _unused(place.path, url):
            return Restored(place.name, books, tuple(_swap(copied, place.path, at)))


def _room(path: Path | None) -> Path | None:
    """Where the backup is looked at: on the disk it is to lie on, so that it can be moved into its place."""
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot create the folder {path.parent}: {error.strerror}; name another file") from error
    return path.parent


def _copied(file: Path, folder: Path, progress: Progress) -> Path:
    """A copy of the backup, of the schema this program has, as single files."""
    copied = folder / "books.db"
    pairs = [(file, copied)] + [(source, market_beside(copied)) for source in [market_beside(file)] if source.exists()]
    for source, target in pairs:
        progress(0.0, f"checking {source.name}")
        wrong = damage(source)
        if wrong:
            raise UserError(f"{source} is damaged ({wrong}); give another backup")
        copy_file(source, target)
    url = f"sqlite:///{copied}"
    open_books(url).close()
    if len(pairs) > 1:
        open_market(url).close()
    for _, target in pairs:
        fold(target)
    return copied


def _audited(copied: Path, file: Path, key_of: KeyOf, progress: Progress) -> tuple[RestoredBook, ...]:
    with open_books(f"sqlite:///{copied}") as database:
        found = [_audit(database, book, file, key_of, progress) for book in Books(database).list()]
    fold(copied)
    return tuple(found)


def _audit(database: Database, book: BookRow, file: Path, key_of: KeyOf, progress: Progress) -> RestoredBook:
    progress(0.5, f"auditing book {book.id}")
    broken = [*audit_books(database, book.id).differences, verify(database, book.id, key_of(book)).sentence]
    first = next(filter(None, broken), "")
    if first:
        raise UserError(f"book {book.id} of {file} is not whole: {first}; give another backup")
    return RestoredBook(book.id, book.status, book.facts, facts_sha256(database, book.id))


@contextmanager
def _unused(path: Path, url: str) -> Iterator[None]:
    """Holds every book of the database there, also of one that cannot be read: who holds a book has a file locked beside it."""
    pattern = re.compile(re.escape(path.name) + r"\.book(\d+)\.lock")
    numbers = {int(found[1]) for each in path.parent.iterdir() if (found := pattern.fullmatch(each.name))}
    with ExitStack() as held, Database(locate(url)) as database:
        for number in sorted(numbers | _numbered(path)):
            held.callback(hold(database, number).release)
        yield


def _numbered(path: Path) -> set[int]:
    try:
        with closing(open_read_only(path)) as raw:
            return {int(row[0]) for row in raw.execute("SELECT id FROM books")}
    except sqlite3.Error:  # it is damaged, or not there: that is why it is restored
        return set()


def _swap(copied: Path, path: Path, at: Nanos) -> Iterator[Path]:
    """Puts the files aside and the new ones in their place. At every moment there is a whole file, the old or the new one."""
    stamp = to_datetime(at).strftime(STAMP)
    aside = path.with_name(f"{path.stem}.before-restore-{stamp}{path.suffix}")
    for source, target, name in ((market_beside(copied), market_beside(path), market_beside(aside)), (copied, path, aside)):
        if source.exists():
            yield from _put_aside(target, name)
            sync_file(source)
            os.replace(source, target)
    sync_folder(path.parent)


def _put_aside(path: Path, aside: Path) -> Iterator[Path]:
    """Gives a database and what lies beside it another name; the old name of the file itself stands until it is written over."""
    if not path.exists():
        return
    if not damage(path):  # a damaged file is put aside as it is, with its log
        fold(path)
    try:
        os.link(path, aside)
    except OSError:  # a file system without a second name for a file: for a moment there is no file under the first
        os.rename(path, aside)
    yield aside
    for beside in sorted(path.parent.glob(f"{path.name}*")):
        rest = beside.name.removeprefix(path.name)
        if re.fullmatch(r"-wal|-journal|\.book\d+\.spool", rest):
            moved = aside.with_name(aside.name + rest)
            os.rename(beside, moved)
            yield moved
        elif rest == "-shm":
            beside.unlink()
