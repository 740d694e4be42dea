"""A table's model: keyed rows, what changed since the last frame, one signal for all of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from engine.core.errors import UserError
from widgets.format import Display
from widgets.tables.column import Column, Row, sort_key
from widgets.tables.flash import Flashes

Index = QModelIndex | QPersistentModelIndex
Key = Hashable
_ROLE = Qt.ItemDataRole
_STEPWISE = 32
"""More rows coming and going in one frame than this are one reset instead of single moves."""


class KeyedTableModel(QAbstractTableModel):
    """Rows known by `key`, shown by `columns`. Sorts by raw value; between sorts rows stay where they are.

    `edited` carries the intent an inline edit asked for, `refused` the sentence why one could not be understood.
    """

    edited = Signal(object)
    refused = Signal(str)

    def __init__(self, columns: Sequence[Column], key: Callable[[Row], Key], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.display = Display()
        self.held = False
        self.flashes = Flashes(self)
        self.flashes.faded.connect(self._repaint)
        self._key = key
        self._flashing = tuple((n, column.value) for n, column in enumerate(self.columns) if column.flash)
        self._source: object = None
        self._rows: dict[Key, Row] = {}
        self._order: list[Key] = []
        self._texts: dict[Key, list[str | None]] = {}
        self._filter: Callable[[Row], bool] | None = None
        self._sorting: tuple[int, bool] | None = None
        self._stale_sort = False

    # --- what is in it ---

    def update(self, rows: Iterable[Row]) -> None:
        """Show these rows and no others. The same object as last time costs nothing."""
        if rows is self._source:
            return
        self._source = rows if isinstance(rows, tuple) else None
        key = self._key
        self._replace({key(row): row for row in rows})

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows, or replace those with the same key, without naming the others; the work is that of the rows given."""
        self._source = None
        old: dict[Key, Row] = {}
        new: dict[Key, Row] = {}
        for row in rows:
            key = self._key(row)
            was = self._rows.get(key)
            if was is None:
                new[key] = row
            elif was != row:
                old[key] = was
                self._texts.pop(key, None)
            self._rows[key] = row
        if self._filter is not None and old:
            self._reorder({})
        elif new:
            self._admit([key for key, row in new.items() if self._filter is None or self._filter(row)], None)
        if old:
            self._announce(list(old), old)

    @property
    def size(self) -> int:
        """How many rows it holds, shown or filtered away."""
        return len(self._rows)

    def forget(self, keep: int) -> None:
        """Let go of all but the last `keep` rows that came."""
        if len(self._rows) > keep:
            self._source = None
            self._replace(dict(list(self._rows.items())[-keep:]))

    def _replace(self, incoming: dict[Key, Row]) -> None:
        old, self._rows = self._rows, incoming
        changed = [key for key, row in incoming.items() if (was := old.get(key)) is not None and was is not row and was != row]
        for key in changed:
            self._texts.pop(key, None)
        if changed or len(old) != len(incoming) or old.keys() != incoming.keys():
            self._reorder(old)
        if changed:
            self._announce(changed, old)

    def _shown(self) -> list[Key]:
        if self._filter is None:
            return list(self._rows)
        return [key for key, row in self._rows.items() if self._filter(row)]

    def _reorder(self, old: dict[Key, Row]) -> None:
        """Take away what is gone and put in what is new; what stays keeps its place."""
        wanted = self._shown()
        present, kept = set(wanted), set(self._order)
        gone = [key for key in self._order if key not in present]
        new = [key for key in wanted if key not in kept]
        if len(gone) > _STEPWISE:
            self._reset(wanted)
            return
        lost = {key: old[key] for key in gone if key not in self._rows}
        self._rows.update(lost)  # so that whoever is told of a removal can still look at its neighbours
        for key in gone:
            self._take(key)
        for key in lost:
            del self._rows[key]
        self._admit(new, wanted)

    def _admit(self, new: list[Key], wanted: list[Key] | None) -> None:
        """Put new rows in: as one block where they belong together, else one by one, else all anew.

        `wanted` is the order of all rows where rows came in an order of their own, None where new ones simply follow.
        """
        new = self._sorted(new)
        if not new:
            return
        if self._belong_together(new, wanted):
            self._put(new, self._place(new[0], wanted))
        elif len(new) <= _STEPWISE:
            for key in new:
                self._put([key], self._place(key, wanted))
        else:
            self._reset(self._shown())

    def _belong_together(self, new: list[Key], wanted: list[Key] | None) -> bool:
        if self._sorting is None and wanted is not None and not self.held:
            return wanted.index(new[-1]) - wanted.index(new[0]) == len(new) - 1
        return self._place(new[0], wanted) == self._place(new[-1], wanted)

    def _reset(self, wanted: list[Key]) -> None:
        self.beginResetModel()
        self._order = self._sorted(wanted)
        for key in self._texts.keys() - self._rows.keys():
            del self._texts[key]
        self.endResetModel()

    def _take(self, key: Key) -> None:
        at = self._order.index(key)
        self.beginRemoveRows(QModelIndex(), at, at)
        del self._order[at]
        self._texts.pop(key, None)
        self.endRemoveRows()

    def _put(self, keys: list[Key], at: int) -> None:
        self.beginInsertRows(QModelIndex(), at, at + len(keys) - 1)
        self._order[at:at] = keys
        self.endInsertRows()

    def _place(self, key: Key, wanted: list[Key] | None) -> int:
        """Where a new row belongs; at the end while nothing may move."""
        if self.held or (self._sorting is None and wanted is None):
            return len(self._order)
        if self._sorting is None:
            return min(wanted.index(key) if wanted else 0, len(self._order))
        column, falling = self._sorting
        value, low, high = self.columns[column].value, 0, len(self._order)
        mine = sort_key(value(self._rows[key]))
        while low < high:
            middle = (low + high) // 2
            other = sort_key(value(self._rows[self._order[middle]]))
            if other > mine if falling else other <= mine:
                low = middle + 1
            else:
                high = middle
        return low

    def _announce(self, changed: list[Key], old: dict[Key, Row]) -> None:
        where = {key: n for n, key in enumerate(self._order)} if len(changed) > 8 else None
        numbers = [n for key in changed if (n := self._number(key, where)) is not None]
        self._mark_flashes(changed, old)
        self._stale_sort = True
        if numbers:
            self._emit(min(numbers), max(numbers))

    def _number(self, key: Key, where: dict[Key, int] | None) -> int | None:
        if where is not None:
            return where.get(key)
        return self._order.index(key) if key in self._order else None

    def _mark_flashes(self, changed: list[Key], old: dict[Key, Row]) -> None:
        for n, value in self._flashing:
            for key in changed:
                was, now = value(old[key]), value(self._rows[key])
                if was != now:
                    self.flashes.mark(key, n, was, now)

    def _repaint(self) -> None:
        if self._order:
            self._emit(0, len(self._order) - 1)

    def _emit(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.columns) - 1))

    # --- sorting, filtering, display ---

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the raw values of `column`; -1 returns to the order the rows came in."""
        self._sorting = None if column < 0 else (column, order == Qt.SortOrder.DescendingOrder)
        self._arrange(self._settled())

    def resort(self) -> None:
        """Put rows whose values changed back in order; nothing while the pointer is over the table."""
        if self.held or not self._stale_sort:
            return
        self._stale_sort = False
        if (wanted := self._settled()) != self._order:
            self._arrange(wanted)

    def _settled(self) -> list[Key]:
        """The rows shown now in the order they should have; rows on their way in or out are not touched."""
        shown = set(self._order)
        return [key for key in self._sorted(self._shown()) if key in shown]

    def hold(self, held: bool) -> None:
        """While held nothing moves: new rows wait at the end, order waits."""
        self.held = held
        if not held:
            self._stale_sort = True
            self.resort()

    def set_filter(self, keep: Callable[[Row], bool] | None) -> None:
        """Show only rows that `keep` accepts."""
        self._filter = keep
        self._reset(self._shown())

    def set_display(self, display: Display) -> None:
        """Take another time zone or currency."""
        if display != self.display:
            self.display = display
            self._texts.clear()
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self.columns) - 1)
            self._repaint()

    def _sorted(self, keys: list[Key]) -> list[Key]:
        if self._sorting is None:
            return keys
        column, falling = self._sorting
        value = self.columns[column].value
        return sorted(keys, key=lambda key: sort_key(value(self._rows[key])), reverse=falling)

    def _arrange(self, wanted: list[Key]) -> None:
        self.layoutAboutToBeChanged.emit()
        place = {key: n for n, key in enumerate(wanted)}
        before = self.persistentIndexList()
        after = [self.index(place[self._order[i.row()]], i.column()) if self._order[i.row()] in place else QModelIndex()
                 for i in before]  # fmt: skip
        self._order = wanted
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    # --- looking in ---

    def row(self, number: int) -> Row:
        """The row shown at `number`."""
        return self._rows[self._order[number]]

    def rows(self) -> list[Row]:
        """All rows shown, in the order shown."""
        return [self._rows[key] for key in self._order]

    def key_at(self, number: int) -> Key:
        return self._order[number]

    def number_of(self, key: Key) -> int | None:
        """Where the row of `key` is shown, None if it is not."""
        return self._number(key, None)

    def text(self, number: int, column: int) -> str:
        """The text of a cell, made once until its row changes."""
        key = self._order[number]
        texts = self._texts.get(key)
        if texts is None:
            texts = self._texts[key] = [None] * len(self.columns)
        shown = texts[column]
        if shown is None:
            shown = texts[column] = self.columns[column].text(self._rows[key], self.display)
        return shown

    # --- Qt's side ---

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = _ROLE.DisplayRole) -> Any:
        if not index.isValid():
            return None
        number, column = index.row(), self.columns[index.column()]
        if role in (_ROLE.DisplayRole, _ROLE.EditRole, _ROLE.AccessibleTextRole):
            return self.text(number, index.column())
        if role == _ROLE.TextAlignmentRole:
            return (Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLE.ToolTipRole:
            return column.why(self.row(number), self.display) if column.why else None
        if role == _ROLE.UserRole:
            return column.value(self.row(number))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _ROLE.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == _ROLE.DisplayRole:
            return column.header(self.display) + self._arrow(section)
        if role == _ROLE.TextAlignmentRole:
            return (Qt.AlignmentFlag.AlignRight if column.numeric else Qt.AlignmentFlag.AlignLeft) | Qt.AlignmentFlag.AlignVCenter
        if role == _ROLE.ToolTipRole:
            return column.hint or None
        return None

    def _arrow(self, section: int) -> str:
        if self._sorting is None or self._sorting[0] != section:
            return ""
        return " ↓" if self._sorting[1] else " ↑"

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        editable = index.isValid() and self.columns[index.column()].edit is not None
        return flags | Qt.ItemFlag.ItemIsEditable if editable else flags

    def setData(self, index: Index, value: Any, role: int = _ROLE.EditRole) -> bool:
        """Ask for the change; what is shown changes when the engine says it happened."""
        edit = self.columns[index.column()].edit
        if role != _ROLE.EditRole or edit is None or str(value) == self.text(index.row(), index.column()):
            return False
        try:
            intent = edit(self.row(index.row()), str(value))
        except UserError as error:
            self.refused.emit(str(error))
            return False
        self.edited.emit(intent)
        return True
