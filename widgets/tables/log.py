"""The log: what the program itself has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from engine.core.clock import Nanos
from widgets.empty import Empty
from widgets.tables.cells import time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.theme import Theme

KEPT = 5_000
_ROLES = {"debug": "text2", "info": "text0", "warning": "warn", "error": "trip", "critical": "trip"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log; `number` grows by one a line, `level` is debug, info, warning, error or critical."""

    number: int
    at: Nanos
    level: str
    source: str
    text: str


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        time_column(lambda row: row.at),
        text_column("level", "Level", lambda row: row.level, 60, tint=lambda row: _ROLES.get(row.level, "text0")),
        text_column("source", "Source", lambda row: row.source, 110, tint=lambda _row: "text1"),
        text_column("text", "Message", lambda row: row.text, 600, tint=lambda row: _ROLES.get(row.level, "text0"),
                    why=lambda row, _d: row.text),
    )  # fmt: skip


class LogPanel(TablePanel):
    """The program's log, the newest line first; about 5,000 lines are kept."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.number)
        super().__init__(model, theme, "Log", Empty(theme, "text-box-outline", "Nothing logged yet."), parent)
        self.add_filter("Filter log", lambda row: f"{row.level} {row.source} {row.text}")
        self.bar.addStretch()
        self.add_button("Export CSV", "Write what is shown to a file", self.table.ask_export, "Ctrl+E", "download-outline")
        self.table.sort_by("time", descending=True)

    def append(self, lines: Iterable[LogLine]) -> None:
        """Add lines and forget the oldest beyond what is kept."""
        self.model.extend(lines)
        if self.model.size > KEPT + KEPT // 4:
            self.model.forget(KEPT)
