"""The part of the ticket that folds out: several targets, a stop that trails, post-only, and a second order."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QToolButton, QVBoxLayout, QWidget

from engine.domain.instrument import Instrument
from widgets.segments import Segments
from widgets.theme import UNIT
from widgets.ticket.draft import PAIR
from widgets.ticket.field import NumberField
from widgets.ticket.row import Row
from widgets.ticket.second import SecondOrder
from widgets.ticket.targets import Targets

PERCENT = "%"


def trail_unit(what: str) -> Segments:
    """Distance or percent, for what trails."""
    made = Segments(("dist", PERCENT), what)
    made.buttons["dist"].setToolTip("A distance in price")
    made.buttons[PERCENT].setToolTip("Percent of the price")
    return made


class Advanced(QWidget):
    """Folded, it says what is set in it: that counts all the same. `changed` comes with every edit, `folded` with each click."""

    changed = Signal()
    opened = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.button = QToolButton(checkable=True)
        self.button.setProperty("fold", True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setToolTip("Several targets, a stop that trails, post-only, OCO pairs, an order that follows")
        self.body = QWidget()
        self.targets, self.second = Targets(), SecondOrder()
        self.stop_trail = NumberField("Stop loss trails by", "How far the stop loss stays behind the price; empty, it stays put")
        self.stop_trail.setPlaceholderText("stays put")
        self.stop_trail_unit = trail_unit("The stop loss trails by a distance or by percent")
        self.post_only = QCheckBox("Post-only")
        self.post_only_row = Row("", self.post_only)
        self._trail_row = Row("Trail", self.stop_trail, self.stop_trail_unit, fields={"stop_trail": self.stop_trail})
        inner = QVBoxLayout(self.body)
        column = QVBoxLayout(self)
        for layout in (inner, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(UNIT)
        line = QFrame()
        line.setProperty("line", "h")
        for widget in (self.targets, self._trail_row, self.post_only_row, line, self.second):
            inner.addWidget(widget)
        column.addWidget(self.button)
        column.addWidget(self.body)
        for part in (self.targets, self.second, self.stop_trail):
            part.changed.connect(self._on_change)
        self.stop_trail_unit.chosen.connect(lambda _name: self._on_change())
        self.post_only.toggled.connect(lambda _on: self._on_change())
        self.button.clicked.connect(self._on_click)
        self.set_open(False)

    def _on_click(self, is_open: bool) -> None:
        self.set_open(is_open)
        self.opened.emit(is_open)

    def _on_change(self) -> None:
        self._label()
        self.changed.emit()

    def set_open(self, is_open: bool) -> None:
        """Fold out or in."""
        self.button.setChecked(is_open)
        self.button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.body.setVisible(is_open)
        self._label()

    @property
    def is_open(self) -> bool:
        return self.button.isChecked()

    def _label(self) -> None:
        parts = ["Advanced"]
        if count := len(self.targets.rows):
            parts.append(f"{count} target{'s' if count > 1 else ''}")
        if self.stop_trail.text().strip():
            parts.append("trailing stop")
        if self.post_only.isChecked():
            parts.append("post-only")
        if tie := self.second.tied_by:
            parts.append("OCO" if tie == PAIR else "OTO")
        self.button.setText(" · ".join(parts))

    def set_instrument(self, instrument: Instrument, by_distance: bool) -> None:
        """Units of this instrument; what was typed stays."""
        self.targets.set_unit(instrument, by_distance)
        self.second.set_instrument(instrument, by_distance)
        self.stop_trail.step = instrument.tick_size * 10

    def allow(self, is_limit: bool) -> None:
        """Post-only is for limit orders."""
        self.post_only.setEnabled(is_limit)
        self.post_only.setToolTip(
            "Cancelled instead of taking what is offered; where the venue has it" if is_limit else "Post-only is for limit orders"
        )
        if not is_limit:
            self.post_only.setChecked(False)

    def clear(self) -> None:
        """Nothing of it is set."""
        self.targets.clear()
        self.stop_trail.clear()
        self.post_only.setChecked(False)
        self.second.clear()
        self._label()

    @property
    def all_rows(self) -> list[Row]:
        return [self._trail_row, *self.targets.all_rows, *self.second.all_rows]
