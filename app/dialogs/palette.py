"""The command palette: type a few letters, press Enter."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.commands import Command, Commands

SHORTCUT = int(Qt.ItemDataRole.UserRole) + 1
ROW = 24
ALIGN = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CommandRow(QStyledItemDelegate):
    """The command's title, and its shortcut at the right edge."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width(), ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().paint(painter, option, index)
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        painter.setOpacity(0.8)
        painter.drawText(option.rect.adjusted(0, 0, -8, 0), ALIGN, index.data(SHORTCUT))


class Palette(QDialog):
    """Lists the commands whose titles hold every word typed, without those that have nothing to do now."""

    def __init__(self, commands: Commands, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._commands = commands
        self.setAccessibleName("Commands")
        self.box = QLineEdit(placeholderText="Type a command")
        self.list = QListWidget()
        self.list.setItemDelegate(CommandRow(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        frame = QFrame()
        frame.setProperty("role", "popup")
        whole.addWidget(frame)
        layout = QVBoxLayout(frame)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.box)
        layout.addWidget(self.list)
        self.resize(480, 400)
        self.box.textChanged.connect(self._fill)
        self.box.returnPressed.connect(self._run)
        self.list.itemActivated.connect(lambda _item: self._run())
        self._fill("")

    def _fill(self, text: str) -> None:
        words = text.casefold().split()
        self.list.clear()
        for command in self._commands.all():
            words_fit = all(word in f"{command.menu} {command.title}".casefold() for word in words)
            if words_fit and self._commands.is_offered(command.name):
                self._add(command)
        self.list.setCurrentRow(0)

    def _add(self, command: Command) -> None:
        item = QListWidgetItem(f"{command.menu}: {command.title}")
        item.setData(SHORTCUT, command.shortcut)
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
