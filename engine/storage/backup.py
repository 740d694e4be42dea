"""Backups: whole SQLite files with a time in their name, made while sessions go on, whatever database the books are in."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from engine.core.clock import DAY, Nanos
from engine.core.errors import StoreError, UserError
from engine.storage.copying import copy_database
from engine.storage.database import Database, locate
from engine.storage.integrity import complaint, open_read_only
from engine.storage.link import said
from engine.storage.market import place_of
from engine.storage.migrate import BOOKS, MARKET, UNFINISHED, version
from engine.storage.retention import clear, market_beside, name_of, retain
from engine.storage.spool import sync_folder
from engine.storage.tally import Progress


class Backup(NamedTuple):
    """A file with all books in it, and how many facts they have; `market` is the one beside it, None where it was left out."""

    path: Path
    market: Path | None
    at: Nanos
    books: int
    facts: int

    def line(self) -> str:
        beside = f", market data in {self.market.name}" if self.market else ""
        return f"{self.path}: {_count(self.books, 'book')}, {_count(self.facts, 'fact')}{beside}"


class Kept(NamedTuple):
    """A backup that was made, and the older ones that were removed for it."""

    backup: Backup
    removed: tuple[Path, ...]


def make_backup(url: str, folder: Path, at: Nanos, keep: int | None, with_market: bool, progress: Progress) -> Kept:
    """Makes a backup, and removes all but the newest `keep` once it is there. Raises as `back_up`."""
    made = back_up(url, folder, at, with_market, progress)
    removed = retain(locate(url), folder, keep) if keep is not None else []
    return Kept(made, tuple(removed))


def back_up(url: str, folder: Path, at: Nanos, with_market: bool, progress: Progress) -> Backup:
    """Writes a backup of the database at `url` into `folder`; sessions may go on meanwhile.

    Its name appears when it is complete, on the disk, and found whole. Raises UserError for a place that cannot be used,
    StoreError where the database is damaged or the disk refuses; no backup is left then.
    """
    place = locate(url)
    path = name_of(place, folder, at)
    part = folder / f"{path.name}.part.db"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear(place, folder, at - DAY)
        if place.path is None:
            copy_database(url, f"sqlite:///{part}", progress, hot=True)
        else:
            _copy_files(url, f"sqlite:///{part}", with_market, progress)
        return _publish(part, path, at, with_market)
    except OSError as error:
        raise UserError(f"{folder} cannot hold a backup: {error.strerror}; name another folder with --to") from error
    finally:
        for left in folder.glob(f"{path.name}.part*"):
            left.unlink()


def _copy_files(url: str, target: str, with_market: bool, progress: Progress) -> None:
    for track in (MARKET, BOOKS) if with_market else (BOOKS,):
        source, into = place_of(url, track).path, place_of(target, track).path
        assert source is not None
        assert into is not None
        if source.exists():
            progress(0.0, f"copying {source.name}")
            copy_file(source, into)
        elif track is BOOKS:
            raise UserError(f"{source} does not exist; name the database to back up with --db")


def copy_file(source: Path, target: Path) -> None:
    """Copies one moment of a SQLite file, whoever writes to it meanwhile, into one without a log beside it, and checks it.

    Raises StoreError where either is not whole, or the disk is full.
    """
    try:
        with closing(open_read_only(source)) as theirs, closing(sqlite3.connect(target)) as ours:
            theirs.backup(ours)
            ours.execute("PRAGMA journal_mode = DELETE")
            wrong = complaint(ours)
    except sqlite3.Error as error:
        raise StoreError(f"{source} could not be copied to {target.parent}: {said(error)}") from error
    if wrong:
        raise StoreError(f"{source} is damaged ({wrong}), so a copy of it is worth nothing")


def _publish(part: Path, path: Path, at: Nanos, with_market: bool) -> Backup:
    """Gives a complete backup its name: the books last, because they stand for the whole."""
    books, facts = _counted(part)
    market, beside = market_beside(part), market_beside(path)
    if not with_market:
        market.unlink(missing_ok=True)
    has_market = market.exists()
    for source, target in ((market, beside), (part, path)) if has_market else ((part, path),):
        fold(source)
        sync_file(source)
        os.replace(source, target)
    sync_folder(path.parent)
    return Backup(path, beside if has_market else None, at, books, facts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _counted(path: Path) -> tuple[int, int]:
    """Books and facts of a backup. StoreError where a book does not have the facts it says it has."""
    with Database(locate(f"sqlite:///{path}")) as database:
        current = version(database, BOOKS)
        if current is None or current.startswith(UNFINISHED):
            raise UserError("there are no books to back up: the database was never used, or holds half a copy")
        rows = database.rows(
            "SELECT id, facts, (SELECT count(*) FROM facts WHERE book_id = id), (SELECT coalesce(max(seq), 0) FROM facts "
            "WHERE book_id = id) FROM books"
        )
    for book, told, counted, last in rows:
        if not told == counted == last:
            raise StoreError(
                f"book {book} says it has {told} facts and has {counted}, up to fact {last}; main.py audit verify looks"
            )
    return len(rows), sum(row[1] for row in rows)


def fold(path: Path) -> None:
    """Folds the log beside a file into it, so that the file alone is everything."""
    try:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreError(f"{path} could not be completed: {said(error)}") from error


def sync_file(path: Path) -> None:
    """The file's bytes are on the disk when it returns."""
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
