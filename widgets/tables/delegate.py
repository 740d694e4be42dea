"""Gives a cell its editor: a plain line in the table's font that starts with the value shown."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from widgets.style import table_font
from widgets.tables.model import KeyedTableModel


class CellEditor(QStyledItemDelegate):
    """Editing in place for the columns that allow it."""

    def __init__(self, model: KeyedTableModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        editor = QLineEdit(parent)
        editor.setFont(table_font())
        editor.setAlignment(
            Qt.AlignmentFlag.AlignRight if self._model.columns[index.column()].numeric else Qt.AlignmentFlag.AlignLeft
        )
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex | QPersistentModelIndex) -> None:
        """The value shown, ready to be typed over; what is being typed is never touched by later frames."""
        if isinstance(editor, QLineEdit) and not editor.isModified():
            text = self._model.text(index.row(), index.column())
            editor.setText(text if any(c.isdigit() for c in text) else "")
            editor.selectAll()
