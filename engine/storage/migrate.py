"""Schemas and their versions. Alembic is imported only when a database is not up to date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import StoreError, UserError
from engine.storage.link import refused

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import Script

    from engine.storage.database import Database

VERSION_TABLE = "schema_version"
UNFINISHED = "copying"
"""Stands before the version while a copy is being made, so that no program takes half a copy for the whole."""


@dataclass(frozen=True, slots=True)
class Track:
    """A line of migrations: `folder` holds them, `head` is the newest, `schema` where PostgreSQL keeps its tables.

    A new SQLite file gets pages of `page_size` bytes.
    """

    folder: Path
    head: str
    schema: str | None
    page_size: int

    @property
    def name(self) -> str:
        return self.folder.name

    def version_table(self, sqlite: bool) -> str:
        return VERSION_TABLE if sqlite or self.schema is None else f"{self.schema}.{VERSION_TABLE}"


_HERE = Path(__file__).parent / "migrations"
BOOKS = Track(_HERE / "books", head="0004", schema=None, page_size=4_096)
MARKET = Track(_HERE / "market", head="0004", schema="market", page_size=32_768)
TRACKS = (BOOKS, MARKET)


def bring_up_to(database: Database, track: Track, revision: str = "head") -> None:
    """Migrates to the newest schema, or `revision`.

    Raises StoreError when the database is newer than this program or refuses, UserError when it holds an unfinished copy or
    its user may not migrate.
    """
    found = version(database, track)
    if found is not None and found.startswith(UNFINISHED):
        raise UserError(
            f"{database.place.name} holds a copy that was not finished; run main.py db copy once more, or name another database"
        )
    if found != (track.head if revision == "head" else revision):
        move(database, track, revision)


def version(database: Database, track: Track) -> str | None:
    """The schema version the database is at; None for a database without our tables."""
    table = track.version_table(database.is_sqlite)
    found = database.rows(f"SELECT version_num FROM {table}") if _has(database, table) else []
    return str(found[0][0]) if found else None


def move(database: Database, track: Track, revision: str) -> None:
    """Migrates up or down to `revision` ("head", "base" or a version), all of it or nothing. Raises as `bring_up_to`."""
    from alembic import command
    from sqlalchemy.exc import DBAPIError

    current = version(database, track)
    going_down = revision != "head" and (revision == "base" or (current or "") > revision)
    _known(database, track, current)
    _permitted(database, track, current)
    config = _config(track)
    try:
        with database.engine.begin() as connection:
            config.attributes.update(connection=connection, schema=None if database.is_sqlite else track.schema)
            (command.downgrade if going_down else command.upgrade)(config, revision)
    except DBAPIError as error:
        raise refused(f"{database.place.name} could not be migrated to schema {revision}", error.orig or error) from error


def revisions(track: Track) -> list[Script]:
    """Every migration of a track, the first one first."""
    from alembic.script import ScriptDirectory

    return list(ScriptDirectory.from_config(_config(track)).walk_revisions())[::-1]


def losses(database: Database, track: Track, revision: str) -> dict[str, int]:
    """What going down to `revision` would lose: rows by table, without the empty ones."""
    current, found = version(database, track) or "", dict[str, int]()
    prefix = "" if database.is_sqlite or track.schema is None else f"{track.schema}."
    for script in revisions(track):
        if (revision == "base" or script.revision > revision) and script.revision <= current:
            for table in script.module.LOSES:
                if _has(database, prefix + table):
                    found[table] = int(database.rows(f"SELECT count(*) FROM {prefix}{table}")[0][0])
    return {table: rows for table, rows in found.items() if rows}


def _has(database: Database, table: str) -> bool:
    if database.is_sqlite:
        return bool(database.rows("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)))
    return bool(database.rows("SELECT 1 WHERE to_regclass(?) IS NOT NULL", (table,)))


def _known(database: Database, track: Track, current: str | None) -> None:
    if current is not None and current not in {script.revision for script in revisions(track)}:
        raise StoreError(
            f"{database.place.name} has schema {current} and this program knows only up to {track.head}; "
            "use the newer version of NiceGold Terminal that wrote it, or name another database"
        )


def _permitted(database: Database, track: Track, current: str | None) -> None:
    """On PostgreSQL: that the user is the tables' owner, or may make them. UserError names who is."""
    if database.is_sqlite:
        return
    if current is not None:
        owner, may = database.rows(
            "SELECT pg_get_userbyid(relowner), pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass(?)",
            (track.version_table(sqlite=False),),
        )[0]
    else:
        owner, may = database.rows(
            "SELECT pg_get_userbyid(datdba), coalesce(has_schema_privilege((SELECT oid FROM pg_namespace "
            "WHERE nspname = coalesce(?::text, current_schema())), 'CREATE'), has_database_privilege(oid, 'CREATE')) "
            "FROM pg_database WHERE datname = current_database()",
            (track.schema,),
        )[0]
    if not may:
        has = f"has schema {track.name}:{current} and this program needs {track.head}" if current else "has no tables yet"
        raise UserError(
            f"{database.place.name} {has}, and the user it was opened as may not change that; its owner {owner} has to run "
            f"main.py db upgrade --db {database.place.name.replace('://', f'://{owner}@')}"
        )


def _config(track: Track) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(track.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
