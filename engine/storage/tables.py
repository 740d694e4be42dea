"""Every table: in which order a copy fills them, by which key their rows are ordered, and what the trading program may do.

A table that a migration adds gets its line here; a test compares this list with the schema.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.storage.migrate import BOOKS, MARKET, Track


class Table(NamedTuple):
    """A table of `track`. `trader` are the rights the trading program needs beside SELECT, or ""."""

    track: Track
    name: str
    key: tuple[str, ...]
    trader: str

    def place(self, sqlite: bool) -> str:
        """Its name in a statement."""
        return self.name if sqlite or self.track.schema is None else f"{self.track.schema}.{self.name}"


TABLES = (
    Table(BOOKS, "books", ("id",), "INSERT, UPDATE (cursor, cursor_at, facts, seal, status, summary)"),
    Table(BOOKS, "facts", ("book_id", "seq"), "INSERT"),
    Table(BOOKS, "erasures", ("book_id", "seq"), ""),
    Table(BOOKS, "instruments", ("symbol", "version"), "INSERT"),
    Table(MARKET, "series", ("id",), "INSERT, UPDATE (rows)"),
    Table(MARKET, "blocks", ("series_id", "start"), "INSERT, UPDATE, DELETE"),
    Table(MARKET, "imports", ("id",), "INSERT, UPDATE (undone_at)"),
    Table(MARKET, "additions", ("import_id",), "INSERT, DELETE"),
    Table(MARKET, "revisions", ("id",), "INSERT, DELETE"),
)
"""Those that others refer to come first."""
VIEWS = ("v_orders", "v_fills", "v_positions", "v_account")
