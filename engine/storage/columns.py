"""Market data as one matrix: a row per column of `Bars` or `QuoteColumns`, its first row the int64 times' own bits.

A key is a time and its number among equal times (ticks may share one); bars have every time once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.core.errors import DataError
from engine.domain.market import BAR_COLUMNS, Bars, Floats, Ints, QuoteColumns

Matrix = Floats
Mask = npt.NDArray[np.bool_]

BAR_HEIGHT = len(BAR_COLUMNS)
QUOTE_COLUMNS = tuple(field.name for field in fields(QuoteColumns))
QUOTE_HEIGHT = len(QUOTE_COLUMNS)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write met: rows that were new, rows already stored alike, and rows stored with other values."""

    added: int
    same: int
    changed: int

    def __add__(self, other: WriteResult) -> WriteResult:
        return WriteResult(self.added + other.added, self.same + other.same, self.changed + other.changed)


NOTHING = WriteResult(0, 0, 0)


def from_bars(bars: Bars) -> Matrix:
    """The bars as a matrix of 7 rows. Raises DataError when a time does not lie after the one before it."""
    return _matrix(bars, BAR_COLUMNS, 1)


def from_quotes(quotes: QuoteColumns) -> Matrix:
    """The quotes as a matrix of 3 rows. Raises DataError when a time lies before the one before it."""
    return _matrix(quotes, QUOTE_COLUMNS, 0)


def _matrix(columns: Bars | QuoteColumns, names: tuple[str, ...], least_step: int) -> Matrix:
    at = np.asarray(columns.at, dtype=np.int64)
    if len(at) > 1 and np.diff(at).min() < least_step:
        row = int(np.argmax(np.diff(at) < least_step)) + 1
        raise DataError(f"row {row} does not follow the row before it in time; sort the data and drop its duplicates first")
    matrix = np.empty((len(names), len(at)))
    times(matrix)[:] = at
    for row, name in enumerate(names[1:], start=1):
        matrix[row] = getattr(columns, name)
    return matrix


def to_bars(matrix: Matrix) -> Bars:
    """The matrix as bars, without copying."""
    return Bars(times(matrix), *matrix[1:])


def to_quotes(matrix: Matrix) -> QuoteColumns:
    """The matrix as quotes, without copying."""
    return QuoteColumns(times(matrix), *matrix[1:])


def matrix_of(rows: Sequence[Sequence[Any]], height: int) -> Matrix:
    """Rows of a database, time first, as a matrix; no value is NaN."""
    matrix = np.empty((height, len(rows)))
    times(matrix)[:] = [row[0] for row in rows]
    for number in range(1, height):
        matrix[number] = [np.nan if row[number] is None else row[number] for row in rows]
    return matrix


def times(matrix: Matrix) -> Ints:
    """The times (ns UTC) of a matrix, as a view."""
    at: Ints = matrix[0].view(np.int64)
    return at


def ordinals(at: Ints) -> Ints:
    """For each of the ascending times, how many equal ones stand before it."""
    index = np.arange(len(at), dtype=np.int64)
    starts = np.ones(len(at), dtype=np.bool_)
    starts[1:] = at[1:] != at[:-1]
    return index - np.maximum.accumulate(np.where(starts, index, 0))


def merge(stored: Matrix, new: Matrix, replace: bool) -> tuple[Matrix, WriteResult]:
    """Both together in time order. Where a key has other values, the stored ones stay unless `replace`."""
    both = np.concatenate([stored, new], axis=1)
    is_new = np.arange(both.shape[1]) >= stored.shape[1]
    number = np.concatenate([ordinals(times(stored)), ordinals(times(new))])
    order = np.lexsort((is_new, number, times(both)))
    both, number = both[:, order], number[order]
    at = times(both)
    again = np.zeros(len(at), dtype=np.bool_)
    again[1:] = (at[1:] == at[:-1]) & (number[1:] == number[:-1])
    differs = again & ~_equal(both)
    result = WriteResult(new.shape[1] - int(again.sum()), int((again & ~differs).sum()), int(differs.sum()))
    drop = np.roll(again, -1) if replace else again
    return np.ascontiguousarray(both[:, ~drop]), result


def clashes(stored: Matrix, new: Matrix) -> tuple[Matrix, Matrix, Ints]:
    """Rows of both with the same key and other values: the stored ones, the new ones, and their numbers among equal times."""
    at, number = times(new), ordinals(times(new))
    place = np.searchsorted(times(stored), at, side="left") + number
    place = np.minimum(place, stored.shape[1] - 1)
    met = (times(stored)[place] == at) & (ordinals(times(stored))[place] == number)
    before, after = stored[1:, place], new[1:]
    differ = met & ~((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=0)
    return stored[:, place[differ]], new[:, differ], number[differ]


def _equal(matrix: Matrix) -> Mask:
    """For each column, whether its values are those of the column before it; NaN equals NaN."""
    values, before = matrix[1:], np.roll(matrix[1:], 1, axis=1)
    alike: Mask = ((values == before) | (np.isnan(values) & np.isnan(before))).all(axis=0)
    return alike
