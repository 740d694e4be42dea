"""What every panel is: a widget that is shown pictures, and speaks in intents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtWidgets import QWidget

from app.bridge import Bridge
from app.focus import Focus
from app.picture import Picture
from engine.domain.market import Bars
from engine.host import Opening
from widgets.format import Display
from widgets.theme import Theme


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a panel is made with. `act` runs one of the window's commands by name (app.commands), `focus` is what is looked at."""

    bridge: Bridge
    theme: Theme
    display: Display
    act: Callable[[str], None]
    focus: Focus


class Panel(Protocol):
    """A panel of the window. `widget` is what the dock holds; `show` is called once per frame.

    Before that `foresee`, with the leading instrument's bars before the session, and `open`, once it is open, are called
    once each.
    """

    widget: QWidget

    def foresee(self, before: Bars) -> None: ...

    def open(self, opening: Opening) -> None: ...

    def show(self, picture: Picture) -> None: ...

    def set_theme(self, theme: Theme) -> None: ...

    def state(self) -> dict[str, Any]: ...


class View:
    """A panel over one widget that has `set_theme` and `state` of its own."""

    widget: Any

    def foresee(self, before: Bars) -> None:
        """Nothing to show of it."""

    def open(self, opening: Opening) -> None:
        """Nothing to prepare."""

    def set_theme(self, theme: Theme) -> None:
        self.widget.set_theme(theme)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.widget.state()
        return state
