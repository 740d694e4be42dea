"""A button for what cannot be taken back: the first press arms it, the second acts."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from widgets.style import set_role

ARMED_MS = 3000


class ConfirmButton(QPushButton):
    """Asks once more in its own place; disarms by itself after three seconds. `confirmed` comes with the second press."""

    confirmed = Signal()

    def __init__(self, text: str, question: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._calm, self.question = text, question
        self.setAccessibleName(text)
        self._timer = QTimer(self, singleShot=True, interval=ARMED_MS)
        self._timer.timeout.connect(self.disarm)
        self.clicked.connect(self._press)

    @property
    def is_armed(self) -> bool:
        return self._timer.isActive()

    def _press(self) -> None:
        if self.is_armed:
            self.disarm()
            self.confirmed.emit()
            return
        self.setText(self.question)
        set_role(self, "kind", "danger")
        self._timer.start()

    def disarm(self) -> None:
        """Back to calm."""
        self._timer.stop()
        self.setText(self._calm)
        set_role(self, "kind", None)
