"""Tabs without a header: `2017-08-17 04:00<TAB>open<TAB>high<TAB>low<TAB>close<TAB>count`; the last is no traded volume."""

from __future__ import annotations

import re

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import NEEDED
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_ROW = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?(\t[-+.\deE]+){5}\r?$")
_LAYOUT = Layout("\t", NEEDED, ("YYYY-MM-DD HH:NN", "YYYY-MM-DD HH:NN:SS"))
_LOOKED_AT = 5


def detects(head: bytes, name: str) -> bool:
    return any(_ROW.match(line) for line in head.splitlines()[:_LOOKED_AT])


def parse(source: Source) -> Parsed:
    rows = parse_rows(source.text, _LAYOUT)
    digits = max(rows.digits[name] for name in NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits)


FORMAT = Format(
    "tab-noheader",
    "Tabs without a header, the last column a count",
    detects,
    parse,
    "2017-08-17 04:00\t4261.48\t4313.62\t4261.32\t4308.83\t48",
)
