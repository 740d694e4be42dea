"""Schemas and their versions. Alembic is imported only when a database is not up to date."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.errors import StoreError
from engine.storage.link import said

if TYPE_CHECKING:
    from alembic.config import Config

    from engine.storage.database import Database

VERSION_TABLE = "schema_version"


@dataclass(frozen=True, slots=True)
class Track:
    """A line of migrations: `folder` holds them, `head` is the newest, `schema` where PostgreSQL keeps its tables."""

    folder: Path
    head: str
    schema: str | None

    def version_table(self, sqlite: bool) -> str:
        return VERSION_TABLE if sqlite or self.schema is None else f"{self.schema}.{VERSION_TABLE}"


_HERE = Path(__file__).parent / "migrations"
BOOKS = Track(_HERE / "books", head="0001", schema=None)
MARKET = Track(_HERE / "market", head="0004", schema="market")


def bring_up_to_date(database: Database, track: Track) -> None:
    """Migrates to the newest schema. Raises StoreError when the database is newer than this program or refuses."""
    if version(database, track) != track.head:
        move(database, track, "head")


def version(database: Database, track: Track) -> str | None:
    """The schema version the database is at; None for a database without our tables."""
    table = track.version_table(database.is_sqlite)
    if database.is_sqlite:
        present = database.rows("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
    else:
        present = database.rows("SELECT 1 WHERE to_regclass(?) IS NOT NULL", (table,))
    found = database.rows(f"SELECT version_num FROM {table}") if present else []
    return str(found[0][0]) if found else None


def move(database: Database, track: Track, revision: str) -> None:
    """Migrates up or down to `revision` ("head", "base" or a version), all of it or nothing."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from sqlalchemy.exc import DBAPIError

    config = _config(track)
    current = version(database, track)
    scripts = ScriptDirectory.from_config(config)
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreError(
            f"{database.place.name} has schema {current} and this program knows only up to {track.head}; "
            "use the newer version of NiceGold Terminal that wrote it, or name another database"
        )
    going_down = revision != "head" and (revision == "base" or (current or "") > revision)
    try:
        with database.engine.begin() as connection:
            config.attributes.update(connection=connection, schema=None if database.is_sqlite else track.schema)
            (command.downgrade if going_down else command.upgrade)(config, revision)
    except DBAPIError as error:
        raise StoreError(f"{database.place.name} could not be migrated to schema {revision}: {said(error)}") from error


def _config(track: Track) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(track.folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
