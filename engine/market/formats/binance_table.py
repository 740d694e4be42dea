"""Binance klines as programs keep them: `date,open,high,low,close,volume,ticker`; UTC, as the exchange answers."""

from __future__ import annotations

from dataclasses import replace

from engine.core.errors import DataError
from engine.market.formats.base import BadRow, Format, Parsed
from engine.market.formats.header import NEEDED, first_line, named_columns
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, parse_rows

_NAMES = {name: name for name in NEEDED}
_STAMPS = ("YYYY-MM-DD HH:NN:SS", "YYYY-MM-DD HH:NN", "YYYY-MM-DD")


def detects(head: bytes, name: str) -> bool:
    fields = head.split(b"\n", 1)[0].strip().lower().split(b",")
    return fields[0] == b"date" and fields[-1] == b"ticker"


def parse(source: Source) -> Parsed:
    """DataError when the rows are of another instrument than the one wanted."""
    header = [field.lower() for field in first_line(source, ",")]
    text, bad = _without_ticker(source)
    columns = named_columns(source, header[1:-1], _NAMES)
    rows = parse_rows(text, Layout(",", columns, _STAMPS, header=1))
    rows = replace(rows, bad=[*rows.bad, *bad])
    digits = max(rows.digits[name] for name in NEEDED[:4])
    return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), digits, rows.hours == 0, clock="UTC")


def _without_ticker(source: Source) -> tuple[bytes, list[BadRow]]:
    """The rows without their last field; those of another ticker than the one wanted (else the first) are blank and bad."""
    lines = source.text.splitlines()
    wanted = (source.wanted.symbol or "").encode()
    tickers = {line.rpartition(b",")[2].strip().upper() for line in lines[1:] if line}
    if wanted and tickers and wanted not in tickers:
        found = ", ".join(sorted(ticker.decode("utf-8", "replace") for ticker in tickers)[:5])
        raise DataError(f"{source.path.name}: the rows are of {found}, not {wanted.decode()}; check --instrument")
    kept, bad = [], []
    for number, line in enumerate(lines, 1):
        row, _, ticker = line.rpartition(b",")
        if number > 1 and line and wanted and ticker.strip().upper() != wanted:
            bad.append(BadRow(number, f"ticker {ticker.decode('utf-8', 'replace')[:20]!r} is not {wanted.decode()}"))
            row = b""
        kept.append(row)
    return b"\n".join(kept), bad


FORMAT = Format(
    "binance-table",
    "Binance klines with date and ticker (UTC)",
    detects,
    parse,
    "2021-04-04 21:00:00,1751.07000000,1754.28000000,1748.10000000,1753.83000000,13.15958000,PAXGUSDT",
)
