"""The files that were dropped, one below the other, each with what became of it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets import icons
from widgets.imports.item import STATES, Item
from widgets.style import blend, color, font, table_font
from widgets.theme import UNIT, Theme

Index = QModelIndex | QPersistentModelIndex
ITEM_ROLE = Qt.ItemDataRole.UserRole
HEIGHT = 40


class QueueModel(QAbstractListModel):
    """Items by their keys."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Item] = []

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item = self.items[index.row()]
        if role == ITEM_ROLE:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{item.file}: {item.line}"
        return f"{item.path}\n{item.line}" if role == Qt.ItemDataRole.ToolTipRole else None

    def show(self, items: list[Item]) -> None:
        """Only what is another file is a new row; the rest is drawn anew."""
        if [item.key for item in items] == [item.key for item in self.items]:
            changed = [at for at, item in enumerate(items) if item != self.items[at]]
            self.items = items
            for at in changed:
                self.dataChanged.emit(self.index(at), self.index(at))
            return
        self.beginResetModel()
        self.items = items
        self.endResetModel()


class Painter(QStyledItemDelegate):
    """A row: icon of the state, name, what became of it, and a thin line that fills while it is worked on."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(120, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        item: Item = index.data(ITEM_ROLE)
        look, theme, area = STATES[item.state], self.theme, option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, blend(theme, "gold", "bg1", 0.12))
            painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), color(theme, "gold"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, blend(theme, "text0", "bg1", 0.05))
        picture = icons.pixmap(look.icon, theme, look.role)
        painter.drawPixmap(area.left() + 2 * UNIT, area.top() + 2 * UNIT, picture)
        left, width = area.left() + 8 * UNIT, area.width() - 10 * UNIT
        self._write(painter, QRect(left, area.top() + 4, width, 16), item.file, "text0", Qt.TextElideMode.ElideMiddle)
        role = look.role if item.state in ("refused", "warned", "importing") else "text1"
        self._write(painter, QRect(left, area.top() + 20, width, 16), item.line, role, Qt.TextElideMode.ElideRight)
        if item.is_busy:
            track = QRect(left, area.bottom() - 2, width, 2)
            painter.fillRect(track, color(theme, "bg2"))
            painter.fillRect(QRect(left, track.top(), round(width * item.share), 2), color(theme, "gold"))
        painter.restore()

    def _write(self, painter: QPainter, area: QRect, text: str, role: str, mode: Qt.TextElideMode) -> None:
        painter.setFont(font() if role == "text0" else table_font())
        painter.setPen(color(self.theme, role))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, painter.fontMetrics().elidedText(text, mode, area.width()))


class QueueList(QListView):
    """The queue; `chosen(key)` when another file is looked at, `removed(key)` when one is taken off with Delete."""

    chosen = Signal(int)
    removed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue = QueueModel()
        self.queue.setParent(self)
        self.painting = Painter(theme, self)
        self.setModel(self.queue)
        self.setItemDelegate(self.painting)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setProperty("surface", "panel")
        self.setAccessibleName("Files")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.selectionModel().currentChanged.connect(self._on_current)

    def show_items(self, items: list[Item], key: int | None) -> None:
        """The files, `key` being the one that is looked at."""
        self.queue.show(items)
        row = next((at for at, item in enumerate(items) if item.key == key), -1)
        if row != self.currentIndex().row():
            self.selectionModel().blockSignals(True)
            self.setCurrentIndex(self.queue.index(row) if row >= 0 else QModelIndex())
            self.selectionModel().blockSignals(False)
            self.viewport().update()

    def set_theme(self, theme: Theme) -> None:
        self.painting.theme = theme
        self.viewport().update()

    def _on_current(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid():
            self.chosen.emit(now.data(ITEM_ROLE).key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.currentIndex().isValid():
            self.removed.emit(self.currentIndex().data(ITEM_ROLE).key)
            return
        super().keyPressEvent(event)
