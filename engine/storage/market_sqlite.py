"""Market data on SQLite: blocks of packed columns, a day of M1 bars or an hour of quotes in each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from threading import Lock

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import Ints
from engine.storage.columns import BAR_HEIGHT, NOTHING, Matrix, WriteResult, clashes, merge, times
from engine.storage.database import Database
from engine.storage.link import SqliteLink
from engine.storage.market import Coverage, Series
from engine.storage.versions import VALUES, Kind, Origin, Versions

Clash = tuple[Matrix, Matrix, Ints]

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
        self._versions = Versions(link, "")

    def write(self, series: Series, source: str, data: Matrix, replace: bool, origin: Origin | None = None) -> WriteResult:
        result = NOTHING
        met: list[Clash] = []
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            for start, part in _blocks(data, series.span):
                result += self._write_block(number, start, part, replace, met)
            self._link.rows("UPDATE series SET rows = rows + ? WHERE id = ?", (result.added, number))
            self._note(number, origin, result, met, replace)
        return result

    def _write_block(self, number: int, start: Nanos, part: Matrix, replace: bool, met: list[Clash]) -> WriteResult:
        stored = self._block(number, start, len(part))
        result = WriteResult(part.shape[1], 0, 0)
        if stored is not None:
            new = part
            part, result = merge(stored, new, replace)
            if result.changed:
                met.append(clashes(stored, new))
        if result.added or (replace and result.changed):
            self._put(number, start, part)
        return result

    def _block(self, number: int, start: Nanos, height: int) -> Matrix | None:
        found = self._link.rows("SELECT data FROM blocks WHERE series_id = ? AND start = ?", (number, start))
        return _unpacked(found[0][0], height) if found else None

    def _put(self, number: int, start: Nanos, part: Matrix) -> None:
        at = times(part)
        self._link.rows(
            "INSERT OR REPLACE INTO blocks (series_id, start, first, last, rows, data) VALUES (?, ?, ?, ?, ?, ?)",
            (number, start, int(at[0]), int(at[-1]), len(at), part.tobytes()),
        )

    def _note(self, number: int, origin: Origin | None, result: WriteResult, met: list[Clash], replace: bool) -> None:
        """Keeps the values that lost, and the import; the same file once more leaves no second trace."""
        changed = result.added or (replace and result.changed)
        if origin is None or (self._versions.known(number, origin) and not changed):
            entry = None
        else:
            entry = self._versions.note(number, origin, result)
        for stored, new, ordinal in met:
            if replace:
                self._revise(number, entry, "replaced", stored, ordinal)
            elif entry is not None:
                self._revise(number, entry, "offered", new, ordinal)

    def _revise(self, number: int, entry: int | None, kind: Kind, rows: Matrix, ordinal: Ints) -> None:
        names = ", ".join(VALUES[: len(rows) - 1])
        marks = ", ".join("?" * (len(rows) + 4))
        values = zip(times(rows).tolist(), ordinal.tolist(), *rows[1:].tolist(), strict=True)
        self._link.raw.executemany(
            f"INSERT INTO revisions (series_id, import_id, kind, at, n, {names}) VALUES ({marks})",
            ((number, entry, kind, *row) for row in values),
        )

    def remove(self, series: Series, source: str, at: Ints, origin: Origin) -> int:
        removed = 0
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            entry = self._versions.note(number, origin, NOTHING)
            for start in np.unique(at // series.span * series.span).tolist():
                stored = self._block(number, start, BAR_HEIGHT)
                gone = np.isin(times(stored), at) if stored is not None else np.empty(0, np.bool_)
                if stored is None or not gone.any():
                    continue
                removed += int(gone.sum())
                self._revise(number, entry, "removed", stored[:, gone], np.zeros(int(gone.sum()), np.int64))
                if gone.all():
                    self._link.rows("DELETE FROM blocks WHERE series_id = ? AND start = ?", (number, start))
                else:
                    self._put(number, start, np.ascontiguousarray(stored[:, ~gone]))
            self._link.rows("UPDATE series SET rows = rows - ? WHERE id = ?", (removed, number))
        return removed

    def versions(self) -> tuple[Versions, Lock]:
        return self._versions, self._lock

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
