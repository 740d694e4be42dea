"""HistData.com, generic ASCII M1 bars: `20150201 170000;open;high;low;close;volume`, Eastern Standard Time all year."""

from __future__ import annotations

import re

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import NEEDED
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_ROW = re.compile(rb"\d{8} \d{6}(;[-+.\deE]+){5}\r?$")
_LAYOUT = Layout(";", NEEDED, ("YYYYMMDD HHNNSS",))
_CLOCK = "UTC-5"
_LOOKED_AT = 5


def detects(head: bytes, name: str) -> bool:
    return any(_ROW.match(line) for line in head.splitlines()[:_LOOKED_AT])


def parse(source: Source) -> Parsed:
    rows = parse_rows(source.text, _LAYOUT)
    digits = max(rows.digits[name] for name in NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, clock=_CLOCK)


FORMAT = Format(
    "histdata",
    "HistData.com ASCII bars (EST without daylight saving)",
    detects,
    parse,
    "20150201 170000;1.131050;1.131170;1.130760;1.130840;0",
)
