"""SELL and BUY with the prices they would meet. They choose, they never send."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from engine.domain.instrument import Instrument
from engine.domain.market import Quote
from engine.domain.order import Side
from widgets import format as fmt
from widgets.style import set_role
from widgets.theme import UNIT


class SideButtons(QWidget):
    """Two large buttons; `chosen` carries the Side."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(UNIT)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self.buttons: dict[Side, QPushButton] = {}
        for side, key in ((Side.SELL, "Alt+S"), (Side.BUY, "Alt+B")):
            button = QPushButton(side.value.upper(), checkable=True)
            button.setProperty("kind", side.value)
            button.setProperty("tall", True)
            button.setShortcut(key)
            button.setToolTip(_hint(side, key))
            button.setAccessibleName(side.value.upper())
            button.clicked.connect(lambda _checked, side=side: self.chosen.emit(side))
            self._group.addButton(button)
            layout.addWidget(button, 1)
            self.buttons[side] = button

    @property
    def side(self) -> Side | None:
        """The side chosen, None before."""
        return next((side for side, button in self.buttons.items() if button.isChecked()), None)

    def choose(self, side: Side) -> None:
        """Choose without telling."""
        self.buttons[side].setChecked(True)

    def clear(self) -> None:
        """No side chosen."""
        self._group.setExclusive(False)
        for button in self.buttons.values():
            button.setChecked(False)
        self._group.setExclusive(True)

    def show_doubt(self, sentence: str) -> None:
        """Grey the prices where they are not to be traded on, with the reason; "" where they are."""
        for side, button in self.buttons.items():
            set_role(button, "doubtful", bool(sentence))
            hint = _hint(side, button.shortcut().toString())
            button.setToolTip(f"{sentence[:1].upper()}{sentence[1:]}.\n{hint}" if sentence else hint)

    def show_quote(self, quote: Quote | None, instrument: Instrument) -> None:
        """The bid on SELL, the ask on BUY."""
        for side, button in self.buttons.items():
            ticks = None if quote is None else quote.bid if side is Side.SELL else quote.ask
            text = f"{side.value.upper()}  {fmt.price(ticks, instrument)}"
            if button.text() != text:
                shortcut = button.shortcut()
                button.setText(text)
                button.setShortcut(shortcut)


def _hint(side: Side, key: str) -> str:
    return f"Choose {side.value}; nothing is sent yet ({key})"
