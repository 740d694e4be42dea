"""The import panel: drop files, see what they are and would change, import them, and take that back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.domain.imports import Choices, ImportEntry
from widgets import style
from widgets.confirm import ConfirmButton
from widgets.elided import ElidedLabel
from widgets.empty import Empty
from widgets.imports import words
from widgets.imports.details import Details
from widgets.imports.item import Item
from widgets.imports.queue import QueueList
from widgets.imports.reading import Check
from widgets.theme import UNIT, Theme

QUEUE_WIDTH = 232
ZONE = QSize(520, 240)
FILTER = "Histories (*.csv *.txt *.tsv *.gz *.zip *.parquet *.hst);;All files (*)"
WELCOME = (
    "Drop history files here: MetaTrader 4 and 5, Dukascopy, HistData, Lean, Binance, Parquet or plain CSV, packed or not.\n"
    "You see what each file is and what it would change before anything is stored."
)


class ImportView(QWidget):
    """Shows the queue and the file that is looked at.

    `dropped(paths)`, `chosen(key)`, `removed(key)`, `overruled(key, Choices)`, `wanted(key, strict)`,
    `all_wanted()`, `cancelled()`, `undone(number)` and `replayed(key)` are what the owner asks for.
    """

    dropped = Signal(list)
    chosen = Signal(int)
    removed = Signal(int)
    overruled = Signal(int, object)
    wanted = Signal(int, bool)
    all_wanted = Signal()
    cancelled = Signal()
    undone = Signal(int)
    replayed = Signal(int)

    def __init__(self, theme: Theme, check_clock: Check, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._check = theme, check_clock
        self._items: list[Item] = []
        self._key: int | None = None
        self._last: ImportEntry | None = None
        self.setAcceptDrops(True)
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.empty = Empty(theme, "database-import-outline", WELCOME, "Choose files…")
        self.empty.button.setToolTip("Choose history files (Ctrl+O)")
        self.empty.acted.connect(self.browse)
        self.stack = QStackedWidget()
        self.stack.addWidget(_framed(self.empty))
        self.details: Details | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)

    def _build(self) -> Details:
        """The work bench, when the first file comes: an empty panel costs the start nothing."""
        self.queue = QueueList(self._theme)
        self.details = Details(self._theme, self._check)
        self.more = self._button("Add files…", "Choose more history files (Ctrl+O)", self.browse)
        self.undo = ConfirmButton("Undo last", "Undo it?")
        self.undo.confirmed.connect(self._ask_undo)
        self.words = ElidedLabel()
        self.words.setProperty("role", "label")
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setFixedWidth(40 * UNIT)
        self.cancel = self._button("Cancel", "Give up what is running; nothing is stored (Esc)", self.cancelled.emit)
        self.cancel.setShortcut("Esc")
        self.replay = self._button("Replay this", "Trade this file on paper in a session of its own", self._ask_replay)
        self.strict = self._button("Import all or nothing", "Refuse the file if a single row is broken", lambda: self._ask(True))
        self.everything = self._button("Import all", "Store the files that are ready, one after the other", self.all_wanted.emit)
        self.go = self._button("Import", "Store the file's rows (Ctrl+Return)", lambda: self._ask(False))
        self.go.setShortcut("Ctrl+Return")
        self.go.setProperty("kind", "accent")
        self.queue.chosen.connect(self._choose)
        self.queue.removed.connect(self.removed)
        self.details.changed.connect(self._overrule)
        self.stack.addWidget(self._bench(self.details))
        return self.details

    def _button(self, text: str, hint: str, act: Any) -> QPushButton:
        made = QPushButton(text)
        made.setToolTip(hint)
        made.setAccessibleName(text)
        made.clicked.connect(lambda _checked: act())
        return made

    def _bench(self, details: Details) -> QWidget:
        left = QWidget()
        left.setFixedWidth(QUEUE_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, UNIT)
        title = QLabel("Files")
        title.setFont(style.font(bold=True))
        head.addWidget(title, 1)
        head.addWidget(self.more)
        hint = QLabel("Drop more anywhere on this panel", alignment=Qt.AlignmentFlag.AlignCenter)
        hint.setProperty("role", "hint")
        hint.setFont(style.table_font())
        hint.setContentsMargins(0, UNIT, 0, UNIT)
        column.addLayout(head)
        column.addWidget(self.queue, 1)
        column.addWidget(hint)
        foot = QHBoxLayout()
        foot.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        foot.setSpacing(2 * UNIT)
        foot.addWidget(self.undo)
        foot.addWidget(self.bar)
        foot.addWidget(self.words, 1)
        for button in (self.cancel, self.replay, self.everything, self.strict, self.go):
            foot.addWidget(button)
        bench = QWidget()
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(left)
        upper.addWidget(_line("v"))
        upper.addWidget(details, 1)
        whole = QVBoxLayout(bench)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(upper, 1)
        whole.addWidget(_line("h"))
        whole.addLayout(foot)
        return bench

    # --- what is shown ------------------------------------------------------------------------------------------------

    def show_items(self, items: list[Item], key: int | None) -> None:
        """The queue, and `key` as the file that is looked at."""
        before = self.item()
        self._items, self._key = items, key
        if not items:
            self.stack.setCurrentIndex(0)
            return
        details = self.details or self._build()
        self.stack.setCurrentIndex(1)
        self.queue.show_items(items, key)
        item = self.item()
        if item is not None and (before is None or _known(before) != _known(item)):
            details.show_item(item)
        self._show_actions(item)

    def _show_actions(self, item: Item | None) -> None:
        busy = next((each for each in self._items if each.is_busy), None)
        self.bar.setVisible(busy is not None)
        self.bar.setValue(round(1000 * busy.share) if busy else 0)
        self.words.show_text(f"{busy.file}: {busy.doing}" if busy else "")
        self.cancel.setVisible(busy is not None)
        can = item is not None and item.can_be_imported
        self.go.setEnabled(can)
        self.strict.setEnabled(can)
        self.replay.setVisible(item is not None and item.done is not None and item.state == "done")
        self.strict.setVisible(not self.replay.isVisibleTo(self))
        self.go.setVisible(not self.replay.isVisibleTo(self))
        ready = sum(each.can_be_imported for each in self._items)
        self.everything.setText(f"Import {ready} ready files")
        self.everything.setVisible(ready > 1)
        self.undo.setEnabled(self._last is not None and busy is None)

    def show_last(self, entry: ImportEntry | None) -> None:
        """The last import that was not undone."""
        self._last = entry
        if self.details is not None:
            self.undo.disarm()
            self.undo.setToolTip(f"Undo {words.listed(entry)}" if entry else "Nothing was imported that could be undone")
            self._show_actions(self.item())

    def item(self) -> Item | None:
        """The file that is looked at."""
        return next((item for item in self._items if item.key == self._key), None)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.empty.set_theme(theme)
        if self.details is not None:
            self.queue.set_theme(theme)
            self.details.set_theme(theme)

    def state(self) -> dict[str, Any]:
        """What is to be seen, in plain values."""
        if self.details is None or not self._items:
            return {"files": [], "empty": self.empty.sentence.text()}
        return {
            "files": [(item.file, item.state, item.line) for item in self._items],
            "last": self._last.number if self._last else None,
            **self.details.state(),
        }

    # --- what the owner does ------------------------------------------------------------------------------------------

    def browse(self) -> None:
        """Asks for files."""
        dialog = QFileDialog(self, "Import history", "", FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self.dropped)
        dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _paths(event):
            event.acceptProposedAction()
            style.set_role(self, "target", True)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        style.set_role(self, "target", False)

    def dropEvent(self, event: QDropEvent) -> None:
        style.set_role(self, "target", False)
        if paths := _paths(event):
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def _choose(self, key: int) -> None:
        self.chosen.emit(key)

    def _overrule(self, choices: Choices) -> None:
        if self._key is not None:
            self.overruled.emit(self._key, choices)

    def _ask(self, strict: bool) -> None:
        if self._key is not None:
            self.wanted.emit(self._key, strict)

    def _ask_undo(self) -> None:
        if self._last is not None:
            self.undone.emit(self._last.number)

    def _ask_replay(self) -> None:
        if self._key is not None:
            self.replayed.emit(self._key)


def _known(item: Item) -> tuple[Any, ...]:
    """What the details depend on: not on how far the work is."""
    return item.key, item.plan, item.done, item.work, item.trouble, item.note


def _paths(event: QDropEvent) -> list[str]:
    return [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]


def _framed(inside: QWidget) -> QWidget:
    """The place to drop files on, in the middle of the panel."""
    zone = QFrame()
    zone.setProperty("role", "drop")
    zone.setFixedSize(ZONE)
    room = QVBoxLayout(zone)
    room.addWidget(inside)
    made = QWidget()
    around = QVBoxLayout(made)
    around.addWidget(zone, 0, Qt.AlignmentFlag.AlignCenter)
    return made


def _line(way: str) -> QWidget:
    made = QFrame()
    made.setProperty("line", way)
    return made
