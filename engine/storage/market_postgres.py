"""Market data on PostgreSQL: one row each, in and out by binary COPY."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import BAR_COLUMNS, Ints
from engine.storage.columns import NOTHING, QUOTE_COLUMNS, Matrix, WriteResult, ordinals, times
from engine.storage.database import Database
from engine.storage.link import PostgresLink
from engine.storage.market import TICK, Coverage, Series
from engine.storage.versions import VALUES, Origin, Versions

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


class PostgresMarket:
    """`engine.storage.market.Backend` over the schema `market` and one connection."""

    def __init__(self, database: Database) -> None:
        database.close()
        link = database.link()
        assert isinstance(link, PostgresLink)
        self._link = link
        self._lock = Lock()
        self._versions = Versions(link, "market.")

    def write(self, series: Series, source: str, data: Matrix, replace: bool, origin: Origin | None = None) -> WriteResult:
        table, names = _table(series)
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            self._link.rows(f"CREATE TEMPORARY TABLE incoming (LIKE {table}) ON COMMIT DROP")
            self._copy_in(names, number, data)
            result = self._compare(table, names, data.shape[1])
            self._note(number, origin, result, replace, (table, names))
            clash = f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}" if replace else "NOTHING"
            self._link.rows(f"INSERT INTO {table} SELECT * FROM incoming ON CONFLICT (series_id, at, n) DO {clash}")
            self._link.rows("UPDATE market.series SET rows = rows + ? WHERE id = ?", (result.added, number))
        return result

    def _note(
        self, number: int, origin: Origin | None, result: WriteResult, replace: bool, place: tuple[str, tuple[str, ...]]
    ) -> None:
        """Keeps the values that will lose, and the import; the same file once more leaves no second trace."""
        changed = result.added or (replace and result.changed)
        if origin is None or (self._versions.known(number, origin) and not changed):
            entry = None
        else:
            entry = self._versions.note(number, origin, result)
        if result.changed and (replace or entry is not None):
            table, names = place
            loser, kind = ("s", "replaced") if replace else ("i", "offered")
            differ = f"({', '.join(f's.{name}' for name in names)}) IS DISTINCT FROM ({', '.join(f'i.{name}' for name in names)})"
            self._link.rows(
                f"INSERT INTO market.revisions (series_id, import_id, kind, at, n, {', '.join(VALUES[: len(names)])}) "
                f"SELECT i.series_id, ?::bigint, ?, i.at, i.n, {', '.join(f'{loser}.{name}' for name in names)} "
                f"FROM incoming i JOIN {table} s USING (series_id, at, n) WHERE {differ}",
                (entry, kind),
            )

    def remove(self, series: Series, source: str, at: Ints, origin: Origin) -> int:
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            entry = self._versions.note(number, origin, NOTHING)
            names = BAR_COLUMNS[1:]
            gone = self._link.rows(
                "WITH gone AS (DELETE FROM market.bars WHERE series_id = ? AND at = ANY(?) RETURNING *), "
                f"kept AS (INSERT INTO market.revisions (series_id, import_id, kind, at, n, {', '.join(VALUES)}) "
                f"SELECT series_id, ?::bigint, 'removed', at, n, {', '.join(names)} FROM gone) SELECT count(*) FROM gone",
                (number, at.tolist(), entry),
            )
            removed = int(gone[0][0])
            self._link.rows("UPDATE market.series SET rows = rows - ? WHERE id = ?", (removed, number))
        return removed

    def versions(self) -> tuple[Versions, Lock]:
        return self._versions, self._lock

    def _number(self, series: Series, source: str) -> int:
        key = (series.symbol, series.timeframe, source)
        self._link.rows(
            "INSERT INTO market.series (symbol, timeframe, source, rows) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING", key
        )
        found = self._link.rows("SELECT id FROM market.series WHERE symbol = ? AND timeframe = ? AND source = ? FOR UPDATE", key)
        return int(found[0][0])

    def _copy_in(self, names: tuple[str, ...], number: int, data: Matrix) -> None:
        rows = np.zeros(data.shape[1], _wire(("series_id", "at", "n"), names))
        rows["fields"] = 3 + len(names)
        for name in ("series_id", "at", "n", *names):
            rows[f"{name} size"] = 8
        rows["series_id"], rows["at"], rows["n"] = number, times(data), ordinals(times(data))
        for name, values in zip(names, data[1:], strict=True):
            rows[name] = values
        columns = ", ".join(("series_id", "at", "n", *names))
        with self._link.raw.cursor() as cursor, cursor.copy(f"COPY incoming ({columns}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(_SIGNATURE + rows.tobytes() + _TRAILER)

    def _compare(self, table: str, names: tuple[str, ...], total: int) -> WriteResult:
        stored = ", ".join(f"s.{name}" for name in names)
        incoming = ", ".join(f"i.{name}" for name in names)
        met, changed = self._link.rows(
            f"SELECT count(*), count(*) FILTER (WHERE ({stored}) IS DISTINCT FROM ({incoming})) "
            f"FROM incoming i JOIN {table} s USING (series_id, at, n)"
        )[0]
        return WriteResult(total - met, met - changed, changed)

    def read(self, series: Series, height: int, start: Nanos, end: Nanos, source: str | None) -> Matrix:
        table, names = _table(series)
        key = {"symbol": series.symbol, "timeframe": series.timeframe, "source": source, "start": start, "end": end}
        query: Any = (
            f"COPY (SELECT at, {', '.join(names)} FROM {table} WHERE at >= %(start)s AND at < %(end)s AND series_id = ("
            "SELECT id FROM market.series WHERE symbol = %(symbol)s AND timeframe = %(timeframe)s "
            "AND source = coalesce(%(source)s::text, source) ORDER BY rows DESC, source LIMIT 1) ORDER BY at, n) "
            "TO STDOUT (FORMAT binary)"
        )
        with self._lock, self._link.mapped(), self._link.raw.cursor() as cursor, cursor.copy(query, key) as copy:
            data = b"".join(copy)
        rows = np.frombuffer(data[len(_SIGNATURE) : -len(_TRAILER)], _wire(("at",), names))
        matrix = np.empty((height, len(rows)))
        times(matrix)[:] = rows["at"]
        for row, name in enumerate(names, start=1):
            matrix[row] = rows[name]
        return matrix

    def coverage(self) -> list[Coverage]:
        with self._lock:
            found = self._link.rows(
                "SELECT symbol, timeframe, source, least(b.first, q.first), greatest(b.last, q.last), rows FROM market.series, "
                "LATERAL (SELECT min(at) AS first, max(at) AS last FROM market.bars WHERE series_id = id) b, "
                "LATERAL (SELECT min(at) AS first, max(at) AS last FROM market.quotes WHERE series_id = id) q WHERE rows > 0"
            )
        return [Coverage(*row) for row in found]

    def close(self) -> None:
        with self._lock:
            self._link.close()


def _table(series: Series) -> tuple[str, tuple[str, ...]]:
    """The table a series lives in and its value columns."""
    if series.timeframe == TICK:
        return "market.quotes", QUOTE_COLUMNS[1:]
    return "market.bars", BAR_COLUMNS[1:]


def _wire(integers: tuple[str, ...], floats: tuple[str, ...]) -> np.dtype[np.void]:
    """A row in COPY's binary format: the number of fields, then for each its size in bytes and its value, big-endian."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name in (*integers, *floats):
        layout += [(f"{name} size", ">i4"), (name, ">i8" if name in integers else ">f8")]
    return np.dtype(layout)
