"""All that is known of one file, and what may be done with it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from engine.domain.imports import ImportPlan
from widgets import style
from widgets.elided import ElidedLabel
from widgets.imports import words
from widgets.imports.item import Item
from widgets.imports.reading import Check, Reading
from widgets.imports.sections import Changes, Quality, Rows, Section
from widgets.theme import UNIT, Theme

WIDE = 1440
"""From this width on all parts stand in two columns; below it the tables take the whole width."""
NARROW = 760
"""Below this width everything stands in one column."""

PLACES = {
    "narrow": ((0, 0, 1, 1), (1, 0, 1, 1), (2, 0, 1, 1), (3, 0, 1, 1)),
    "middle": ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 2), (2, 0, 1, 2)),
    "wide": ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)),
}
"""Row, column and spans of how the file is read, its quality, what would change, and its rows."""


class Notice(QFrame):
    """A sentence on a ground of its own."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self.label = QLabel(wordWrap=True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        column.addWidget(self.label)
        self.show_role(role)

    def show_role(self, role: str) -> None:
        style.set_role(self, "notice", role)

    def tell(self, sentence: str) -> None:
        self.label.setText(sentence)
        self.setVisible(bool(sentence))


class Details(QWidget):
    """The file that is looked at; `changed(Choices)` when the owner overrules how it is read."""

    changed = Signal(object)

    def __init__(self, theme: Theme, check_clock: Check, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._arrangement = ""
        self.name = ElidedLabel()
        self.name.setFont(style.font(bold=True))
        self.about = ElidedLabel()
        self.about.setProperty("role", "hint")
        self.trouble, self.outcome, self.warnings = Notice("trip"), Notice("good"), Notice("warn")
        self.reading = Reading(check_clock)
        self.read_as = Section("Read as")
        self.read_as.column.addWidget(self.reading)
        self.rows, self.quality, self.changes = Rows(theme), Quality(theme), Changes(theme)
        self.reading.changed.connect(self.changed)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QVBoxLayout()
        head.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, UNIT)
        head.setSpacing(UNIT)
        for part in (self.name, self.about, self.trouble, self.outcome, self.warnings):
            head.addWidget(part)
        self._inside = QWidget()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(3 * UNIT, UNIT, 3 * UNIT, 3 * UNIT)
        self._grid.setHorizontalSpacing(6 * UNIT)
        self._grid.setVerticalSpacing(4 * UNIT)
        area = QScrollArea(widgetResizable=True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._inside)
        self._inside.setProperty("surface", "panel")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(area, 1)
        self._arrange("narrow")

    def _arrange(self, arrangement: str) -> None:
        if arrangement == self._arrangement:
            return
        self._arrangement = arrangement
        for part in (self.read_as, self.changes, self.rows, self.quality):
            self._grid.removeWidget(part)
        for part, place in zip((self.read_as, self.quality, self.changes, self.rows), PLACES[arrangement], strict=True):
            self._grid.addWidget(part, *place, Qt.AlignmentFlag.AlignTop)
        self._grid.setRowStretch(4, 1)
        for at in range(2):
            self._grid.setColumnStretch(at, int(at == 0 or arrangement != "narrow"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = event.size().width()
        self._arrange("wide" if width >= WIDE else "narrow" if width < NARROW else "middle")

    def show_item(self, item: Item) -> None:
        """What is known of the file by now."""
        plan = item.plan
        self.name.show_text(item.file)
        self.about.show_text(_about(plan) if plan else item.path)
        trouble = item.trouble or (plan.refusal if plan else "")
        self.trouble.tell(words.in_the_panel(words.shortly(trouble, item.file)) if trouble else "")
        self.outcome.tell(item.note or (words.told(item.done, words.unit(plan)) if item.done and plan else ""))
        self.outcome.show_role("warn" if item.note else "good")
        self.warnings.tell("\n".join(plan.warnings) if plan and item.done is None and not trouble else "")
        self._inside.setVisible(plan is not None and bool(plan.sha256))
        if plan is not None:
            self.reading.show_plan(plan, not item.work and item.done is None)
            self.rows.show_plan(plan)
            self.quality.setVisible(bool(plan.figures))
            self.quality.show_figures(plan.figures, plan.bad, plan.bad_count)
            self.changes.show_change(plan.change, plan.decimals, item.state == "done")

    def set_theme(self, theme: Theme) -> None:
        for part in (self.rows.table, self.quality.bad, self.changes.bar, self.changes.corrections):
            part.set_theme(theme)

    def state(self) -> dict[str, Any]:
        """What is to be seen, in plain values."""
        counts = {name: label.text() for name, label in self.changes.counts.items()}
        return {
            "file": self.name.text(),
            "about": self.about.text(),
            "trouble": _shown(self.trouble),
            "outcome": _shown(self.outcome),
            "warnings": _shown(self.warnings),
            "format": self.reading.format.currentText(),
            "instrument": self.reading.symbol.currentText(),
            "timeframe": self.reading.timeframe.currentText(),
            "clock": self.reading.clock.currentText(),
            "evidence": self.reading.evidence.text(),
            "figures": {name: label.text() for name, label in self.quality.values.items()},
            "bad": [row[0] for row in self.quality.bad.texts.rows],
            "rows": self.rows.table.texts.rows,
            "change": counts if not self.changes.isHidden() else {},
        }


def _shown(notice: Notice) -> str:
    return "" if notice.isHidden() else notice.label.text()


def _about(plan: ImportPlan) -> str:
    parts = [words.size(plan.size)] if plan.size else []
    if plan.inner and plan.inner != plan.file:
        parts.append(f"inside: {plan.inner}")
    if plan.sha256:
        parts.append(f"SHA-256 {plan.sha256[:16]}…")
    return "   ".join(parts)
