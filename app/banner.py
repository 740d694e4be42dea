"""A line across the window that stays until it is answered: what happened, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy

from widgets import style


class Banner(QFrame):
    """A sentence and at most one button; the newest sentence replaces the one before."""

    def __init__(self) -> None:
        super().__init__(visible=False)
        self.setAccessibleName("Message")
        self._act: Callable[[], None] = self.hide
        self.label = QLabel(wordWrap=True)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = QPushButton()
        self.button.clicked.connect(self._pressed)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)

    def tell(self, sentence: str, action: str = "", act: Callable[[], None] | None = None, hint: str = "") -> None:
        """Says something the owner should know; pressing the button `action` runs `act` and takes the line away."""
        self._show("banner", sentence, action, act, hint)

    def complain(self, sentence: str, action: str = "", act: Callable[[], None] | None = None, hint: str = "") -> None:
        """Says what went wrong."""
        self._show("trouble", sentence, action, act, hint)

    def _show(self, role: str, sentence: str, action: str, act: Callable[[], None] | None, hint: str) -> None:
        style.set_role(self, "role", role)
        self._act = act or self.hide
        self.label.setText(sentence)
        self.button.setText(action or "Dismiss")
        self.button.setToolTip(hint or "Take this line away")
        self.show()

    def _pressed(self) -> None:
        self.hide()
        self._act()

    def text(self) -> str:
        """What it says; "" while it is hidden."""
        return "" if self.isHidden() else self.label.text()
