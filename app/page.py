"""A page over the docks: for work that wants the whole window, while account, state of trading and market stay in sight."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from widgets import style
from widgets.theme import UNIT


class Page(QWidget):
    """A panel's widget under its title, and the way back. It answers what docks are asked: visible, closed, title, in front."""

    def __init__(self, title: str, widget: QWidget, leave: Callable[[], None]) -> None:
        super().__init__()
        self.setWindowTitle(title)
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        name = QLabel(title)
        name.setFont(style.font(bold=True))
        self.waiting = QLabel()
        self.waiting.setProperty("role", "warn")
        self.back = QPushButton("Back to the desk")
        self.back.setToolTip("Show the chart and the lists again; what runs goes on")
        self.back.clicked.connect(leave)
        head = QHBoxLayout()
        head.setContentsMargins(3 * UNIT, UNIT, 2 * UNIT, UNIT)
        head.addWidget(name, 1)
        head.addWidget(self.waiting)
        head.addSpacing(2 * UNIT)
        head.addWidget(self.back)
        line = QFrame()
        line.setProperty("line", "h")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(line)
        column.addWidget(widget, 1)

    def show_waiting(self, cards: int) -> None:
        """How many signals wait for the owner while the page hides them."""
        self.waiting.setText(f"{cards} signal{'s' if cards > 1 else ''} waiting (Ctrl+J)" if cards else "")

    def isClosed(self) -> bool:
        """Whether another part of the window stands in its place."""
        return self.isHidden()
