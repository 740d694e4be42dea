"""Tables as text: CSV that a spreadsheet cannot mistake for a formula, and tab-separated rows for the clipboard."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from widgets.format import DASH, plain
from widgets.tables.model import KeyedTableModel

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """A text cell with a leading apostrophe where a spreadsheet would run it; numbers are left as they are."""
    return "'" + text if text.startswith(_FORMULA_STARTS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.strip() == text


def cell(model: KeyedTableModel, number: int, at: int) -> str:
    """What stands in the cell, as a file wants it: bare numbers, safe words, nothing for a dash."""
    column = model.columns[at]
    if column.export is not None:
        return safe(column.export(model.row(number), model.display))
    text = model.text(number, at)
    return safe(("" if text == DASH else plain(text)) if column.numeric else text)


def table(model: KeyedTableModel, columns: Sequence[int], numbers: Iterable[int]) -> list[list[str]]:
    """Header and rows of the given columns and row numbers."""
    header = [safe(model.columns[at].header(model.display)) for at in columns]
    return [header, *([cell(model, number, at) for at in columns] for number in numbers)]


def write_csv(path: Path, rows: Iterable[Iterable[str]]) -> None:
    """The rows as a UTF-8 CSV file. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def tabbed(rows: Iterable[Iterable[str]]) -> str:
    """The rows for the clipboard."""
    return "\n".join("\t".join(row) for row in rows)
