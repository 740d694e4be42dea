"""A whole database into another, SQLite or PostgreSQL on either side, row for row, in constant memory.

The target's schema version reads "copying …" from the first row until everything was read back and found equal: no program
opens half a copy, and the next copy begins afresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from engine.core.errors import StoreError, UserError
from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.bulk import copy_in, copy_out
from engine.storage.database import Database, locate, open_track, prepare
from engine.storage.journal import facts_sha256
from engine.storage.link import Link, Row, SqliteLink
from engine.storage.lock import hold, holding_all
from engine.storage.market import place_of
from engine.storage.migrate import BOOKS, MARKET, TRACKS, UNFINISHED, Track, move, version
from engine.storage.snapshot import snapshot
from engine.storage.tables import TABLES, Table
from engine.storage.tally import CopiedTable, Progress, Tally

_COPY_LOCK = 0
"""Locks are numbered by book; there is no book 0."""


class CopiedBook(NamedTuple):
    """A book that is alike on both sides, and how many differences its audit found in the copy."""

    book: int
    status: str
    facts: int
    facts_sha256: str
    differences: int

    def line(self) -> str:
        sound = f"{self.differences} differences in its audit" if self.differences else "adds up"
        return f"book {self.book}: {self.status}, {self.facts:,} facts, {sound}, facts_sha256 {self.facts_sha256}"


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied and compared."""

    source: str
    target: str
    tables: tuple[CopiedTable, ...]
    books: tuple[CopiedBook, ...]

    @property
    def is_clean(self) -> bool:
        return not any(book.differences for book in self.books)


def copy_database(source: str, target: str, progress: Progress, hot: bool = False) -> Copied:
    """Copies books and market data of `source` to `target`, which must be empty, and compares both.

    A source whose books are open elsewhere is refused, unless `hot`: then its books are copied as they stood at one moment.

    Raises UserError where one of them cannot be used or a book is open elsewhere, StoreError when a side fails on the way;
    what is at the target then is known as unfinished.
    """
    with ExitStack() as opened:
        sources = {track: opened.enter_context(database) for track, database in _sources(source).items()}
        links = _seen_at_once(sources, opened, hot)
        targets = {track: opened.enter_context(Database(place_of(target, track), "full")) for track in TRACKS}
        _begin(targets, opened)
        tally = Tally(sum(_count(links[table.track], table, sources) for table in TABLES if table.track in links), progress)
        for track in links:
            _fill(track, links[track], targets[track], tally)
        tables, books = _compare(targets, tally)
        _finish(targets)
    return Copied(locate(source).name, locate(target).name, tables, books)


def _sources(url: str) -> dict[Track, Database]:
    """The databases that are there. Books that were never opened, or market data that was never imported, are none."""
    found = {}
    for track in TRACKS:
        database = Database(place_of(url, track))
        if database.place.path is not None and not database.place.path.exists():
            continue
        prepare(database, track)
        current = version(database, track)
        if current is None:
            database.close()
        elif current == track.head:
            found[track] = database
        else:
            database.close()
            unfinished = current.startswith(UNFINISHED)
            what = "holds a copy that was not finished" if unfinished else f"has schema {track.name}:{current}, not {track.head}"
            remedy = "copy from where it came" if unfinished else f"run main.py db upgrade --db {database.place.name} first"
            raise UserError(f"{database.place.name} {what}; {remedy}")
    if not found:
        raise UserError(f"{locate(url).name} holds neither books nor market data; name the database to copy from")
    return found


def _seen_at_once(sources: dict[Track, Database], opened: ExitStack, hot: bool) -> dict[Track, Link]:
    """A link to each source that sees one moment of it, in which no book is open elsewhere, unless `hot`."""
    held: list[int] = []
    if BOOKS in sources and not hot:
        held = [book.id for book in Books(sources[BOOKS]).list()]
        opened.enter_context(holding_all(sources[BOOKS], held))
    links = {track: opened.enter_context(snapshot(database)) for track, database in sources.items()}
    if BOOKS in links and not hot and [row[0] for row in links[BOOKS].rows("SELECT id FROM books ORDER BY id")] != held:
        raise UserError(f"a session was begun in {sources[BOOKS].place.name} meanwhile; copy it when that has ended")
    return links


def _begin(targets: dict[Track, Database], opened: ExitStack) -> None:
    """Sees that the target is empty, or an unfinished copy, and marks it as unfinished."""
    for track, database in targets.items():
        prepare(database, track)
    books = targets[BOOKS]
    opened.callback(hold(books, _COPY_LOCK, f"{books.place.name} is being copied to by another program; let it finish").release)
    _wipe(targets)
    for track, database in targets.items():
        open_track(database, track)
    for table in TABLES:
        if targets[table.track].rows(f"SELECT 1 FROM {table.place(books.is_sqlite)} LIMIT 1"):
            raise UserError(f"{books.place.name} is not empty: it has {table.name}; name a new database to copy to")
    _mark_all(targets, {track: f"{UNFINISHED} {track.head}" for track in targets})


def _wipe(targets: dict[Track, Database]) -> None:
    """Takes an unfinished copy away, and nothing else. Where the books are marked, the market data lost its mark first."""
    marks = {track: version(database, track) or "" for track, database in targets.items()}
    for track in (MARKET, BOOKS):
        if marks[track] and any(marks[each].startswith(UNFINISHED) for each in (track, BOOKS)):
            database = targets[track]
            _mark(database, track, marks[track].removeprefix(UNFINISHED).strip(), database.is_sqlite)
            move(database, track, "base")


def _mark_all(targets: dict[Track, Database], marks: dict[Track, str]) -> None:
    """Marks both tracks, the books last: in one transaction on PostgreSQL; on SQLite, two files, one after the other."""
    if targets[BOOKS].is_sqlite:
        for track in (MARKET, BOOKS):
            _mark(targets[track], track, marks[track], sqlite=True)
        return
    link = targets[BOOKS].link()
    try:
        with link.transaction():
            for track in (MARKET, BOOKS):
                _mark(link, track, marks[track], sqlite=False)
    finally:
        link.close()


def _mark(target: Database | Link, track: Track, mark: str, sqlite: bool) -> None:
    target.rows(f"UPDATE {track.version_table(sqlite)} SET version_num = ?", (mark,))


def _count(link: Link, table: Table, sources: dict[Track, Database]) -> int:
    return int(link.rows(f"SELECT count(*) FROM {table.place(sources[table.track].is_sqlite)}")[0][0])


def _fill(track: Track, source: Link, target: Database, tally: Tally) -> None:
    """Copies the tables of a track in one transaction."""
    link = target.link()
    try:
        with link.transaction():
            for table in (each for each in TABLES if each.track is track):
                names = _columns(link, table, target.is_sqlite)
                rows = _ordered(source, table, names)
                copy_in(link, table.place(target.is_sqlite), names, tally.watch(table, names, rows, "copied"))
                if table.key == ("id",) and not target.is_sqlite:
                    place = table.place(sqlite=False)
                    link.rows(f"SELECT setval(pg_get_serial_sequence('{place}', 'id'), max(id)) FROM {place} HAVING max(id) > 0")
    finally:
        link.close()


def _columns(link: Link, table: Table, sqlite: bool) -> tuple[str, ...]:
    query = (
        f"SELECT name FROM pragma_table_info('{table.name}') ORDER BY cid"
        if sqlite
        else "SELECT attname FROM pg_attribute "
        f"WHERE attrelid = '{table.place(sqlite)}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return tuple(row[0] for row in link.rows(query))


def _ordered(link: Link, table: Table, names: Sequence[str]) -> Iterator[Row]:
    return copy_out(link, table.place(isinstance(link, SqliteLink)), names, table.key)


def _compare(targets: dict[Track, Database], told: Tally) -> tuple[tuple[CopiedTable, ...], tuple[CopiedBook, ...]]:
    """Reads the target back; StoreError where it differs from what was read at the source."""
    seen = Tally(told.total, told.progress, done=told.done)
    for table in TABLES:
        database = targets[table.track]
        link = database.link()
        try:
            names = _columns(link, table, database.is_sqlite)
            for _ in seen.watch(table, names, _ordered(link, table, names), "compared"):
                pass
        finally:
            link.close()
        if seen.tables[table.name] != told.tables.get(table.name, seen.tables[table.name]):
            raise StoreError(f"{database.place.name}: {table.name} is not what was copied; nothing of it may be used")
    return tuple(seen.tables.values()), tuple(_books(targets[BOOKS], told))


def _books(target: Database, told: Tally) -> Iterator[CopiedBook]:
    for book in Books(target).list():
        told.progress(1.0, f"auditing book {book.id}")
        digest = facts_sha256(target, book.id)
        if digest != told.facts.get(book.id, sha256()).hexdigest():
            raise StoreError(f"{target.place.name}: the facts of book {book.id} are not what was copied")
        yield CopiedBook(book.id, book.status, book.facts, digest, len(audit_books(target, book.id).differences))


def _finish(targets: dict[Track, Database]) -> None:
    """Takes the marks away, that of the books last: while it stands the whole copy is unfinished."""
    _mark_all(targets, {track: track.head for track in targets})
