"""Dukascopy's historical data: `Local time,Open,...` with the offset from UTC in every row, the widget's `Local`, `Gmt time`.

Closed minutes are filled with flat bars of no volume; volume is a float in units the source does not name.
"""

from __future__ import annotations

import re

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import NEEDED, first_line, named_columns
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {name: name for name in NEEDED}
_HEADER = re.compile(rb"(local|local time|gmt[ _]time|utc)\s*,\s*open\s*,", re.IGNORECASE)
_DAY = "DD.MM.YYYY HH:NN:SS"
_STAMPS = tuple(
    f"{_DAY}{fraction}{zone}" for zone in (" gmt±OOPP", " utc±OO:PP", " gmt±OO:PP", " utc±OOPP") for fraction in (".FFF", "")
)
_GREENWICH = (f"{_DAY}.FFF", _DAY)


def detects(head: bytes, name: str) -> bool:
    return _HEADER.match(head) is not None


def parse(source: Source) -> Parsed:
    """Times as UTC, whatever offset their rows have. DataError when the header lacks a price or the volume."""
    header = [field.strip().lower() for field in first_line(source, ",")]
    stamps = _STAMPS if header[0].startswith("local") else _GREENWICH + _STAMPS
    rows = parse_rows(source.text, Layout(",", named_columns(source, header[1:], _NAMES), stamps, header=1))
    digits = max(rows.digits[name] for name in NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, clock="UTC")


FORMAT = Format(
    "dukascopy",
    "Dukascopy historical data (offset in the rows, or GMT)",
    detects,
    parse,
    "29.05.2024 00:00:00.000 GMT+0300,2361.015,2361.015,2361.015,2361.015,0",
)
