"""Binance's raw klines, twelve columns as its API and its public archive give them; milliseconds, since 2025 microseconds."""

from __future__ import annotations

import re
from dataclasses import replace

from engine.market.formats.base import Format, Parsed
from engine.market.formats.epoch import from_counts
from engine.market.formats.header import NEEDED
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_ROW = re.compile(rb"\d{13,16}(,[-+.\deE]+){5},\d{13,16}(,[-+.\deE]+){5}\r?$")
_REST = ("-close time", "-quote volume", "-trades", "-taker volume", "-taker quote volume", "-ignore")
_LOOKED_AT = 3


def detects(head: bytes, name: str) -> bool:
    return any(_ROW.match(line) for line in head.splitlines()[:_LOOKED_AT])


def parse(source: Source) -> Parsed:
    header = 0 if _ROW.match(source.head.split(b"\n", 1)[0]) else 1
    rows = parse_rows(source.text, Layout(",", ("since", *NEEDED, *_REST), stamp_fields=0, header=header))
    rows = replace(rows, at=from_counts(rows.columns.pop("since")))
    digits = max(rows.digits[name] for name in NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, clock="UTC")


FORMAT = Format(
    "binance-klines",
    "Binance raw klines, twelve columns",
    detects,
    parse,
    "1617570000000,1751.07,1754.28,1748.10,1753.83,13.15958,1617573599999,23042.1,121,6.3,11040.2,0",
)
