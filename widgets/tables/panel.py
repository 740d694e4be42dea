"""A table with its row of buttons, its empty state and the line where its troubles are said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from engine.domain.intents import Intent
from widgets import icons
from widgets.empty import Empty
from widgets.format import Display
from widgets.style import set_role
from widgets.tables.model import KeyedTableModel, Row
from widgets.tables.view import DeskTable
from widgets.theme import UNIT, Theme


class TablePanel(QWidget):
    """Base of the desk's lists. `intent` carries what the owner asked for; `filled` what the empty state's button offers."""

    intent = Signal(object)
    filled = Signal()

    def __init__(self, model: KeyedTableModel, theme: Theme, name: str, empty: Empty, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAccessibleName(name)
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.model = model
        self.table = DeskTable(model, theme, name, self)
        self.empty = empty
        self.message = QLabel(visible=False, wordWrap=True)
        self.message.setContentsMargins(2 * UNIT, 0, 2 * UNIT, UNIT)
        self.bar = QHBoxLayout()
        self.bar.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        self.bar.setSpacing(UNIT)
        self.head = QWidget(visible=False)
        self.head.setLayout(self.bar)
        self._icons: list[tuple[QPushButton, str]] = []
        self._lay_out()
        model.edited.connect(self.ask)
        model.refused.connect(self.complain)
        self.table.failed.connect(self.complain)
        self.table.exported.connect(lambda sentence: self.say(sentence, "hint"))
        empty.acted.connect(self.filled)
        for change in (model.rowsInserted, model.rowsRemoved, model.modelReset):
            change.connect(self._fill)
        self._fill()

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.table)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self.stack, 1)
        layout.addWidget(self.message)

    def _fill(self) -> None:
        self.stack.setCurrentIndex(1 if self.model.rowCount() else 0)

    # --- building blocks of the heirs ---

    def add_button(self, text: str, why: str, act: Callable[[], None], shortcut: str = "", icon: str = "") -> QPushButton:
        """A button in the panel's row, with its tooltip; a shortcut works while the panel has the focus."""
        button = QPushButton(text)
        button.setToolTip(f"{why} ({shortcut})" if shortcut else why)
        button.setAccessibleName(text or why)
        button.clicked.connect(lambda _checked: act())
        if icon:
            button.setIcon(icons.icon(icon, self.theme))
            self._icons.append((button, icon))
        self.bar.addWidget(button)
        self.head.show()
        self._add_action(text or why, act, shortcut)
        return button

    def _add_action(self, text: str, act: Callable[[], None], shortcut: str) -> None:
        action = QAction(text, self)
        action.triggered.connect(lambda _checked: act())
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            self.addAction(action)
        self.table.add_row_action(action)

    def add_filter(self, hint: str, words: Callable[[Row], str]) -> QLineEdit:
        """A box that keeps the rows whose `words` hold every word typed."""
        box = QLineEdit(placeholderText=hint, clearButtonEnabled=True)
        box.setAccessibleName(hint)
        box.setToolTip(f"{hint}: rows that hold every word typed (Ctrl+F)")
        box.setMaximumWidth(60 * UNIT)
        box.textChanged.connect(lambda text: self._filter(text, words))
        self.bar.addWidget(box)
        self.head.show()
        find = QAction(hint, self)
        find.setShortcut(QKeySequence.StandardKey.Find)
        find.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.triggered.connect(lambda _checked: box.setFocus())
        self.addAction(find)
        return box

    def _filter(self, text: str, words: Callable[[Row], str]) -> None:
        wanted = text.casefold().split()
        keep = (lambda row: all(word in words(row).casefold() for word in wanted)) if wanted else None
        self.model.set_filter(keep)

    # --- what everyone uses ---

    def update_rows(self, rows: Iterable[Row]) -> None:
        """Show these rows; the same tuple as last time costs nothing."""
        self.model.update(rows)

    def extend_rows(self, rows: Iterable[Row]) -> None:
        """Add these rows or replace those with the same key; what is not named stays."""
        self.model.extend(rows)

    def ask(self, intent: Intent) -> None:
        """Send an intent out and clear what was complained of before."""
        self.say("")
        self.intent.emit(intent)

    def say(self, sentence: str, role: str = "hint") -> None:
        """Say something in the panel's own line; "" clears it."""
        self.message.setText(sentence)
        set_role(self.message, "role", role)
        self.message.setVisible(bool(sentence))

    def complain(self, sentence: str) -> None:
        """Show an error where it happened."""
        self.say(sentence, "error")

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.table.set_theme(theme)
        self.empty.set_theme(theme)
        for button, name in self._icons:
            button.setIcon(icons.icon(name, theme))

    def set_display(self, display: Display) -> None:
        """Take the user's time zone and currency."""
        self.model.set_display(display)

    def save_state(self) -> dict[str, Any]:
        return self.table.save_state()

    def restore_state(self, state: dict[str, Any]) -> None:
        self.table.restore_state(state)

    def state(self) -> dict[str, Any]:
        """What the panel shows: its table or its empty state, its buttons that can be pressed, its message."""
        buttons = [button for button in self.head.findChildren(QPushButton) if button.text()]
        shown = self.table.state()
        return {
            "name": self.accessibleName(),
            **shown,
            "empty": None if shown["rows"] else self.empty.state(),
            "buttons": {button.text(): button.isEnabled() for button in buttons},
            "message": self.message.text(),
        }
