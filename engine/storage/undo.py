"""Taking an import back: what it added goes, what it replaced or removed returns, and it stays listed as undone."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from engine.core.clock import Nanos, to_datetime
from engine.core.errors import UserError
from engine.domain.market import Ints, Symbol
from engine.storage.columns import Matrix, WriteResult, matrix_of, merge, ordinals, times
from engine.storage.link import Link
from engine.storage.versions import VALUES, Kind, Origin


class Entry(NamedTuple):
    """An import as it is listed: its number, the series it was written into, and when it was undone (ns UTC), if it was."""

    number: int
    symbol: Symbol
    timeframe: str
    source: str
    origin: Origin
    result: WriteResult
    undone_at: Nanos | None


class Keys(NamedTuple):
    """Places of a series: times (ns UTC) and numbers among equal times."""

    at: Ints
    n: Ints

    @classmethod
    def none(cls) -> Keys:
        return cls(np.empty(0, np.int64), np.empty(0, np.int64))

    def cut(self, part: slice) -> Keys:
        return Keys(self.at[part], self.n[part])

    @classmethod
    def join(cls, parts: list[Keys]) -> Keys:
        return cls(*(np.concatenate(column) for column in zip(*parts, strict=True))) if parts else cls.none()


class BringBack(NamedTuple):
    """What undoing an import takes: places to clear, places with their former values, and rows that had been removed."""

    added: Keys
    replaced: Keys
    replaced_rows: Matrix
    removed_rows: Matrix

    @property
    def change(self) -> int:
        """By how many rows the series grows."""
        return int(self.removed_rows.shape[1]) - len(self.added.at)

    def times(self) -> Ints:
        """Every time that is touched."""
        return np.concatenate([self.added.at, self.replaced.at, times(self.removed_rows)])

    def restored(self, stored: Matrix, start: Nanos, end: Nanos) -> Matrix:
        """A block from `start` to before `end` as it was."""
        block = stored.copy()
        part = _between(self.replaced.at, start, end)
        block[:, place_of(times(block), self.replaced.cut(part))] = self.replaced_rows[:, part]
        block = np.delete(block, place_of(times(block), self.added.cut(_between(self.added.at, start, end))), axis=1)
        part = _between(times(self.removed_rows), start, end)
        return merge(block, self.removed_rows[:, part], False)[0] if part.stop > part.start else np.ascontiguousarray(block)


class Undoing:
    """The tables `imports`, `additions` and `revisions` as undoing needs them; `prefix` is the schema with its dot, or empty."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self._prefix = prefix

    def note_added(self, entry: int | None, keys: Keys) -> None:
        """Keeps which places the import `entry` filled."""
        if entry is not None:
            sql = f"INSERT INTO {self._prefix}additions (import_id, keys) VALUES (?, ?)"
            self._link.rows(sql, (entry, _packed(keys)))

    def entries(self) -> list[Entry]:
        """Every import with what became of it, the first one first."""
        found = self._link.rows(
            "SELECT i.id, symbol, timeframe, source, file, sha256, format, clock, imported_at, added, same, changed, undone_at "
            f"FROM {self._prefix}imports i JOIN {self._prefix}series s ON s.id = i.series_id ORDER BY i.id"
        )
        return [Entry(row[0], row[1], row[2], row[3], Origin(*row[4:9]), WriteResult(*row[9:12]), row[12]) for row in found]

    def check(self, number: int) -> None:
        """UserError where an import may not be undone, and why."""
        found = self._link.rows(f"SELECT series_id, undone_at, added FROM {self._prefix}imports WHERE id = ?", (number,))
        series, undone_at, added = found[0]
        if undone_at is not None:
            raise UserError(f"import {number} was undone already, {to_datetime(undone_at):%Y-%m-%d %H:%M} UTC")
        later = self._link.rows(
            f"SELECT id, file FROM {self._prefix}imports i WHERE series_id = ? AND id > ? AND undone_at IS NULL AND "
            f"(same + changed > 0 OR EXISTS (SELECT 1 FROM {self._prefix}revisions r WHERE r.import_id = i.id)) "
            "ORDER BY id DESC LIMIT 1",
            (series, number),
        )
        if later:
            raise UserError(
                f"import {number} cannot be undone: import {later[0][0]} ({later[0][1]}) builds on it; undo that first"
            )
        if added and not self._link.rows(f"SELECT 1 FROM {self._prefix}additions WHERE import_id = ?", (number,)):
            raise UserError(f"import {number} is from before this program kept what an import adds, so it cannot be undone")

    def entry(self, number: int) -> Entry:
        """The import called `number`; UserError where there is none."""
        found = next((entry for entry in self.entries() if entry.number == number), None)
        if found is None:
            raise UserError(f"there is no import {number}; main.py data imports lists them")
        return found

    def what_to_bring_back(self, number: int, height: int) -> BringBack:
        """What undoing the import takes, as matrices of `height` rows."""
        found = self._link.rows(f"SELECT keys FROM {self._prefix}additions WHERE import_id = ?", (number,))
        added = _unpacked(found[0][0]) if found else Keys.none()
        rows, places = self._kept(number, "replaced", height)
        return BringBack(added, places, rows, self._kept(number, "removed", height)[0])

    def _kept(self, number: int, kind: Kind, height: int) -> tuple[Matrix, Keys]:
        names = ", ".join(VALUES[: height - 1])
        found = self._link.rows(
            f"SELECT at, {names}, n FROM {self._prefix}revisions WHERE import_id = ? AND kind = ? ORDER BY at, n", (number, kind)
        )
        matrix = matrix_of(found, height)
        return matrix, Keys(times(matrix), np.array([row[height] for row in found], np.int64))

    def close(self, number: int, at: Nanos) -> None:
        """Marks the import as undone and forgets what was kept for that."""
        for table in ("revisions", "additions"):
            self._link.rows(f"DELETE FROM {self._prefix}{table} WHERE import_id = ?", (number,))
        self._link.rows(f"UPDATE {self._prefix}imports SET undone_at = ? WHERE id = ?", (at, number))


def added_keys(stored: Matrix | None, new: Matrix) -> Keys:
    """The places of `new` that are free in `stored`."""
    at = times(new)
    n = ordinals(at)
    if stored is None:
        return Keys(at.copy(), n)
    before = times(stored)
    free = n >= np.searchsorted(before, at, side="right") - np.searchsorted(before, at, side="left")
    return Keys(at[free], n[free])


def place_of(at: Ints, keys: Keys) -> Ints:
    """The columns of a matrix with these times in which the places are; every one of them must be there."""
    place: Ints = np.searchsorted(at, keys.at, side="left") + keys.n
    return place


def _between(at: Ints, start: Nanos, end: Nanos) -> slice:
    first, last = np.searchsorted(at, (start, end)).tolist()
    return slice(first, last)


def _packed(keys: Keys) -> bytes:
    """Steps instead of times: those of bars are nearly all alike, and a million of them take a few kilobytes."""
    columns = np.stack([np.diff(keys.at, prepend=np.int64(0)), keys.n]).astype("<i8")
    return zlib.compress(columns.tobytes(), 1)


def _unpacked(data: bytes) -> Keys:
    steps, n = np.frombuffer(zlib.decompress(data), "<i8").astype(np.int64).reshape(2, -1)
    return Keys(np.cumsum(steps), n)
