"""History formats: one file each; a new one is a module with `FORMAT` and a line here."""

from __future__ import annotations

from engine.core.errors import UserError
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
    """The format to read a source with: the one asked for, else the one that recognises it; a mapping makes other text `plain`.

    UserError for a format that is not known, or that needs a mapping where there is none.
    """
    if source.wanted.format == plain.FORMAT.name and source.wanted.mapping is None:
        raise UserError(f"{source.path.name}: is to be read as plain text, so its columns have to be named; give --columns")
    if source.wanted.format is not None:
        return _named(source.wanted.format)
    if source.wanted.mapping and not parquet.detects(source.head, source.name):
        return plain.FORMAT
    return sniff(source.head, source.name)


def _named(name: str) -> Format:
    found = next((format_ for format_ in FORMATS if format_.name == name), None)
    if found is None:
        raise UserError(f"format {name!r} is not known; main.py formats lists them")
    return found


def sniff(head: bytes, name: str) -> Format | None:
    """The format that recognises the first bytes of a text (unpacked, no byte order mark) called `name`; None if none does."""
    return next((format_ for format_ in FORMATS if format_.detects(head, name)), None)


__all__ = ["FORMATS", "BadRow", "Format", "Mapping", "Parsed", "Source", "Wanted", "format_of", "open_source", "sniff"]
