"""Market data as blocks of packed columns, a day of M1 bars or an hour of quotes in each; alike on SQLite and PostgreSQL."""

from __future__ import annotations

from itertools import pairwise
from threading import Lock

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import Ints
from engine.storage.bulk import copy_in
from engine.storage.columns import BAR_HEIGHT, NOTHING, Matrix, WriteResult, clashes, merge, times
from engine.storage.database import Database
from engine.storage.link import PostgresLink, Row
from engine.storage.market import Coverage, Series, series_of
from engine.storage.undo import BringBack, Entry, Keys, Undoing, added_keys
from engine.storage.versions import VALUES, Kind, Origin, Versions
from engine.storage.watched import Watch, unwatched, watched

Clash = tuple[Matrix, Matrix, Ints]

_CHECKPOINT_PAGES = 500
_COLUMNS = ("series_id", "start", "first", "last", "rows", "data")


class BlockMarket:
    """The store's tables over one connection, which every call has for itself."""

    def __init__(self, database: Database, schema: str | None) -> None:
        database.close()
        self._link = database.link()
        self._lock = Lock()
        self._prefix = f"{schema}." if schema else ""
        self._versions = Versions(self._link, self._prefix)
        self._undoing = Undoing(self._link, self._prefix)
        self._bytewise = ' COLLATE "C"' if isinstance(self._link, PostgresLink) else ""
        if database.is_sqlite:
            self._link.rows(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")

    def write(
        self,
        series: Series,
        source: str,
        data: Matrix,
        replace: bool,
        origin: Origin | None = None,
        watch: Watch = unwatched,
    ) -> WriteResult:
        """Stores what is new, all of it or nothing; keeps the values that lost as revisions, and what an origin added."""
        with self._lock, self._link.transaction():
            number = self._number(series, source)
            blocks = _blocks(data, series.span)
            known = self._starts(number, blocks)
            result, met, free = NOTHING, list[Clash](), list[Keys]()
            for start, part in watched(blocks, watch):
                if start in known:
                    result += self._merge(number, start, part, replace, met, free)
                else:
                    free.append(added_keys(None, part))
            new = [(start, part) for start, part in blocks if start not in known]
            copy_in(self._link, f"{self._prefix}blocks", _COLUMNS, (_row(number, start, part) for start, part in new))
            result += WriteResult(sum(part.shape[1] for _, part in new), 0, 0)
            self._count(number, result.added)
            self._undoing.note_added(self._note(number, origin, result, met, replace), Keys.join(free))
            watch(1.0)
        return result

    def _starts(self, number: int, blocks: list[tuple[Nanos, Matrix]]) -> set[Nanos]:
        if not blocks:
            return set()
        query = f"SELECT start FROM {self._prefix}blocks WHERE series_id = ? AND start BETWEEN ? AND ?"
        return {row[0] for row in self._link.rows(query, (number, blocks[0][0], blocks[-1][0]))}

    def _merge(self, number: int, start: Nanos, new: Matrix, replace: bool, met: list[Clash], free: list[Keys]) -> WriteResult:
        stored = self._block(number, start, len(new))
        assert stored is not None
        free.append(added_keys(stored, new))
        both, result = merge(stored, new, replace)
        if result.changed:
            met.append(clashes(stored, new))
        if result.added or (replace and result.changed):
            self._put(number, start, both)
        return result

    def _block(self, number: int, start: Nanos, height: int) -> Matrix | None:
        query = f"SELECT data FROM {self._prefix}blocks WHERE series_id = ? AND start = ?"
        found = self._link.binary_rows(query, (number, start))
        return _unpacked(found[0][0], height) if found else None

    def _put(self, number: int, start: Nanos, part: Matrix) -> None:
        """Writes a block that is there anew."""
        self._link.rows(
            f"UPDATE {self._prefix}blocks SET first = ?, last = ?, rows = ?, data = ? WHERE series_id = ? AND start = ?",
            (*_row(number, start, part)[2:], number, start),
        )

    def _count(self, number: int, more: int) -> None:
        self._link.rows(f"UPDATE {self._prefix}series SET rows = rows + ? WHERE id = ?", (more, number))

    def _note(self, number: int, origin: Origin | None, result: WriteResult, met: list[Clash], replace: bool) -> int | None:
        """Keeps the values that lost, and the import, whose number it gives.

        A file that was read before leaves no second trace but of values that were not kept yet, as another scale makes them.
        """
        known = self._versions.known(number, origin)
        if known and not replace:
            met = [clash for each in met if len((clash := self._news(number, each))[2])]
        has_news = bool(result.added or met) or not known
        entry = self._versions.note(number, origin, result) if origin is not None and has_news else None
        for stored, new, ordinal in met:
            if replace:
                self._revise(number, entry, "replaced", stored, ordinal)
            elif entry is not None:
                self._revise(number, entry, "offered", new, ordinal)
        return entry

    def _news(self, number: int, met: Clash) -> Clash:
        stored, new, ordinal = met
        news = self._versions.news(number, new, ordinal)
        return stored[:, news], new[:, news], ordinal[news]

    def _revise(self, number: int, entry: int | None, kind: Kind, rows: Matrix, ordinal: Ints) -> None:
        columns = ("series_id", "import_id", "kind", "at", "n", *VALUES[: len(rows) - 1])
        values = rows[1:].astype(object)
        values[np.isnan(rows[1:])] = None  # as SQLite keeps what is not a number
        lost = zip(times(rows).tolist(), ordinal.tolist(), *values.tolist(), strict=True)
        copy_in(self._link, f"{self._prefix}revisions", columns, ((number, entry, kind, *row) for row in lost))

    def remove(self, series: Series, source: str, at: Ints, origin: Origin) -> int:
        """Takes out the bars of these times and keeps them as revisions; how many there were."""
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
                    self._link.rows(f"DELETE FROM {self._prefix}blocks WHERE series_id = ? AND start = ?", (number, start))
                else:
                    self._put(number, start, np.ascontiguousarray(stored[:, ~gone]))
            self._count(number, -removed)
        return removed

    def undo(self, number: int, at: Nanos) -> Entry:
        """Makes the series what it was before the import `number`; UserError where it cannot be undone."""
        with self._lock, self._link.transaction():
            entry = self._undoing.entry(number)
            place = self._number(Series(entry.symbol, entry.timeframe, 0), entry.source)
            self._undoing.check(number)
            series = series_of(entry.symbol, entry.timeframe)
            back = self._undoing.what_to_bring_back(number, series.height)
            for start in np.unique(back.times() // series.span * series.span).tolist():
                self._restore(place, start, back, series)
            self._count(place, back.change)
            self._undoing.close(number, at)
        return entry._replace(undone_at=at)

    def _restore(self, number: int, start: Nanos, back: BringBack, series: Series) -> None:
        stored = self._block(number, start, series.height)
        was = back.restored(np.empty((series.height, 0)) if stored is None else stored, start, start + series.span)
        if stored is None:
            copy_in(self._link, f"{self._prefix}blocks", _COLUMNS, [_row(number, start, was)])
        elif was.shape[1]:
            self._put(number, start, was)
        else:
            self._link.rows(f"DELETE FROM {self._prefix}blocks WHERE series_id = ? AND start = ?", (number, start))

    def entries(self) -> list[Entry]:
        """Every import with what became of it, the first one first."""
        with self._lock:
            return self._undoing.entries()

    def versions(self) -> tuple[Versions, Lock]:
        """The series' history, and the lock under which to ask for it."""
        return self._versions, self._lock

    def _number(self, series: Series, source: str) -> int:
        """The series' number, made where it is new; other writers of the series wait until this transaction ends."""
        key = (series.symbol, series.timeframe, source)
        table = f"{self._prefix}series"
        taken = f"UPDATE {table} SET rows = rows WHERE symbol = ? AND timeframe = ? AND source = ? RETURNING id"
        found = self._link.rows(taken, key)
        if not found:
            made = f"INSERT INTO {table} (symbol, timeframe, source, rows) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING"
            self._link.rows(made, key)
            found = self._link.rows(taken, key)
        return int(found[0][0])

    def read(self, series: Series, height: int, start: Nanos, end: Nanos, source: str | None) -> Matrix:
        """The rows with start <= at < end, as a matrix of `height` rows."""
        with self._lock:
            found = self._link.binary_rows(
                f"SELECT rows, data FROM {self._prefix}blocks WHERE start > ? AND start < ? AND series_id = ("
                f"SELECT id FROM {self._prefix}series WHERE symbol = ? AND timeframe = ? "
                "AND source = coalesce(CAST(? AS text), source) "
                f"ORDER BY rows DESC, source{self._bytewise} LIMIT 1) ORDER BY start",
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
        """Every series with at least one row."""
        with self._lock:
            found = self._link.rows(
                "SELECT symbol, timeframe, source, min(first), max(last), CAST(sum(b.rows) AS bigint) "
                f"FROM {self._prefix}series s JOIN {self._prefix}blocks b ON b.series_id = s.id "
                "GROUP BY s.id, symbol, timeframe, source"
            )
        return [Coverage(*row) for row in found]

    def spans(self, symbol: str, timeframe: str, source: str) -> Ints:
        """The first and the last time of every block of a series, in time order."""
        with self._lock:
            found = self._link.rows(
                f"SELECT first, last FROM {self._prefix}blocks WHERE series_id = (SELECT id FROM {self._prefix}series "
                "WHERE symbol = ? AND timeframe = ? AND source = ?) ORDER BY start",
                (symbol, timeframe, source),
            )
        return np.array(found, np.int64).reshape(-1, 2)

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._link.close()


def _row(number: int, start: Nanos, part: Matrix) -> Row:
    at = times(part)
    return number, start, int(at[0]), int(at[-1]), len(at), part.tobytes()


def _unpacked(data: bytes, height: int) -> Matrix:
    return np.frombuffer(data).reshape(height, -1)


def _blocks(data: Matrix, span: Nanos) -> list[tuple[Nanos, Matrix]]:
    """The matrix cut where a block begins, each part with its block's start."""
    starts = times(data) // span * span
    edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(starts)]
    return [(int(starts[first]), data[:, first:last]) for first, last in pairwise(edges) if last > first]
