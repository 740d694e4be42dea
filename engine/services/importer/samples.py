"""Single lines of a file, as they are written and as they are read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from engine.core.errors import NiceGoldError
from engine.domain.imports import BadLine, SampleRow
from engine.domain.market import BAR_COLUMNS, Bars, Ints, QuoteColumns
from engine.market.clocks import parse_clock
from engine.market.formats import BadRow, Format, Source
from engine.market.formats.base import Parsed

SHOWN = 6
_HEADER = 12
_LONGEST = 240
BINARY = (b"PAR1",)


def columns_of(data: Bars | QuoteColumns) -> tuple[str, ...]:
    """The names of a sample row's values."""
    return BAR_COLUMNS[1:] if isinstance(data, Bars) else ("bid", "ask")


def samples(source: Source, format_: Format, data: Bars | QuoteColumns, clock: str) -> tuple[list[SampleRow], list[SampleRow]]:
    """The first and the last rows of `data`, each with the line it was read from where the file has such lines."""
    count = min(SHOWN, len(data))
    first, last = range(count), range(max(count, len(data) - SHOWN), len(data))
    lines = _lines_by_time(source, format_, clock)
    return [_row(data, index, lines) for index in first], [_row(data, index, lines) for index in last]


def _row(data: Bars | QuoteColumns, index: int, lines: dict[int, tuple[int, str]]) -> SampleRow:
    at = int(data.at[index])
    line, raw = lines.get(at, (0, ""))
    values = (float(getattr(data, name)[index]) for name in columns_of(data))
    return SampleRow(line, raw, at, tuple(None if math.isnan(value) else value for value in values))


def _lines_by_time(source: Source, format_: Format, clock: str) -> dict[int, tuple[int, str]]:
    """Line number and text by the time (ns UTC) they are read as, for the first and last lines of a text."""
    if source.text.startswith(BINARY):
        return {}
    head = source.text.split(b"\n", _HEADER + 4 * SHOWN)
    if len(head) > _HEADER + 4 * SHOWN:
        head.pop()
    total = source.text.count(b"\n") + (not source.text.endswith(b"\n"))
    tail = source.text.rstrip(b"\r\n").rsplit(b"\n", 2 * SHOWN)[1:] if total > len(head) + 2 * SHOWN else []
    found: dict[int, tuple[int, str]] = {}
    for text, numbers in (
        (head, range(1, len(head) + 1)),
        ([*head[:1], *tail], [1, *range(total - len(tail) + 1, total + 1)]),
    ):
        parsed = _parsed(source, format_, text)
        if parsed is not None:
            times = parse_clock(clock).to_utc(parsed.at).tolist()
            for at, line in zip(times, parsed.line.tolist(), strict=True):
                if line <= len(text):
                    found.setdefault(at, (numbers[line - 1], _said(text[line - 1])))
    return found


def _parsed(source: Source, format_: Format, lines: Sequence[bytes]) -> Parsed | None:
    """These lines by themselves; None where the format can do nothing with them."""
    try:
        return format_.parse(replace(source, text=b"\n".join(lines) + b"\n"))
    except (NiceGoldError, ValueError, KeyError, IndexError):
        return None


def bad_lines(source: Source, bad: Iterable[BadRow]) -> list[BadLine]:
    """The refused rows with what is written there."""
    rows = list(bad)
    if not rows or source.text.startswith(BINARY):
        return [BadLine(row.line, "", row.reason) for row in rows]
    ends = np.flatnonzero(np.frombuffer(source.text, np.uint8) == ord("\n"))
    return [BadLine(row.line, _said(_line(source.text, ends, row.line)), row.reason) for row in rows]


def _line(text: bytes, ends: Ints, number: int) -> bytes:
    """The line of that number (from 1) where lines end at `ends`; empty beyond the last."""
    if number > len(ends) + 1:
        return b""
    start = int(ends[number - 2]) + 1 if number > 1 else 0
    return text[start : int(ends[number - 1]) if number <= len(ends) else len(text)]


def raw_lines(source: Source) -> list[tuple[int, str]]:
    """The first lines as they are written, for a file that cannot be read."""
    if source.text.startswith(BINARY):
        return []
    lines = source.text.split(b"\n", SHOWN)[:SHOWN]
    return [(number, _said(line)) for number, line in enumerate(lines, 1) if line.strip()]


def _said(line: bytes) -> str:
    text = line[: 2 * _LONGEST].decode("utf-8", "replace").rstrip("\r").replace("\t", "  ")
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"
