"""Databases as their owner sees them: which schema they have, up and down, copies, and who may do what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from engine.core.errors import UserError
from engine.storage.books import Books
from engine.storage.copying import Copied, copy_database
from engine.storage.database import Database, locate, open_track, prepare
from engine.storage.lock import holding_all
from engine.storage.market import place_of
from engine.storage.migrate import BOOKS, MARKET, TRACKS, Track, losses, move, revisions, version
from engine.storage.roles import renew_rights, roles_sql
from engine.storage.tally import Progress, counted
from engine.storage.timescale import state, use

_FORM = "name a part and a version, such as market:0002 or books:base; main.py db status lists them"


class Part(NamedTuple):
    """A part of a database: `schema` is its version, None where nothing was made yet; `head` what this program needs."""

    name: str
    place: str
    schema: str | None
    head: str
    versions: tuple[str, ...]

    def line(self) -> str:
        state = {None: "not made yet", self.head: f"schema {self.schema}, up to date"}.get(self.schema, f"schema {self.schema}")
        return f"{self.name}: {state} (this program: {self.head}), {self.place}"


class Moved(NamedTuple):
    """A part whose schema was changed, and the rows that were lost on the way by table."""

    name: str
    before: str | None
    after: str | None
    lost: dict[str, int]

    def line(self) -> str:
        return (
            f"{self.name}: {self.before or 'nothing'} -> {self.after or 'nothing'}"
            if self.before != self.after
            else (f"{self.name}: {self.after}, as it was")
        )


def status(url: str) -> list[Part]:
    """The parts of the database at `url` and their schemas. Makes nothing."""
    found = []
    for track in TRACKS:
        with Database(place_of(url, track)) as database:
            current = version(database, track) if _is_there(database, track) else None
            versions = tuple(script.revision for script in revisions(track))
            found.append(Part(track.name, database.place.name, current, track.head, versions))
    return found


def upgrade(url: str, to: str | None) -> list[Moved]:
    """Migrates every part to the newest schema, or the part that `to` names to that version."""
    wanted = dict.fromkeys(TRACKS, "head") if to is None else dict([_target(to)])
    moved = []
    for track, revision in wanted.items():
        with Database(place_of(url, track)) as database:
            before = version(database, track) if _is_there(database, track) else None
            if revision == "base" or (revision != "head" and before is not None and before > revision):
                raise UserError(f"{track.name} is at {before}, past {revision}; main.py db downgrade goes down")
            open_track(database, track, revision)
            moved.append(Moved(track.name, before, version(database, track), {}))
    _renew(url)
    return moved


def timescale(url: str) -> str | None:
    """What the server knows of TimescaleDB: absent, available, installed or used; None for SQLite."""
    place = place_of(url, MARKET)
    if place.path is not None:
        return None
    with Database(place) as database:
        return state(database)


def use_timescale(url: str) -> None:
    """Makes a hypertable of the blocks of market data; UserError where the extension is not there."""
    place = place_of(url, MARKET)
    if place.path is not None:
        raise UserError(f"{place.name} is a SQLite file; --timescale is for PostgreSQL")
    with Database(place, "full") as database:
        use(database)


def roles(url: str, prefix: str) -> str:
    """SQL that gives owner, trader and reader of a PostgreSQL database the least they need."""
    place = locate(url)
    if place.path is not None:
        raise UserError(f"{place.name} is a SQLite file, which knows no users; its permissions say who may open it")
    with Database(place) as database:
        return roles_sql(str(database.rows("SELECT current_database()")[0][0]), prefix)


def downgrade(url: str, to: str, force: bool) -> Moved:
    """Takes a part of the schema down to an older version; UserError where rows would be lost, unless `force`."""
    track, revision = _target(to)
    with _unused(url), Database(place_of(url, track)) as database:
        before = version(database, track) if _is_there(database, track) else None
        if before is None or (revision != "base" and revision > before):
            raise UserError(f"{track.name} is at {before or 'nothing'}, not past {revision}; main.py db upgrade goes up")
        lost = losses(database, track, revision)
        if lost and not force:
            rows = " and ".join(f"{counted(count)} of {table}" for table, count in lost.items())
            raise UserError(f"going down to {to} would lose {rows}; copy the database first, then add --force")
        move(database, track, revision)
        return Moved(track.name, before, version(database, track), lost)


def copy(source: str, target: str, progress: Progress) -> Copied:
    """Copies a whole database to an empty one and compares both; see engine.storage.copying."""
    copied = copy_database(source, target, progress)
    _renew(target)
    return copied


def as_dict(copied: Copied) -> dict[str, Any]:
    """The copy in values that JSON holds."""
    return {
        "source": copied.source,
        "target": copied.target,
        "clean": copied.is_clean,
        "tables": [table._asdict() for table in copied.tables],
        "books": [book._asdict() for book in copied.books],
    }


def _renew(url: str) -> None:
    with Database(locate(url)) as database:
        renew_rights(database)


def _is_there(database: Database, track: Track) -> bool:
    """Whether there is something to look into; UserError for a file that is not ours."""
    path = database.place.path
    if path is not None and not path.exists():
        return False
    prepare(database, track)
    return True


@contextmanager
def _unused(url: str) -> Iterator[None]:
    """Holds every book, so that no session runs meanwhile."""
    with ExitStack() as held:
        books = held.enter_context(Database(locate(url)))
        if _is_there(books, BOOKS) and version(books, BOOKS) is not None:
            held.enter_context(holding_all(books, [book.id for book in Books(books).list()]))
        yield


def _target(to: str) -> tuple[Track, str]:
    found = re.fullmatch(r"(\w+):(\w+)", to)
    track = next((each for each in TRACKS if found and each.name == found[1]), None)
    if found is None or track is None or found[2] not in {"base", *(script.revision for script in revisions(track))}:
        raise UserError(f"{to!r} is no version of a schema; {_FORM}")
    return track, found[2]
