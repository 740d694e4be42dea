"""Who may do what on PostgreSQL: the owner migrates, the trader is the program, the reader makes reports.

The journal is append-only by right as well as by trigger: the trader may add facts and neither change nor remove one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.core.errors import UserError
from engine.storage.database import Database
from engine.storage.migrate import MARKET, TRACKS
from engine.storage.tables import TABLES, VIEWS

_HEAD = """\
-- Least rights for NiceGold Terminal in {database}: {owner} migrates, {trader} is the program, {reader} makes reports.
-- Run it once as the server's administrator, before or after the tables are made; it may be run again at any time:
--     main.py db roles --db URL | psql URL
-- From then on {owner} runs main.py db upgrade, which also renews the rights on the tables.
-- It holds no passwords: give each role one with \\password, or let pg_hba.conf say how they are known.
"""
_PREFIX = r"[a-z_][a-z0-9_]{0,40}"
_ROLE = "    IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} LOGIN; END IF;"
_GRANTS = """\
    IF to_regclass('{place}') IS NOT NULL THEN
        ALTER TABLE {place} OWNER TO {owner};
        REVOKE ALL ON {place} FROM PUBLIC, {trader}, {reader};
        GRANT {rights} ON {place} TO {trader};
        GRANT SELECT ON {place} TO {reader};
    END IF;"""
_GUARD = """\
    IF to_regproc('{guard}') IS NOT NULL THEN
        ALTER FUNCTION {guard}() OWNER TO {owner};
    END IF;"""
_GUARDS = ("facts_are_append_only", "facts_may_be_erased")


def roles_sql(database: str, prefix: str) -> str:
    """SQL that makes the roles PREFIX_owner, PREFIX_trader and PREFIX_reader of a database and gives each what it needs.

    Raises UserError for a prefix that is no plain name.
    """
    if not re.fullmatch(_PREFIX, prefix):
        raise UserError(f"--prefix {prefix!r} is no name for roles; use small letters, digits and _")
    names = _names(prefix)
    place = '"' + database.replace('"', '""') + '"'
    lines = [_HEAD.format(database=place, **names), "DO $$ BEGIN"]
    lines += [_ROLE.format(role=role) for role in names.values()]
    lines += ["END $$;", "", *_access(place, **names), "", *_tables(names)]
    return "\n".join(lines) + "\n"


def renew_rights(database: Database) -> str | None:
    """Gives trader and reader their rights on tables that are new; the prefix, or None where the user owns no such roles."""
    if database.is_sqlite:
        return None
    user = str(database.rows("SELECT current_user")[0][0])
    prefix = user.removesuffix("_owner")
    if prefix == user or not re.fullmatch(_PREFIX, prefix):
        return None
    names = _names(prefix)
    there = "SELECT to_regrole(?) IS NOT NULL AND to_regrole(?) IS NOT NULL"
    if not database.rows(there, (names["trader"], names["reader"]))[0][0]:
        return None
    database.rows("\n".join(_tables(names)))
    return prefix


def _names(prefix: str) -> dict[str, str]:
    return {role: f"{prefix}_{role}" for role in ("owner", "trader", "reader")}


def _access(place: str, owner: str, trader: str, reader: str) -> Iterator[str]:
    yield f"REVOKE ALL ON DATABASE {place} FROM PUBLIC;"
    yield f"GRANT CONNECT, CREATE ON DATABASE {place} TO {owner};"
    yield f"GRANT CONNECT ON DATABASE {place} TO {trader}, {reader};"
    yield f"CREATE SCHEMA IF NOT EXISTS {MARKET.schema} AUTHORIZATION {owner};"
    yield f"ALTER SCHEMA {MARKET.schema} OWNER TO {owner};"
    for schema in ("public", str(MARKET.schema)):
        yield f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;"
        yield f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner};"
        yield f"GRANT USAGE ON SCHEMA {schema} TO {trader}, {reader};"


def _tables(names: dict[str, str]) -> Iterator[str]:
    yield "DO $$ BEGIN"
    for table in TABLES:
        yield _GRANTS.format(place=table.place(sqlite=False), rights=", ".join(filter(None, ("SELECT", table.trader))), **names)
    for place in (*VIEWS, *(track.version_table(sqlite=False) for track in TRACKS)):
        yield _GRANTS.format(place=place, rights="SELECT", **names)
    yield from (_GUARD.format(guard=guard, **names) for guard in _GUARDS)
    yield "END $$;"
