"""The table every list of the desk is shown in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QMenu, QTableView, QWidget

from widgets.style import table_font
from widgets.tables import export
from widgets.tables.delegate import CellEditor
from widgets.tables.model import Key, KeyedTableModel, Row
from widgets.tables.painting import CellPainter
from widgets.theme import ROW_HEIGHT, ROW_HEIGHT_COMPACT, Theme

_RESORT_MS = 1000


class DeskTable(QTableView):
    """Shows a KeyedTableModel. Columns keep their widths, rows keep still under the pointer.

    Ctrl+C copies the selected rows; the context menu exports what is shown as CSV, hides columns and sets the density.
    `chosen` carries the key of the row the selection moved to, None when there is none.
    """

    chosen = Signal(object)
    exported = Signal(str)
    failed = Signal(str)

    def __init__(self, model: KeyedTableModel, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = model
        self.name = name
        self.hand_picked = False
        self._kept: Key = None
        self._extra: list[QAction] = []
        model.setParent(self)
        self.setModel(model)
        self.setAccessibleName(name)
        self.painting = CellPainter(model, theme)
        self.setItemDelegate(CellEditor(model, self))
        self._dress()
        self._wire(model)

    def _dress(self) -> None:
        self.setFont(table_font())
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setFont(table_font())
        header.setHighlightSections(False)
        header.setSectionsMovable(True)
        header.setMinimumSectionSize(24)
        header.setFixedHeight(ROW_HEIGHT)
        header.setStretchLastSection(not self.desk.columns[-1].numeric)
        for at, column in enumerate(self.desk.columns):
            self.setColumnWidth(at, column.width)
        self.set_compact(False)
        self.setSortingEnabled(True)
        header.setSortIndicatorClearable(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)

    def _wire(self, model: KeyedTableModel) -> None:
        self.customContextMenuRequested.connect(self._open_menu)
        self.selectionModel().currentRowChanged.connect(self._on_current)
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._recall)
        self._resort = QTimer(self)
        self._resort.setInterval(_RESORT_MS)
        self._resort.timeout.connect(model.resort)

    def set_theme(self, theme: Theme) -> None:
        self.painting.theme = theme
        self.viewport().update()

    def set_compact(self, compact: bool) -> None:
        """Rows of 18 instead of 22 pixels."""
        self.compact = compact
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT_COMPACT if compact else ROW_HEIGHT)

    def set_dim(self, keys: frozenset[object]) -> None:
        """Draw the rows of these keys as old."""
        if keys != self.painting.dim:
            self.painting.dim = keys
            self.viewport().update()

    def add_row_action(self, action: QAction) -> None:
        """Offer the action first in the context menu."""
        self._extra.append(action)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The rows and columns that the event touches."""
        painter, dirty, header = QPainter(self.viewport()), event.rect(), self.horizontalHeader()
        first, last = self.rowAt(max(0, dirty.top())), self.rowAt(dirty.bottom())
        if first < 0:
            return
        columns = [(at, header.sectionViewportPosition(at), header.sectionSize(at)) for at in self._visible_columns()]
        columns = [(at, x, width) for at, x, width in columns if x <= dirty.right() and x + width > dirty.left()]
        selection, none = self.selectionModel(), QModelIndex()
        for number in range(first, (last if last >= 0 else self.desk.rowCount() - 1) + 1):
            top, height = self.rowViewportPosition(number), self.rowHeight(number)
            spans = [(at, QRect(x, top, width, height)) for at, x, width in columns]
            whole = QRect(0, top, self.viewport().width(), height)
            self.painting.paint_row(painter, number, spans, whole, selection.isRowSelected(number, none))

    # --- selection ---

    def current(self) -> Row | None:
        """The row the selection is on."""
        index = self.currentIndex()
        return self.desk.row(index.row()) if index.isValid() else None

    def select_key(self, key: Key) -> None:
        """Move the selection to the row of `key`, if it is shown."""
        number = self.desk.number_of(key)
        if number is not None:
            self.selectRow(number)

    def _on_current(self, index: QModelIndex) -> None:
        self.chosen.emit(self.desk.key_at(index.row()) if index.isValid() else None)

    def _remember(self) -> None:
        index = self.currentIndex()
        self._kept = self.desk.key_at(index.row()) if index.isValid() else None

    def _recall(self) -> None:
        if self._kept is not None:
            self.select_key(self._kept)

    # --- the pointer ---

    def enterEvent(self, event: Any) -> None:
        super().enterEvent(event)
        self.desk.hold(True)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.desk.hold(False)
        self._hover(-1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(int(event.position().y())))

    def _hover(self, row: int) -> None:
        if row != self.painting.hovered_row:
            self.painting.hovered_row = row
            self.viewport().update()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self._resort.start()

    def hideEvent(self, event: Any) -> None:
        super().hideEvent(event)
        self._resort.stop()
        self.desk.hold(False)

    # --- copy, export, menu ---

    def keyPressEvent(self, event: Any) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def copy(self) -> None:
        """Put the selected rows on the clipboard, tab-separated with their header."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        if numbers:
            QGuiApplication.clipboard().setText(export.tabbed(export.table(self.desk, self._visible_columns(), numbers)))

    def export_csv(self, path: Path) -> None:
        """Write what is shown: the visible columns in their order, the rows after filter and sort."""
        rows = export.table(self.desk, self._visible_columns(), range(self.desk.rowCount()))
        try:
            export.write_csv(path, rows)
        except OSError as error:
            self.failed.emit(f"{path} could not be written: {error.strerror or error}; choose another folder.")
        else:
            self.exported.emit(f"{len(rows) - 1} rows written to {path}.")

    def ask_export(self) -> None:
        """Ask for a file name, then export. Returns at once."""
        dialog = QFileDialog(self, "Export as CSV", f"{self.name.lower().replace(' ', '-')}.csv", "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_csv(Path(path)))
        dialog.open()

    def _visible_columns(self) -> list[int]:
        header = self.horizontalHeader()
        logical = [header.logicalIndex(n) for n in range(header.count())]
        return [at for at in logical if not header.isSectionHidden(at)]

    def menu(self) -> QMenu:
        """The context menu, made anew."""
        menu = QMenu(self)
        menu.addActions(self._extra)
        if self._extra:
            menu.addSeparator()
        menu.addAction("Copy rows\tCtrl+C", self.copy)
        menu.addAction("Export as CSV…", self.ask_export)
        columns = menu.addMenu("Columns")
        for at, column in enumerate(self.desk.columns):
            shown = not self.isColumnHidden(at)
            self._add_check(columns, column.title, shown, lambda on, at=at: self.pick_column(at, on))
        self._add_check(menu, "Compact rows", self.compact, self.set_compact)
        return menu

    def pick_column(self, at: int, shown: bool) -> None:
        """Show or hide a column because the user wants it so."""
        self.hand_picked = True
        self.setColumnHidden(at, not shown)

    @staticmethod
    def _add_check(menu: QMenu, text: str, on: bool, act: Any) -> None:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(act)

    def _open_menu(self, at: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(at))

    # --- remembered layout ---

    def save_state(self) -> dict[str, Any]:
        """Widths, order, hidden columns, sort and density, as JSON values."""
        header, names = self.horizontalHeader(), [column.name for column in self.desk.columns]
        sort, falling = header.sortIndicatorSection(), header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        return {
            "widths": {name: header.sectionSize(at) for at, name in enumerate(names) if not header.isSectionHidden(at)},
            "order": [names[header.logicalIndex(n)] for n in range(len(names))],
            "hidden": [name for at, name in enumerate(names) if header.isSectionHidden(at)] if self.hand_picked else None,
            "sort": [names[sort], falling] if 0 <= sort < len(names) else None,
            "compact": self.compact,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take back what `save_state` gave; columns it does not know stay as they are."""
        header, at = self.horizontalHeader(), {column.name: n for n, column in enumerate(self.desk.columns)}
        for place, name in enumerate(name for name in state.get("order", ()) if name in at):
            header.moveSection(header.visualIndex(at[name]), place)
        for name, width in state.get("widths", {}).items():
            if name in at:
                header.resizeSection(at[name], int(width))
        hidden = state.get("hidden")
        for name in at if hidden is not None else ():
            self.pick_column(at[name], name not in hidden)
        sort = state.get("sort")
        if sort and sort[0] in at:
            self.sort_by(sort[0], descending=bool(sort[1]))
        self.set_compact(bool(state.get("compact", False)))

    def sort_by(self, name: str, descending: bool = False) -> None:
        """Sort by the column called `name`."""
        number = next(n for n, column in enumerate(self.desk.columns) if column.name == name)
        self.sortByColumn(number, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)

    def state(self) -> dict[str, Any]:
        """What is on screen: headers and texts."""
        columns = self._visible_columns()
        return {
            "columns": [self.desk.columns[at].header(self.desk.display) for at in columns],
            "rows": [[self.desk.text(n, at) for at in columns] for n in range(self.desk.rowCount())],
        }
