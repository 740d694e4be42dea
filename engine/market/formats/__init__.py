"""History formats: one file each; a new one is a module with `FORMAT` and a line here."""

from __future__ import annotations

from engine.market.formats import (
    binance_klines,
    binance_table,
    dukascopy,
    histdata,
    lean,
    mt4_export,
    mt5_export,
    mt5_python,
    mt5_script,
    parquet,
    plain,
    recording,
    tab,
    table,
)
from engine.market.formats.base import BadRow, Format, Parsed
from engine.market.formats.source import Source, open_source
from engine.market.formats.wanted import Mapping, Wanted

FORMATS: tuple[Format, ...] = (
    mt5_export.FORMAT,
    mt4_export.FORMAT,
    mt5_script.FORMAT,
    mt5_python.FORMAT,
    lean.FORMAT,
    dukascopy.FORMAT,
    histdata.FORMAT,
    tab.FORMAT,
    binance_klines.FORMAT,
    binance_table.FORMAT,
    recording.FORMAT,
    table.FORMAT,
    parquet.FORMAT,
    plain.FORMAT,
)


def format_of(source: Source) -> Format | None:
    """The format to read a source with: the one that recognises it; a mapping makes any other text `plain`."""
    if source.wanted.mapping and not parquet.detects(source.head, source.name):
        return plain.FORMAT
    return sniff(source.head, source.name)


def sniff(head: bytes, name: str) -> Format | None:
    """The format that recognises the first bytes of a text (unpacked, no byte order mark) called `name`; None if none does."""
    return next((format_ for format_ in FORMATS if format_.detects(head, name)), None)


__all__ = ["FORMATS", "BadRow", "Format", "Mapping", "Parsed", "Source", "Wanted", "format_of", "open_source", "sniff"]
