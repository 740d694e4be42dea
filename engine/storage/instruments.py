"""The owner's edits of instruments: every one a new version, none ever changed. Version 0 is the file as shipped."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Nanos
from engine.core.errors import StoreError, UserError
from engine.storage.database import Database, locate
from engine.storage.link import Row
from engine.storage.migrate import BOOKS, version

_COLUMNS = "symbol, version, valid_from, definition, sha256, reason, at"
_SINCE = "0002"


@dataclass(frozen=True, slots=True)
class InstrumentVersion:
    """A stored definition: `definition` is canonical JSON and `sha256` its hash.

    In force from `valid_from` (ns UTC) until a later version is; `symbol` carries the profile, as in XAUUSD@ib.
    """

    symbol: str
    version: int
    valid_from: Nanos
    definition: str
    sha256: str
    reason: str
    at: Nanos


class InstrumentVersions:
    """Reads and adds versions in an open database of books."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(self, symbol: str, at: Nanos) -> InstrumentVersion | None:
        """The version in force at `at`; None while the instrument is as shipped."""
        found = self._database.rows(
            f"SELECT {_COLUMNS} FROM instruments WHERE symbol = ? AND valid_from <= ? ORDER BY version DESC LIMIT 1", (symbol, at)
        )
        return _version(found[0]) if found else None

    def history(self, symbol: str | None = None) -> list[InstrumentVersion]:
        """All versions, of one instrument or of all, the oldest first."""
        where, values = ("WHERE symbol = ?", (symbol,)) if symbol else ("", ())
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM instruments {where} ORDER BY symbol, version", values)
        return [_version(row) for row in rows]

    def add(
        self, symbol: str, follows: int, valid_from: Nanos, definition: str, sha256: str, reason: str, at: Nanos
    ) -> InstrumentVersion:
        """The version after `follows`; UserError when another program has added that one meanwhile."""
        row = self._database.rows(
            f"INSERT INTO instruments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING {_COLUMNS}",
            (symbol, follows + 1, valid_from, definition, sha256, reason, at),
        )
        if not row:
            raise UserError(f"{symbol} was changed by another program meanwhile; look at its history and change it again")
        return _version(row[0])

    def holders(self, symbol: str) -> list[int]:
        """The unfinished books that hold a position in the symbol."""
        rows = self._database.rows(
            "SELECT b.id FROM books b JOIN v_positions p ON p.book_id = b.id "
            "WHERE b.status = 'open' AND p.symbol = ? AND p.quantity <> 0 ORDER BY b.id",
            (symbol,),
        )
        return [int(row[0]) for row in rows]


def current_version(url: str, symbol: str, at: Nanos) -> InstrumentVersion | None:
    """The version in force in the books at `url`, which are neither made nor migrated for the question."""
    place = locate(url)
    if place.path is not None and not place.path.exists():
        return None
    with Database(place) as database:
        try:
            return InstrumentVersions(database).current(symbol, at)
        except StoreError:
            found = version(database, BOOKS)
            if found is None or found < _SINCE:
                return None
            raise


def _version(row: Row) -> InstrumentVersion:
    return InstrumentVersion(*row)
