"""A row of joined buttons of which one is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget


class Segments(QWidget):
    """One choice of a few, all in sight. `chosen` is emitted for the user's choice only, `choose` is silent."""

    chosen = Signal(str)

    def __init__(self, names: Sequence[str], what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(what)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        for name in names:
            button = QPushButton(name, checkable=True)
            button.setProperty("segment", True)
            button.setProperty("end", "first" if name == names[0] else "last" if name == names[-1] else "middle")
            button.setToolTip(f"{what}: {name}")
            button.setAccessibleName(f"{what}: {name}")
            button.clicked.connect(lambda _checked, name=name: self.chosen.emit(name))
            self._group.addButton(button)
            layout.addWidget(button)
            self.buttons[name] = button
        self.choose(names[0])

    @property
    def value(self) -> str:
        """The name chosen."""
        return next(name for name, button in self.buttons.items() if button.isChecked())

    def choose(self, name: str) -> None:
        """Mark `name` without telling anyone."""
        self.buttons[name].setChecked(True)
