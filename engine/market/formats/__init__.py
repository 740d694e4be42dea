"""History formats: one file each; a new one is a module with `FORMAT` and a line here."""

from __future__ import annotations

from engine.market.formats import lean, mt4_export, mt5_export, mt5_python, mt5_script
from engine.market.formats.base import BadRow, Format, Parsed
from engine.market.formats.source import Source, open_source

FORMATS: tuple[Format, ...] = (
    mt5_export.FORMAT,
    mt4_export.FORMAT,
    mt5_script.FORMAT,
    mt5_python.FORMAT,
    lean.FORMAT,
)


def sniff(head: bytes, name: str) -> Format | None:
    """The format that recognises the first bytes of a text (unpacked, no byte order mark) called `name`; None if none does."""
    return next((format_ for format_ in FORMATS if format_.detects(head, name)), None)


__all__ = ["FORMATS", "BadRow", "Format", "Parsed", "Source", "open_source", "sniff"]
