"""A field for a number, marked with one sentence where it cannot be used."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from engine.core.errors import UserError
from widgets.style import set_role
from widgets.typed import decimal_of


class NumberField(QLineEdit):
    """A decimal typed by hand or moved by arrow keys; the wheel scrolls what it lies in. `changed` comes with every edit.

    `step` is what one press moves; ten steps with Shift. `start` is where an empty field begins. `decimals` are those of a
    field that takes grouped thousands, None for one that takes no comma.
    """

    changed = Signal()

    def __init__(self, name: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step = Decimal(1)
        self.start: Decimal | None = None
        self.decimals: int | None = None
        self.hint = hint
        self.setAccessibleName(name)
        self.setToolTip(hint)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.textEdited.connect(lambda _text: self.changed.emit())

    def value(self) -> Decimal | None:
        """The number typed, None when empty. Raises UserError when it is not a number, or not one for certain."""
        return decimal_of(self.text(), self.decimals) if self.text().strip() else None

    def show_value(self, text: str) -> None:
        """Put a value in and tell of it; the field is no longer marked."""
        if text != self.text():
            self.setText(text)
            self.changed.emit()

    def mark(self, sentence: str) -> None:
        """Mark the field as wrong with the sentence as its tooltip; "" clears the mark."""
        set_role(self, "wrong", bool(sentence))
        self.setToolTip(sentence or self.hint)

    def move(self, steps: int) -> None:
        """Add `steps` steps; never below one step."""
        try:
            current = self.value()
        except UserError:
            return
        moved = (current if current is not None else self.start or Decimal(0)) + steps * self.step
        self.show_value(f"{max(moved, self.step):f}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(Qt.Key(event.key()))
        if direction is None:
            super().keyPressEvent(event)
            return
        self.move(direction * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
