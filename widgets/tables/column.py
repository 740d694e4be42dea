"""What a column of a table is: where its value comes from and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from widgets.format import Display
from widgets.theme import Theme

Row = Any
Painter = Callable[[QPainter, QRect, Row, Theme], None]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `value` is raw and sorts; `text` is shown; `tint` names the theme's colour of the text.

    `unit` stands in the header, "{currency}" is filled in from the display. `edit` turns what was typed into an intent
    and raises UserError with one sentence; `export` gives the text for files where it differs from what is shown.
    `hint` is the header's tooltip. A `flash` column tints for 150 ms when its raw value changes. `paint` draws the cell itself.
    """

    name: str
    title: str
    value: Callable[[Row], Any]
    text: Callable[[Row, Display], str]
    unit: str = ""
    numeric: bool = True
    width: int = 72
    tint: Callable[[Row], str] | None = None
    why: Callable[[Row, Display], str] | None = None
    edit: Callable[[Row, str], object] | None = None
    export: Callable[[Row, Display], str] | None = None
    flash: bool = False
    bold: bool = False
    paint: Painter | None = None
    hint: str = ""

    def header(self, display: Display) -> str:
        """Title and unit."""
        unit = self.unit.replace("{currency}", display.currency)
        return f"{self.title} {unit}" if unit else self.title


def text_column(name: str, title: str, value: Callable[[Row], str], width: int = 80, **options: Any) -> Column:
    """A column of words, left aligned."""
    return Column(name, title, value, lambda row, _display: value(row), numeric=False, width=width, **options)


def sort_key(value: Any) -> tuple[bool, Any]:
    """Orders raw values with the missing ones last; words without regard to case."""
    return (value is None, value.casefold() if isinstance(value, str) else 0 if value is None else value)
