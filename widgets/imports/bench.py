"""The work bench of the import panel: the queue, the file that is looked at, and what may be done about it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from engine.domain.imports import Choices, ImportEntry
from widgets import style
from widgets.confirm import ConfirmButton
from widgets.elided import ElidedLabel
from widgets.imports import words
from widgets.imports.details import Details
from widgets.imports.item import Item
from widgets.imports.queue import QueueList
from widgets.imports.reading import Check
from widgets.theme import UNIT, Theme

QUEUE_WIDTH = 232


class Bench(QWidget):
    """Shows the queue and the file that is looked at.

    `browsed()`, `chosen(key)`, `removed(key)`, `overruled(key, Choices)`, `wanted(key, strict)`, `all_wanted()`, `cancelled()`,
    `undone(number)` and `replayed(key)` are what the owner asks for.
    """

    browsed = Signal()
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
        self._items: list[Item] = []
        self._key: int | None = None
        self._last: ImportEntry | None = None
        self.queue = QueueList(theme)
        self.details = Details(theme, check_clock)
        self.queue.chosen.connect(self.chosen)
        self.queue.removed.connect(self.removed)
        self.details.changed.connect(self._overrule)
        self._make_actions()
        self._lay_out()

    def _make_actions(self) -> None:
        self.more = _button("Add files…", "Choose more history files (Ctrl+O)", self.browsed.emit)
        self.undo = ConfirmButton("Undo last", "Undo it?")
        self.undo.confirmed.connect(self._ask_undo)
        self.words = ElidedLabel()
        self.words.setProperty("role", "label")
        self.bar = QProgressBar(maximum=1000, textVisible=False)
        self.bar.setFixedWidth(40 * UNIT)
        self.cancel = _button("Cancel", "Give up what is running; nothing is stored (Esc)", self.cancelled.emit)
        self.cancel.setShortcut("Esc")
        self.replay = _button("Replay this", "Trade this file on paper in a session of its own", self._ask_replay)
        self.everything = _button("Import all", "Store the files that are ready, one after the other", self.all_wanted.emit)
        self.strict = _button("Import all or nothing", "Refuse the file if a single row is broken", lambda: self._ask(True))
        self.go = _button("Import", "Store the file's rows (Ctrl+Return)", lambda: self._ask(False))
        self.go.setShortcut("Ctrl+Return")
        self.go.setProperty("kind", "accent")
        for button in (self.everything, self.strict, self.go):  # hidden they keep their places: no other button moves into them
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)

    def _lay_out(self) -> None:
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self._left())
        upper.addWidget(_line("v"))
        upper.addWidget(self.details, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        foot.setSpacing(2 * UNIT)
        foot.addWidget(self.undo)
        foot.addWidget(self.bar)
        foot.addWidget(self.words, 1)
        for button in (self.cancel, self.replay, self.everything, self.strict, self.go):
            foot.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(upper, 1)
        whole.addWidget(_line("h"))
        whole.addLayout(foot)

    def _left(self) -> QWidget:
        left = QWidget()
        left.setFixedWidth(QUEUE_WIDTH)
        title = QLabel("Files")
        title.setFont(style.font(bold=True))
        head = QHBoxLayout()
        head.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, UNIT)
        head.addWidget(title, 1)
        head.addWidget(self.more)
        hint = QLabel("Drop more anywhere on this panel", alignment=Qt.AlignmentFlag.AlignCenter)
        hint.setProperty("role", "hint")
        hint.setFont(style.table_font())
        hint.setContentsMargins(0, UNIT, 0, UNIT)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.queue, 1)
        column.addWidget(hint)
        return left

    def show_items(self, items: list[Item], key: int | None) -> None:
        """The queue, and `key` as the file that is looked at."""
        before = self.item()
        self._items, self._key = items, key
        self.queue.show_items(items, key)
        item = self.item()
        if item is not None and (before is None or _known(before) != _known(item)):
            self.details.show_item(item)
        self._show_actions(item)

    def _show_actions(self, item: Item | None) -> None:
        busy = next((each for each in self._items if each.is_busy), None)
        actions = (self.undo, self.cancel, self.replay, self.everything, self.strict, self.go)
        held = next((button for button in actions if button is self.window().focusWidget()), None)
        self.bar.setVisible(busy is not None)
        self.bar.setValue(round(1000 * busy.share) if busy else 0)
        self.words.show_text(f"{busy.file}: {busy.doing}" if busy else "")
        self.cancel.setVisible(busy is not None)
        can, is_done = item is not None and item.can_be_imported, item is not None and item.state == "done"
        self.go.setEnabled(can)
        self.strict.setEnabled(can)
        self.replay.setVisible(is_done)
        self.strict.setVisible(not is_done)
        self.go.setVisible(not is_done)
        ready = sum(each.can_be_imported for each in self._items)
        self.everything.setText(f"Import {ready} ready files")
        self.everything.setVisible(ready > 1)
        self.undo.setEnabled(self._last is not None and busy is None)
        if held is not None and not (held.isEnabled() and held.isVisible()):
            self.queue.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_last(self, entry: ImportEntry | None) -> None:
        """The last import that was not undone."""
        self._last = entry
        self.undo.disarm()
        self.undo.question = words.undoing(entry) if entry else ""
        self.undo.setToolTip(f"Undo {words.listed(entry)}" if entry else "Nothing was imported that could be undone")
        self._show_actions(self.item())

    def item(self) -> Item | None:
        """The file that is looked at."""
        return next((item for item in self._items if item.key == self._key), None)

    def set_theme(self, theme: Theme) -> None:
        self.queue.set_theme(theme)
        self.details.set_theme(theme)

    def state(self) -> dict[str, Any]:
        """What is to be seen, in plain values."""
        last = self._last.number if self._last else None
        return {"files": [(item.file, item.state, item.line) for item in self._items], "last": last, **self.details.state()}

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


def _button(text: str, hint: str, act: Any) -> QPushButton:
    made = QPushButton(text)
    made.setToolTip(hint)
    made.setAccessibleName(text)
    made.clicked.connect(lambda _checked: act())
    return made


def _line(way: str) -> QWidget:
    made = QFrame()
    made.setProperty("line", way)
    return made
