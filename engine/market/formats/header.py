"""Columns named by a file's first line, in whatever order and with whatever extras the export had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.core.errors import DataError
from engine.market.formats.base import Parsed
from engine.market.formats.source import Source
from engine.market.formats.text import Rows

NEEDED = ("open", "high", "low", "close", "volume")


def first_line(source: Source, delimiter: str) -> list[str]:
    """The fields of the file's first line."""
    return source.text.split(b"\n", 1)[0].decode("utf-8", "replace").strip().split(delimiter)


def named_columns(source: Source, fields: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Our name for each field, "-field" for one that is not read; DataError when a price or the volume is not there."""
    columns = tuple(names.get(name, f"-{name}") for name in fields)
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise DataError(f"{source.path.name}: the header has no {', '.join(missing)}; export the bars again with all columns")
    if len(set(columns)) < len(columns):
        raise DataError(f"{source.path.name}: the header names a column twice; export the bars again")
    return columns


def metatrader_bars(rows: Rows) -> Parsed:
    """Rows of a MetaTrader file: no clock of their own, spread in points where there is one."""
    digits = max(rows.digits[name] for name in NEEDED[:4])
    dates_only = rows.hours == 0 and len(rows.at) > 0
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, dates_only, spread_in_points=True)
