"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.commands import Command, Commands


class Palette(QDialog):
    """Lists the commands whose titles hold every word typed."""

    def __init__(self, commands: Commands, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._commands = commands
        self.setAccessibleName("Commands")
        self.box = QLineEdit(placeholderText="Type a command")
        self.list = QListWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.box)
        layout.addWidget(self.list)
        self.resize(420, 320)
        self.box.textChanged.connect(self._fill)
        self.box.returnPressed.connect(self._run)
        self.list.itemActivated.connect(lambda _item: self._run())
        self._fill("")

    def _fill(self, text: str) -> None:
        words = text.casefold().split()
        self.list.clear()
        for command in self._commands.all():
            if all(word in f"{command.menu} {command.title}".casefold() for word in words):
                self._add(command)
        self.list.setCurrentRow(0)

    def _add(self, command: Command) -> None:
        item = QListWidgetItem(f"{command.menu}: {command.title}" + (f"    {command.shortcut}" if command.shortcut else ""))
        item.setData(Qt.ItemDataRole.UserRole, command.name)
        self.list.addItem(item)

    def _run(self) -> None:
        item = self.list.currentItem()
        self.close()
        if item is not None:
            self._commands.run(item.data(Qt.ItemDataRole.UserRole))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down move in the list while the text box keeps the focus."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self.list.setCurrentRow(max(0, min(self.list.count() - 1, self.list.currentRow() + step)))
