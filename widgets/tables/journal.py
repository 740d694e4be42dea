"""The journal: every fact, in order, as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtWidgets import QWidget

from engine.domain.facts import Record, canonical
from widgets.empty import Empty
from widgets.tables.cells import time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.tables.sentences import role, sentence
from widgets.theme import Theme

KEPT = 10_000
"""Facts the window keeps at hand; the book keeps them all."""


def in_words(kind: str) -> str:
    """A fact's kind as people read it: "Order accepted"."""
    return re.sub(r"(?<!^)([A-Z])", lambda found: f" {found[1].lower()}", kind)


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        Column("seq", "#", lambda row: row.seq, lambda row, _d: str(row.seq), width=56, tint=lambda _row: "text2"),
        time_column(lambda row: row.at),
        text_column("kind", "Fact", lambda row: in_words(type(row.fact).__name__), 140, tint=lambda _row: "text1"),
        text_column("sentence", "What happened", lambda row: sentence(row.fact), 560, tint=lambda row: role(row.fact),
                    why=lambda row, _d: canonical(row)),
    )  # fmt: skip


def _searched(row: Record) -> str:
    """What the filter looks in; kinds as they are shown and as they are stored."""
    kind = type(row.fact).__name__
    return f"{row.seq} {kind} {in_words(kind)} {sentence(row.fact)}"


class JournalPanel(TablePanel):
    """Facts as they come, filtered by any word in them. The newest stands first."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.seq)
        empty = Empty(theme, "notebook-outline", "The journal is empty. Every fact is written here before it has an effect.")
        super().__init__(model, theme, "Journal", empty, parent)
        self.add_filter(
            "Filter journal",
            _searched,
        )
        self.bar.addStretch()
        self.add_button("Export CSV", "Write what is shown to a file", self.table.ask_export, "Ctrl+E", "download-outline")
        self.table.sort_by("seq", descending=True)

    def append(self, records: Iterable[Record]) -> None:
        """Add facts; those already there are not doubled, the oldest are let go beyond what is kept."""
        self.model.extend(records)
        if self.model.size > KEPT + KEPT // 4:
            self.model.forget(KEPT)
