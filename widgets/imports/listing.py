"""A small table of texts: lines of a file, refused rows, values that differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView, QWidget

from widgets.style import color, table_font
from widgets.theme import ROW_HEIGHT, ROW_HEIGHT_COMPACT, Theme

Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Head(NamedTuple):
    """A column: its title, width in pixels (0: what is left), and whether its values are numbers."""

    title: str
    width: int
    numeric: bool = False
    role: str = "text0"


class TextModel(QAbstractTableModel):
    """Rows of texts under `heads`."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.heads: tuple[Head, ...] = ()
        self.rows: list[tuple[str, ...]] = []

    def show(self, heads: Sequence[Head], rows: Sequence[tuple[str, ...]]) -> None:
        self.beginResetModel()
        self.heads, self.rows = tuple(heads), list(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.heads)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        text, head = self.rows[index.row()][index.column()], self.heads[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.ToolTipRole:
                return text
            case Qt.ItemDataRole.TextAlignmentRole:
                return _RIGHT if head.numeric else _LEFT
            case Qt.ItemDataRole.ForegroundRole:
                return QColor(color(self.theme, head.role))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.heads[section].title
        return (_RIGHT if self.heads[section].numeric else _LEFT) if role == Qt.ItemDataRole.TextAlignmentRole else None


class Listing(QTableView):
    """As high as its rows, up to `most` of them; then it scrolls."""

    def __init__(self, theme: Theme, name: str, most: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.texts, self._most = TextModel(theme), most
        self.texts.setParent(self)
        self.setModel(self.texts)
        self.setAccessibleName(name)
        self.setFont(table_font())
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT_COMPACT)
        self.verticalHeader().setMinimumSectionSize(ROW_HEIGHT_COMPACT)
        header = self.horizontalHeader()
        header.setFont(table_font())
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        header.setFixedHeight(ROW_HEIGHT)
        header.setMinimumSectionSize(24)

    def show_rows(self, heads: Sequence[Head], rows: Sequence[tuple[str, ...]]) -> None:
        """These texts; a widget without rows takes no room."""
        self.texts.show(heads, rows)
        for at, head in enumerate(heads):
            stretch = QHeaderView.ResizeMode.Interactive if head.width else QHeaderView.ResizeMode.Stretch
            self.horizontalHeader().setSectionResizeMode(at, stretch)
            if head.width:
                self.setColumnWidth(at, head.width)
        self.setFixedHeight(self.sizeHint().height())

    def sizeHint(self) -> QSize:
        rows = min(len(self.texts.rows), self._most)
        return QSize(320, ROW_HEIGHT + rows * self.verticalHeader().defaultSectionSize() + 2 * self.frameWidth() + 1)

    def set_theme(self, theme: Theme) -> None:
        self.texts.theme = theme
        self.viewport().update()
