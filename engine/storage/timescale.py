"""TimescaleDB, where a server has it: the blocks of market data as a hypertable, when their owner asks for it.

Market data lies in blocks, a day of minute bars in a row, so a hypertable makes no query quicker: there are some 250 rows a
year and series, found by the primary key. What it brings is upkeep by age: chunks of a year that are dropped, moved or
backed up whole, which counts where ticks of many instruments pile up. Facts and revisions are never dropped by age and stay
plain tables.
"""

from __future__ import annotations

from typing import Literal

from engine.core.clock import DAY
from engine.core.errors import UserError
from engine.storage.database import Database

State = Literal["absent", "available", "installed", "used"]

CHUNK = 365 * DAY
"""The time (ns) a chunk spans."""
MAKE = (
    f"SELECT create_hypertable('market.blocks', 'start', chunk_time_interval => {CHUNK}::bigint, "
    "migrate_data => true, if_not_exists => true)"
)
_HYPERTABLE = (
    "SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_schema = 'market' AND hypertable_name = 'blocks'"
)


def state(database: Database) -> State:
    """Absent from the server; available to it; installed in this database; or used by it already."""
    found = database.rows("SELECT installed_version IS NOT NULL FROM pg_available_extensions WHERE name = 'timescaledb'")
    if not found:
        return "absent"
    if not found[0][0]:
        return "available"
    return "used" if database.rows(_HYPERTABLE) else "installed"


def use(database: Database) -> None:
    """Makes the blocks a hypertable, which they may be already. UserError where the extension is not there."""
    now = state(database)
    if now == "absent":
        raise UserError(f"the server of {database.place.name} has no TimescaleDB; nothing needs it, so leave --timescale out")
    if now == "available":
        raise UserError(f"TimescaleDB is not in {database.place.name} yet; run CREATE EXTENSION timescaledb there first")
    if now == "installed":
        link = database.link()
        try:
            with link.transaction():
                link.rows("LOCK TABLE market.series IN SHARE ROW EXCLUSIVE MODE")  # rows that move are checked against it
                link.rows(MAKE)
        finally:
            link.close()
