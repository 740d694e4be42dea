"""MetaTrader 5, "export bars": tabs, a header `<DATE> <TIME> <OPEN> ...`, spread in points; D1 and above have no <TIME>."""

from __future__ import annotations

from engine.core.errors import DataError
from engine.market.formats.base import Format, Parsed
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {
    "<OPEN>": "open",
    "<HIGH>": "high",
    "<LOW>": "low",
    "<CLOSE>": "close",
    "<TICKVOL>": "volume",
    "<VOL>": "-real volume",
    "<SPREAD>": "spread",
}
_NEEDED = ("open", "high", "low", "close", "volume")


def detects(head: bytes, name: str) -> bool:  # noqa: ARG001
    return head.startswith(b"<DATE>\t") and b"<OPEN>" in head.split(b"\n", 1)[0]


def parse(source: Source) -> Parsed:
    """DataError when the header lacks a price or the tick volume."""
    layout = _layout(source)
    rows = parse_rows(source.text, layout)
    digits = max(rows.digits[name] for name in _NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, dates_only=rows.hours == 0, spread_in_points=True)


def _layout(source: Source) -> Layout:
    header = source.text.split(b"\n", 1)[0].decode("ascii", "replace").strip().split("\t")
    timed = header[1:2] == ["<TIME>"]
    columns = tuple(_NAMES.get(name, f"-{name}") for name in header[1 + timed :])
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise DataError(f"{source.path.name}: the header has no {', '.join(missing)}; export the bars again with all columns")
    stamps = ("YYYY.MM.DD\tHH:NN:SS", "YYYY.MM.DD\tHH:NN") if timed else ("YYYY.MM.DD",)
    return Layout("\t", columns, stamps, stamp_fields=1 + timed, header=1)


FORMAT = Format("mt5-export", "MetaTrader 5 export of bars", detects, parse)
