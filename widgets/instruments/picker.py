"""The list of instruments with its search."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from engine.domain.revision import Listed
from widgets.style import blend, color, font, table_font
from widgets.theme import UNIT, Theme

WIDTH = 232
HEIGHT = 40
LISTED = Qt.ItemDataRole.UserRole


class Row(QStyledItemDelegate):
    """Symbol and profile, the name below, and the version where the owner edited it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        each: Listed = index.data(LISTED)
        theme, area = self.theme, option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, blend(theme, "gold", "bg1", 0.12))
            painter.fillRect(QRect(area.left(), area.top(), 2, area.height()), color(theme, "gold"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, blend(theme, "text0", "bg1", 0.05))
        inner = area.adjusted(3 * UNIT, UNIT, -2 * UNIT, -UNIT)
        painter.setFont(font())
        painter.setPen(color(theme, "text0"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, each.key)
        painter.setFont(table_font())
        painter.setPen(color(theme, "gold" if each.version else "text2"))
        note = f"version {each.version}" if each.version else each.definition.kind
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, note)
        painter.setPen(color(theme, "text1"))
        name = painter.fontMetrics().elidedText(each.definition.name, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, name)
        painter.restore()


class Picker(QWidget):
    """`chosen(key)` when the owner chooses an instrument. Up and down move in the list from the search box too."""

    chosen = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.search = QLineEdit(placeholderText="Find an instrument", clearButtonEnabled=True)
        self.search.setAccessibleName("Find an instrument")
        self.search.setToolTip("Part of a symbol or a name; up and down move in the list (Ctrl+F)")
        self.list = QListWidget()
        self.list.setAccessibleName("Instruments")
        self.list.setItemDelegate(Row(theme, self.list))
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setProperty("surface", "panel")
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._all: Sequence[Listed] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        head = QVBoxLayout()
        head.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, UNIT)
        head.addWidget(self.search)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.list.currentItemChanged.connect(self._choose)

    @property
    def key(self) -> str:
        """The instrument chosen; "" for none."""
        item = self.list.currentItem()
        return item.data(LISTED).key if item is not None else ""

    def show_list(self, listed: Sequence[Listed], key: str) -> None:
        """Shows the instruments, `key` among them chosen, and tells nobody."""
        self._all = listed
        self.search.blockSignals(True)
        if key and not any(self._fits(each) for each in listed if each.key == key):
            self.search.clear()
        self.search.blockSignals(False)
        self._fill(key)

    def choose(self, key: str) -> None:
        """Chooses an instrument and tells nobody."""
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            if self.list.item(row).data(LISTED).key == key:
                self.list.setCurrentRow(row)
        self.list.blockSignals(False)

    def _fits(self, each: Listed) -> bool:
        words = self.search.text().casefold().split()
        return all(word in f"{each.key} {each.definition.name} {each.definition.kind}".casefold() for word in words)

    def _fill(self, key: str = "") -> None:
        key = key or self.key
        self.list.blockSignals(True)
        self.list.clear()
        for each in self._all:
            if self._fits(each):
                item = QListWidgetItem(f"{each.key}: {each.definition.name}")
                item.setData(LISTED, each)
                item.setToolTip(each.line())
                self.list.addItem(item)
        self.list.blockSignals(False)
        self.choose(key)

    def _choose(self, item: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(item.data(LISTED).key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down move in the list while the search box keeps the focus."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        self.list.setCurrentRow(max(0, min(self.list.count() - 1, self.list.currentRow() + step)))

    def set_theme(self, theme: Theme) -> None:
        self.list.setItemDelegate(Row(theme, self.list))
