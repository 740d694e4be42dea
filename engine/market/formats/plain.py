"""Any delimited text whose columns the user names (--columns); never recognised by itself."""

from __future__ import annotations

from engine.market.formats.base import Format, Parsed
from engine.market.formats.delimited import parse_mapped
from engine.market.formats.source import Source


def detects(head: bytes, name: str) -> bool:
    return False


def parse(source: Source) -> Parsed:
    """DataError when the times follow no format that is known."""
    assert source.wanted.mapping is not None
    return parse_mapped(source, source.wanted.mapping)


FORMAT = Format(
    "plain",
    "Any delimited text, its columns named by --columns",
    detects,
    parse,
    "--columns date,time,open,high,low,close,-,volume --separator ';' --time-format 'DD/MM/YYYY;HH:NN'",
)
