"""Every action of the user as a named command: menu, hotkey and palette all run these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Command:
    """`name` is how code and tests call it, `title` how people read it; `menu` is where it stands."""

    name: str
    title: str
    menu: str
    shortcut: str
    run: Callable[[], None]


class Commands:
    """The window's commands by name."""

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        self._commands: dict[str, Command] = {}
        self.actions: dict[str, QAction] = {}

    def add(self, name: str, title: str, menu: str, run: Callable[[], None], shortcut: str = "") -> None:
        """Registers a command and its hotkey."""
        self._commands[name] = Command(name, title, menu, shortcut, run)
        action = QAction(title, self._owner)
        action.setObjectName(name)
        action.triggered.connect(lambda _checked: run())
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
            action.setToolTip(f"{title} ({shortcut})")
        self._owner.addAction(action)
        self.actions[name] = action

    def run(self, name: str) -> None:
        """Runs a command. KeyError for a name nobody registered."""
        self._commands[name].run()

    def all(self) -> Iterable[Command]:
        """In the order they were added."""
        return self._commands.values()

    def offer(self, name: str, title: str = "") -> None:
        """The command may be run, and is called so; without a title it may not, and is greyed in the menu."""
        action = self.actions[name]
        action.setEnabled(bool(title))
        if title and title != action.text():
            self._commands[name] = replace(self._commands[name], title=title)
            action.setText(title)

    def is_offered(self, name: str) -> bool:
        """Whether it may be run now."""
        return self.actions[name].isEnabled()
