"""A MetaTrader 5 script's export: `DateTime,Open,High,Low,Close,TickVolume,Spread`, spread in points, CRLF."""

from __future__ import annotations

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import first_line, metatrader_bars, named_columns
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "tickvolume": "volume",
    "spread": "spread",
}
_STAMPS = ("YYYY.MM.DD HH:NN:SS", "YYYY.MM.DD HH:NN", "YYYY.MM.DD")


def detects(head: bytes, name: str) -> bool:
    return head[:9].lower() == b"datetime," and b"tickvolume" in head.split(b"\n", 1)[0].lower()


def parse(source: Source) -> Parsed:
    """DataError when the header lacks a price or the tick volume."""
    header = [field.lower() for field in first_line(source, ",")]
    return metatrader_bars(parse_rows(source.text, Layout(",", named_columns(source, header[1:], _NAMES), _STAMPS, header=1)))


FORMAT = Format(
    "mt5-script", "MetaTrader 5 script export", detects, parse, "2016.03.21 01:00:00,1255.10,1255.80,1253.95,1254.32,1201,24"
)
