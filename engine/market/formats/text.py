"""Lines of delimited text to columns: fast for the lines that follow the layout, careful with the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine.domain.market import Floats, Ints
from engine.market.formats.base import BadRow
from engine.market.formats.digits import Bytes, Mask, decimals, stamp, stamps

_BLOCK = 1 << 15
_NEWLINE, _RETURN = 10, 13


@dataclass(frozen=True, slots=True)
class Layout:
    """How a line is built: `stamps` are templates of the time at its beginning, spanning `stamp_fields` fields (0: none);
    then `columns`, one name a field; a name beginning with "-" is skipped. `header` lines come first. A field of the columns
    in `optional` may be empty, which is read as NaN."""

    delimiter: str
    columns: tuple[str, ...]
    stamps: tuple[str, ...] = ()
    stamp_fields: int = 1
    header: int = 0
    optional: frozenset[str] = frozenset()

    @property
    def fields(self) -> int:
        return self.stamp_fields + len(self.columns)


@dataclass(slots=True)
class Rows:
    """The readable rows of a text in file order and the lines that are not; `digits` by column, `hours` counts rows with one."""

    line: Ints
    at: Ints
    columns: dict[str, Floats]
    digits: dict[str, int]
    bad: list[BadRow] = field(default_factory=list)
    hours: int = 0


def parse_rows(text: bytes, layout: Layout) -> Rows:
    """All rows of `text`. Blank lines are passed over; line numbers count from 1 with the header."""
    buffer = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(buffer == _NEWLINE)
    if len(buffer) and buffer[-1] != _NEWLINE:
        ends = np.append(ends, len(buffer))
    starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1]) if len(ends) else ends
    names = [name for name in layout.columns if not name.startswith("-")]
    blocks = [_Block(buffer, starts[cut], ends[cut], cut.start + 1, layout) for cut in _cuts(layout.header, len(starts))]
    return Rows(
        _ints([block.line for block in blocks]),
        _ints([block.at for block in blocks]),
        {name: _floats([block.values[name] for block in blocks]) for name in names},
        {name: max((block.digits[name] for block in blocks), default=0) for name in names},
        [row for block in blocks for row in block.bad],
        sum(block.hours for block in blocks),
    )


def _floats(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.empty(0)


def _ints(parts: list[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _cuts(first: int, count: int) -> Iterator[slice]:
    for start in range(first, count, _BLOCK):
        yield slice(start, min(start + _BLOCK, count))


class _Block:
    """A few ten thousand lines, small enough for the processor's cache."""

    __slots__ = ("at", "bad", "digits", "hours", "line", "values")

    def __init__(self, buffer: Bytes, starts: Ints, ends: Ints, first_line: int, layout: Layout) -> None:
        base = int(starts[0])
        text = buffer[base : int(ends[-1])]
        starts, ends = starts - base, ends - base
        if len(text):
            ends = ends - ((ends > starts) & (text[np.maximum(ends - 1, 0)] == _RETURN))
        filled = ends > starts
        self.line = np.flatnonzero(filled) + first_line
        self._parse(text, starts[filled], ends[filled], layout)

    def _parse(self, text: Bytes, starts: Ints, ends: Ints, layout: Layout) -> None:
        marks = np.flatnonzero(text == ord(layout.delimiter))
        first = np.searchsorted(marks, starts)
        ok = np.searchsorted(marks, ends) - first == layout.fields - 1
        self.at = np.zeros(len(starts), np.int64)
        self.values = {name: np.zeros(len(starts)) for name in layout.columns if not name.startswith("-")}
        self.digits = dict.fromkeys(self.values, 0)
        self.bad: list[BadRow] = []
        self.hours = 0
        rows = np.flatnonzero(ok)
        if len(rows):
            edges = marks[first[rows][:, None] + np.arange(layout.fields - 1)]
            ok[rows] = self._fields(text, rows, starts[rows], np.column_stack([edges, ends[rows]]), layout)
        self._careful(text, np.flatnonzero(~ok), starts, ends, layout, ok)
        if not ok.all():
            self.line, self.at = self.line[ok], self.at[ok]
            self.values = {name: column[ok] for name, column in self.values.items()}

    def _fields(self, text: Bytes, rows: Ints, starts: Ints, edges: Ints, layout: Layout) -> Mask:
        """Fill in `rows`, whose fields end at `edges`; False where a field is not of the plain form."""
        ok = self._times(text, rows, starts, edges, layout) if layout.stamp_fields else np.ones(len(rows), np.bool_)
        for number, name in enumerate(layout.columns, layout.stamp_fields):
            if name in self.values:
                begin = edges[:, number - 1] + 1 if number else starts
                column = decimals(text, begin, edges[:, number])
                empty = (edges[:, number] == begin) & (name in layout.optional)
                self.values[name][rows] = np.where(empty, np.nan, column.value)
                for field_ in np.flatnonzero(~column.ok & ok & ~empty):
                    value = _number(text[begin[field_] : edges[field_, number]].tobytes().decode("utf-8", "replace"))
                    ok[field_] = value is not None
                    self.values[name][rows[field_]] = value or 0.0
                self.digits[name] = int(column.places[column.ok].max(initial=0))
        return ok

    def _times(self, text: Bytes, rows: Ints, starts: Ints, edges: Ints, layout: Layout) -> Mask:
        ok = np.zeros(len(rows), np.bool_)
        width = edges[:, layout.stamp_fields - 1] - starts
        for template in layout.stamps:
            chosen = np.flatnonzero((width == len(template)) & ~ok)
            times = stamps(text, starts[chosen], template)
            self.at[rows[chosen[times.ok]]] = times.at[times.ok]
            ok[chosen] = times.ok
            self.hours += int(times.ok.sum()) if "H" in template else 0
        return ok

    def _careful(self, text: Bytes, rows: Ints, starts: Ints, ends: Ints, layout: Layout, ok: Mask) -> None:
        for row in rows:
            line = text[starts[row] : ends[row]].tobytes().decode("utf-8", "replace")
            try:
                at, values, has_hour = read_line(line, layout)
            except ValueError as error:
                self.bad.append(BadRow(int(self.line[row]), str(error)))
                continue
            ok[row] = True
            self.at[row] = at
            self.hours += has_hour
            for name, value in values.items():
                self.values[name][row] = value


def read_line(line: str, layout: Layout) -> tuple[int, dict[str, float], bool]:
    """One line field by field: its time, values and whether it names an hour; ValueError says what is wrong with it."""
    fields = [part.strip().strip('"') for part in line.split(layout.delimiter)]
    if len(fields) != layout.fields:
        raise ValueError(f"wrong number of fields ({len(fields)}, not {layout.fields})")
    at, has_hour = _time(layout.delimiter.join(fields[: layout.stamp_fields]), layout) if layout.stamp_fields else (0, True)
    values: dict[str, float] = {}
    for name, text in zip(layout.columns, fields[layout.stamp_fields :], strict=True):
        if name.startswith("-"):
            continue
        value = math.nan if not text and name in layout.optional else _number(text)
        if value is None:
            raise ValueError(f"{name} {text[:40]!r} is not a number" if text else f"{name} is empty")
        values[name] = value
    return at, values, has_hour


def _number(text: str) -> float | None:
    """A number of any spelling, NaN included; None for anything else (float() alone would take "1_0")."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _time(text: str, layout: Layout) -> tuple[int, bool]:
    for template in layout.stamps:
        at = stamp(text, template)
        if at is not None:
            return at, "H" in template
    raise ValueError(f"time {text[:40]!r} is not {' or '.join(map(spelled, layout.stamps))}")


def spelled(template: str) -> str:
    """A time's template as people write it."""
    return template.replace("NN", "MM").replace("OO", "HH").replace("PP", "MM").replace("gmt", "GMT").replace("utc", "UTC")
