"""MetaTrader 5, "export bars": tabs, a header `<DATE> <TIME> <OPEN> ...`, spread in points; D1 and above have no <TIME>."""

from __future__ import annotations

from engine.market.formats.base import Format, Parsed
from engine.market.formats.header import first_line, metatrader_bars, named_columns
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {
    "<OPEN>": "open",
    "<HIGH>": "high",
    "<LOW>": "low",
    "<CLOSE>": "close",
    "<TICKVOL>": "volume",
    "<SPREAD>": "spread",
}


def detects(head: bytes, name: str) -> bool:
    return head.startswith(b"<DATE>\t") and b"<OPEN>" in head.split(b"\n", 1)[0]


def parse(source: Source) -> Parsed:
    """DataError when the header lacks a price or the tick volume."""
    header = first_line(source, "\t")
    timed = header[1:2] == ["<TIME>"]
    columns = named_columns(source, header[1 + timed :], _NAMES)
    stamps = ("YYYY.MM.DD\tHH:NN:SS", "YYYY.MM.DD\tHH:NN") if timed else ("YYYY.MM.DD",)
    return metatrader_bars(parse_rows(source.text, Layout("\t", columns, stamps, stamp_fields=1 + timed, header=1)))


FORMAT = Format(
    "mt5-export",
    "MetaTrader 5 export of bars",
    detects,
    parse,
    "2025.01.02\t01:00:00\t2624.50\t2625.85\t2624.21\t2625.02\t297\t0\t18",
)
