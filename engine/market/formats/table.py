"""A table whose first line names its columns: `time,open,high,low,close,volume,spread`, as this program exports it too.

The separator is a comma, a semicolon or a tab; times are ISO 8601 (with Z or an offset they are UTC) or counted since 1970.
"""

from __future__ import annotations

import re
from dataclasses import replace

from engine.core.errors import DataError
from engine.market.formats.base import Format, Parsed
from engine.market.formats.delimited import parse_mapped
from engine.market.formats.source import Source
from engine.market.formats.wanted import PRICES, Mapping

TIMES = ("time", "timestamp", "datetime", "date", "open time", "open_time")
READ = {**{name: name for name in PRICES}, "volume": "volume", "vol": "volume", "spread": "spread", "bid": "bid", "ask": "ask"}
_ELSEWHERE = {"tick_volume", "tickvolume", "ticker"}
_FIELD = re.compile(r"\w[\w .]*")


def detects(head: bytes, name: str) -> bool:
    return _mapping(head) is not None


def _mapping(head: bytes) -> Mapping | None:
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    for separator in (",", ";", "\t"):
        fields = [field.strip().strip('"').lower() for field in line.split(separator)]
        if fields[0] not in TIMES or not all(_FIELD.fullmatch(field) for field in fields) or _ELSEWHERE & set(fields):
            continue
        names = ("time", *(READ.get(field, "-") for field in fields[1:]))
        if set(PRICES) <= set(names) or {"bid", "ask"} <= set(names):
            return Mapping(names, separator, header=1)
    return None


def parse(source: Source) -> Parsed:
    mapping = _mapping(source.head)
    if mapping is None:
        raise DataError(f"{source.path.name}: the first line does not name the columns; name them with --columns")
    return parse_mapped(source, replace(mapping, time_format=""))


FORMAT = Format(
    "csv",
    "Table with named columns (time, open, high, low, close, ...)",
    detects,
    parse,
    "timestamp,open,high,low,close,volume",
)
