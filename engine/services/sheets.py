"""Tables of a book as CSV and Parquet that a spreadsheet opens without running anything of them."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.clock import SECOND, Nanos
from engine.core.errors import UserError
from engine.market.exporting import write
from engine.market.formats.parquet import library
from engine.services.bookkeeping import book_of
from engine.storage.extracts import DECIMALS, EXTRACTS, Column, Extract, rows_of

_FORMULA = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What a cell may not begin with: spreadsheets take it for a formula; in wide characters too, as Chinese and Japanese ones do."""
_NEGATIVE = re.compile(r"-\d+(?:\.\d+)?")
_DIGITS = 38
"""Of a decimal column of Parquet, the most there is."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was written where; `sha256` is of the file's unpacked bytes."""

    file: str
    table: str
    book: int
    format: str
    rows: int
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def safe(text: str) -> str:
    """The text as a cell that is no formula: with an apostrophe before it where it would be one. Negative numbers stay."""
    return f"'{text}" if _FORMULA.match(text) and not _NEGATIVE.fullmatch(text) else text


def sheet_formats() -> tuple[str, ...]:
    """What can be written; the ending of a file is its format's name."""
    return tuple(_RENDERERS)


def write_sheet(url: str, number: int | None, table: str, file: Path, form: str | None, overwrite: bool) -> Sheet:
    """Writes facts, orders, fills or positions of a book to `file`. UserError where the format is not known or it cannot be."""
    name = _format_of(file, form)
    extract = EXTRACTS[table]
    with book_of(url, number) as (database, book):
        rows = list(rows_of(database, book.id, extract))
    data = _RENDERERS[name](extract, rows)
    write(file, data, overwrite)
    return Sheet(str(file), table, book.id, name, len(rows), hashlib.sha256(data).hexdigest())


def csv_lines(url: str, number: int | None, table: str) -> Iterator[str]:
    """The lines of a table as CSV, with their line ends, without holding all of them."""
    extract = EXTRACTS[table]
    with book_of(url, number) as (database, book):
        yield from _lines(extract, rows_of(database, book.id, extract))


def _format_of(file: Path, form: str | None) -> str:
    name = file.with_suffix("") if file.suffix.lower() == ".gz" else file
    chosen = (form or name.suffix.removeprefix(".")).lower()
    if chosen not in _RENDERERS:
        names = " or ".join(_RENDERERS)
        raise UserError(f"{file.name} is neither {names.replace(' or ', ' nor ')}; name it so, or give --format {names}")
    return chosen


def _lines(extract: Extract, rows: Iterable[list[Any]]) -> Iterator[str]:
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")  # a cell is only put in quotes for a return that is part of this
    for cells in ([column.name for column in extract.columns], *_spelled(extract, rows)):
        writer.writerow(cells)
        yield line.getvalue().removesuffix("\r\n") + "\n"
        line.seek(0)
        line.truncate()


def _spelled(extract: Extract, rows: Iterable[list[Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_text(column, value) for column, value in zip(extract.columns, row, strict=True)]


def _text(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.unit == "text":
        return safe(value)
    if column.unit == "time":
        return _time(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _time(at: Nanos) -> str:
    """ISO 8601 in UTC, with a fraction only where there is one."""
    return f"{np.datetime_as_string(np.datetime64(at, 'ns'), unit='ns' if at % SECOND else 's')}Z"


def _csv(extract: Extract, rows: list[list[Any]]) -> bytes:
    return "".join(_lines(extract, rows)).encode()


def _parquet(extract: Extract, rows: list[list[Any]]) -> bytes:
    """Text, int64, timestamp[ns, UTC] and decimal: numbers stay numbers, exactly."""
    arrow, tables = library("pyarrow"), library()
    types = {"text": arrow.string(), "whole": arrow.int64(), "time": arrow.timestamp("ns", tz="UTC")}
    columns = {}
    for place, column in enumerate(extract.columns):
        values = [row[place] for row in rows]
        if column.unit == "text":
            values = [None if value is None else safe(value) for value in values]
        columns[column.name] = arrow.array(values, types.get(column.unit, arrow.decimal128(_DIGITS, DECIMALS)))
    sink = arrow.BufferOutputStream()
    tables.write_table(arrow.table(columns), sink, compression="zstd", version="2.6")
    return bytes(sink.getvalue())


_RENDERERS: dict[str, Callable[[Extract, list[list[Any]]], bytes]] = {"csv": _csv, "parquet": _parquet}
