"""What an empty panel says: what would fill it, and a button that does."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from widgets import icons
from widgets.theme import UNIT, Theme


class Empty(QWidget):
    """An icon, one sentence and, where there is something to do, a button; `acted` says it was pressed."""

    acted = Signal()

    def __init__(self, theme: Theme, icon: str, sentence: str, action: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self.picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self.sentence = QLabel(sentence, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self.sentence.setProperty("role", "hint")
        self.button = QPushButton(action)
        self.button.setToolTip(action)
        self.button.setVisible(bool(action))
        self.button.clicked.connect(self.acted)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4 * UNIT, 2 * UNIT, 4 * UNIT, 2 * UNIT)
        layout.setSpacing(2 * UNIT)
        layout.addStretch()
        layout.addWidget(self.picture)
        layout.addWidget(self.sentence)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignCenter)
        layout.addStretch()
        self.set_theme(theme)

    def set_sentence(self, sentence: str) -> None:
        self.sentence.setText(sentence)

    def set_theme(self, theme: Theme) -> None:
        self.picture.setPixmap(icons.pixmap(self._icon, theme, "text2", 24))

    def state(self) -> dict[str, Any]:
        return {"sentence": self.sentence.text(), "action": self.button.text()}
