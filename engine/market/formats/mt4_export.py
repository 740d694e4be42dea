"""MetaTrader 4, history centre export: `2020.05.27,18:05,open,high,low,close,tick volume`, no header, LF or CRLF."""

from __future__ import annotations

import re

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import NEEDED, metatrader_bars
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_ROW = re.compile(rb"\d{4}\.\d\d\.\d\d,\d\d:\d\d(:\d\d)?(,[-+.\deE]+){5}$")
_LAYOUT = Layout(",", NEEDED, ("YYYY.MM.DD,HH:NN", "YYYY.MM.DD,HH:NN:SS"), stamp_fields=2)
_LOOKED_AT = 5


def detects(head: bytes, name: str) -> bool:
    return any(_ROW.match(line) for line in head.splitlines()[:_LOOKED_AT])


def parse(source: Source) -> Parsed:
    return metatrader_bars(parse_rows(source.text, _LAYOUT))


FORMAT = Format(
    "mt4-export", "MetaTrader 4 history centre export", detects, parse, "2020.05.27,18:05,1710.12,1710.55,1709.98,1710.31,52"
)
