"""Market data on SQLite: blocks of packed columns, a day of M1 bars or an hour of quotes in each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from threading import Lock

import numpy as np

from engine.core.clock import Nanos
from engine.storage.columns import NOTHING, Matrix, WriteResult, merge, times
from engine.storage.database import Database
from engine.storage.link import SqliteLink
from engine.storage.market import Coverage, Series

_CHECKPOINT_PAGES = 500


class SqliteMarket:
    """`engine.storage.market.Backend` over a SQLite file and one connection."""

    def __init__(self, database: Database) -> None:
        database.close()
        link = database.link()
        assert isinstance(link, SqliteLink)
        link.rows(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._link = link
        self._lock = Lock()

    def write(self, series: Series, source: str, data: Matrix, replace: bool) -> WriteResult:
        result = NOTHING
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            for start, part in _blocks(data, series.span):
                result += self._write_block(number, start, part, replace)
            self._link.rows("UPDATE series SET rows = rows + ? WHERE id = ?", (result.added, number))
        return result

    def _write_block(self, number: int, start: Nanos, part: Matrix, replace: bool) -> WriteResult:
        found = self._link.rows("SELECT data FROM blocks WHERE series_id = ? AND start = ?", (number, start))
        result = WriteResult(part.shape[1], 0, 0)
        if found:
            part, result = merge(_unpacked(found[0][0], len(part)), part, replace)
        if result.added or (replace and result.changed):
            at = times(part)
            self._link.rows(
                "INSERT OR REPLACE INTO blocks (series_id, start, first, last, rows, data) VALUES (?, ?, ?, ?, ?, ?)",
                (number, start, int(at[0]), int(at[-1]), len(at), part.tobytes()),
            )
        return result

    def _number(self, series: Series, source: str) -> int:
        key = (series.symbol, series.timeframe, source)
        self._link.rows("INSERT OR IGNORE INTO series (symbol, timeframe, source, rows) VALUES (?, ?, ?, 0)", key)
        return int(self._link.rows("SELECT id FROM series WHERE symbol = ? AND timeframe = ? AND source = ?", key)[0][0])

    def read(self, series: Series, height: int, start: Nanos, end: Nanos, source: str | None) -> Matrix:
        with self._lock:
            found = self._link.rows(
                "SELECT rows, data FROM blocks WHERE start > ? AND start < ? AND series_id = ("
                "SELECT id FROM series WHERE symbol = ? AND timeframe = ? AND source = coalesce(?, source) "
                "ORDER BY rows DESC, source LIMIT 1) ORDER BY start",
                (start - series.span, end, series.symbol, series.timeframe, source),
            )
        matrix = np.empty((height, sum(row[0] for row in found)))
        column = 0
        for rows, data in found:
            matrix[:, column : column + rows] = _unpacked(data, height)
            column += rows
        first, last = np.searchsorted(times(matrix), (start, end))
        return matrix[:, first:last]

    def coverage(self) -> list[Coverage]:
        with self._lock:
            return [
                Coverage(*row)
                for row in self._link.rows(
                    "SELECT symbol, timeframe, source, min(first), max(last), sum(blocks.rows) "
                    "FROM series JOIN blocks ON series_id = id GROUP BY id"
                )
            ]

    def close(self) -> None:
        with self._lock:
            self._link.close()


def _unpacked(data: bytes, height: int) -> Matrix:
    return np.frombuffer(data).reshape(height, -1)


def _blocks(data: Matrix, span: Nanos) -> Iterator[tuple[Nanos, Matrix]]:
    """The matrix cut where a block begins, each part with its block's start."""
    starts = times(data) // span * span
    edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(starts)]
    for first, last in pairwise(edges):
        if last > first:
            yield int(starts[first]), data[:, first:last]
