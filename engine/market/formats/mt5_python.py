"""MetaTrader 5's Python package, `copy_rates_...` written to CSV: `time,open,high,low,close,tick_volume[,spread,real_volume]`.

The time is text, or the plain seconds that the package returns; both are on the server's clock, whatever they look like.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from engine.core.clock import SECOND
from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import first_line, metatrader_bars, named_columns
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {
    "time": "seconds",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "tick_volume": "volume",
    "spread": "spread",
}
_STAMPS = ("YYYY-MM-DD HH:NN:SS", "YYYY-MM-DD")
_SECONDS = re.compile(rb"[^\n]*\n\d+,")


def detects(head: bytes, name: str) -> bool:
    return head.startswith(b"time,") and b"tick_volume" in head.split(b"\n", 1)[0]


def parse(source: Source) -> Parsed:
    """DataError when the header lacks a price or the tick volume."""
    header = first_line(source, ",")
    if _SECONDS.match(source.head):
        columns = named_columns(source, header, _NAMES)
        rows = parse_rows(source.text, Layout(",", columns, stamp_fields=0, header=1))
        seconds = rows.columns.pop("seconds")
        stamped = replace(rows, at=np.rint(seconds).astype(np.int64) * SECOND, hours=len(rows.at))
        return metatrader_bars(stamped)
    columns = named_columns(source, header[1:], _NAMES)
    return metatrader_bars(parse_rows(source.text, Layout(",", columns, _STAMPS, header=1)))


FORMAT = Format(
    "mt5-python",
    "MetaTrader 5 Python export (copy_rates)",
    detects,
    parse,
    "2018-03-01 01:00:00,1318.2,1318.9,1317.6,1318.4,1201",
)
