"""Where stored rows came from, and the values that were replaced, removed, or offered and not taken: nothing is lost silently."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from engine.core.clock import Nanos
from engine.domain.market import Ints, Symbol
from engine.storage.columns import Mask, Matrix, WriteResult, matrix_of, times
from engine.storage.link import Link

Kind = Literal["offered", "replaced", "removed"]

VALUES = tuple(f"v{number}" for number in range(1, 7))


class Origin(NamedTuple):
    """What rows are written from: a file's name and SHA-256, its format and clock; `at` is when (ns UTC)."""

    file: str
    sha256: str
    format: str
    clock: str
    at: Nanos


class Import(NamedTuple):
    """One writing of a file into a series, and what it met there."""

    symbol: Symbol
    timeframe: str
    source: str
    origin: Origin
    result: WriteResult


class Revised(NamedTuple):
    """How many values of a series were offered and not taken, replaced by later ones, or removed."""

    symbol: Symbol
    timeframe: str
    source: str
    kind: Kind
    rows: int


class Versions:
    """The tables `imports` and `revisions` over a backend's connection; `prefix` is the schema with its dot, or empty."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link = link
        self.prefix = prefix

    def known(self, number: int, origin: Origin | None) -> bool:
        """Whether this very file was written into series `number` before."""
        if origin is None:
            return False
        sql = (
            f"SELECT 1 FROM {self.prefix}imports WHERE series_id = ? AND sha256 = ? AND format = ? AND undone_at IS NULL LIMIT 1"
        )
        return bool(self._link.rows(sql, (number, origin.sha256, origin.format)))

    def news(self, number: int, rows: Matrix, ordinal: Ints) -> Mask:
        """Which of these rows of series `number`, at these numbers among equal times, were not kept at their place before."""
        at, names = times(rows), ", ".join(VALUES[: len(rows) - 1])
        found = self._link.rows(
            f"SELECT at, {names}, n FROM {self.prefix}revisions WHERE series_id = ? AND at BETWEEN ? AND ?",
            (number, int(at.min()), int(at.max())),
        )
        kept = matrix_of(found, len(rows))
        known = set(_keys(kept, np.array([row[-1] for row in found], np.int64)))
        return np.array([key not in known for key in _keys(rows, ordinal)], np.bool_)

    def note(self, number: int, origin: Origin, result: WriteResult) -> int:
        """Records an import and gives its number."""
        sql = (
            f"INSERT INTO {self.prefix}imports (series_id, imported_at, file, sha256, format, clock, added, same, changed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        )
        values = (number, origin.at, origin.file, origin.sha256, origin.format, origin.clock)
        return int(self._link.rows(sql, (*values, result.added, result.same, result.changed))[0][0])

    def imports(self) -> list[Import]:
        """Every import that was not undone, the first one first."""
        found = self._link.rows(
            "SELECT symbol, timeframe, source, file, sha256, format, clock, imported_at, added, same, changed "
            f"FROM {self.prefix}imports i JOIN {self.prefix}series s ON s.id = i.series_id "
            "WHERE undone_at IS NULL ORDER BY i.id"
        )
        return [Import(row[0], row[1], row[2], Origin(*row[3:8]), WriteResult(*row[8:])) for row in found]

    def counts(self) -> list[Revised]:
        """The revisions of every series by kind."""
        found = self._link.rows(
            f"SELECT symbol, timeframe, source, kind, count(*) FROM {self.prefix}revisions r "
            f"JOIN {self.prefix}series s ON s.id = r.series_id GROUP BY symbol, timeframe, source, kind"
        )
        return sorted(Revised(*row) for row in found)

    def last(self, key: Sequence[str], kind: Kind, height: int) -> Matrix:
        """The newest revision of `kind` at every place of the series `key` (symbol, timeframe, source), in time order."""
        names = ", ".join(VALUES[: height - 1])
        found = self._link.rows(
            f"SELECT at, {names} FROM {self.prefix}revisions WHERE id IN ("
            f"SELECT max(r.id) FROM {self.prefix}revisions r JOIN {self.prefix}series s ON s.id = r.series_id "
            "WHERE symbol = ? AND timeframe = ? AND source = ? AND kind = ? GROUP BY at, n) ORDER BY at, n",
            (*key, kind),
        )
        return matrix_of(found, height)


def _keys(rows: Matrix, ordinal: Ints) -> Iterator[tuple[int, int, tuple[float | None, ...]]]:
    """Place and values of every row, for comparing; what is not a number is None."""
    values = rows[1:].astype(object)
    values[np.isnan(rows[1:])] = None
    return zip(times(rows).tolist(), ordinal.tolist(), zip(*values.tolist(), strict=True), strict=True)
