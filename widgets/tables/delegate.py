"""Paints a cell straight from the model: background, flash, text in its colour."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.style import blend, color, table_font
from widgets.tables.model import KeyedTableModel
from widgets.theme import Theme

PADDING = 5
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class CellDelegate(QStyledItemDelegate):
    """The look of all desk tables. `dim` names keys whose rows look old."""

    def __init__(self, model: KeyedTableModel, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self.theme = theme
        self.dim: frozenset[object] = frozenset()
        self.hovered_row = -1

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        number, at = index.row(), index.column()
        model, theme, rect = self._model, self.theme, option.rect
        key, column = model.key_at(number), model.columns[at]
        flash = model.flashes.role(key, at)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(rect, blend(theme, "gold", "bg1", 0.16))
        elif number == self.hovered_row:
            painter.fillRect(rect, blend(theme, "bg2", "bg1", 0.7))
        if flash:
            painter.fillRect(rect, blend(theme, flash, "bg1", 0.30))
        row = model.row(number)
        if column.paint is not None:
            column.paint(painter, rect, row, theme)
            return
        role = "text2" if key in self.dim else column.tint(row) if column.tint else "text0"
        painter.setPen(color(theme, role))
        painter.setFont(table_font(column.bold))
        inner = rect.adjusted(PADDING, 0, -PADDING, 0)
        text = model.text(number, at)
        if painter.fontMetrics().horizontalAdvance(text) > inner.width():
            text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, _RIGHT if column.numeric else _LEFT, text)

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setFont(table_font())
        editor.setAlignment(_RIGHT if self._model.columns[index.column()].numeric else _LEFT)
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:
        if isinstance(editor, QLineEdit) and not editor.isModified():
            text = self._model.text(index.row(), index.column())
            editor.setText(text if any(c.isdigit() for c in text) else "")
            editor.selectAll()
