"""A row of the ticket: a label, its fields, and beneath them the one sentence that says what is wrong with them."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from widgets.style import set_role
from widgets.theme import UNIT
from widgets.ticket.field import NumberField

LABEL_WIDTH = 11 * UNIT


class Row(QWidget):
    """Fields behind a label; number fields take what is left. `fields` are those that can be wrong, by FieldError's name."""

    def __init__(self, name: str, *widgets: QWidget, fields: dict[str, QWidget] | None = None) -> None:
        super().__init__()
        self.fields = fields or {}
        line = QHBoxLayout()
        line.setSpacing(2 * UNIT)
        label = QLabel(name)
        label.setProperty("role", "label")
        label.setFixedWidth(LABEL_WIDTH)
        label.setBuddy(widgets[0])
        line.addWidget(label)
        for widget in widgets:
            line.addWidget(widget, 1 if isinstance(widget, NumberField) else 0)
        if not any(isinstance(widget, NumberField) for widget in widgets):
            line.addStretch()
        self.error = QLabel(visible=False, wordWrap=True)
        self.error.setProperty("role", "error")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(line)
        column.addWidget(self.error)

    def mark(self, field: str, sentence: str) -> bool:
        """Mark the field where it is one of this row, clear the others; True where it was."""
        for name, widget in self.fields.items():
            wrong = sentence if name == field else ""
            widget.mark(wrong) if isinstance(widget, NumberField) else set_role(widget, "wrong", bool(wrong))
        mine = bool(sentence) and field in self.fields
        self.error.setText(sentence if mine else "")
        self.error.setVisible(mine)
        return mine
