"""Rolling a future: what will be done is said, with prices of now, and waits for the owner's word."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from engine.domain.instrument import instrument_of
from engine.domain.market import Ticks
from engine.domain.views import RollView
from widgets import format as fmt


class RollDialog(QDialog):
    """`wanted` with the symbol when the position is to be rolled."""

    wanted = Signal(str)

    def __init__(self, roll: RollView, parent: QWidget) -> None:
        super().__init__(parent)
        self._symbol = roll.symbol
        self.setWindowTitle(f"Roll {roll.out} to {roll.into}?")
        self.text = QLabel("\n\n".join(paragraphs(roll)), wordWrap=True)
        self.text.setAccessibleName("What will be done")
        buttons = QDialogButtonBox()
        self.keep = buttons.addButton(f"Keep {roll.out}", QDialogButtonBox.ButtonRole.RejectRole)
        self.keep.setToolTip("Do nothing (Esc)")
        self.keep.setDefault(True)
        self.go = buttons.addButton(f"Roll to {roll.into}", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setProperty("kind", "danger")
        self.go.setToolTip("Close the one and open the other at the market")
        self.go.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        buttons.accepted.connect(self._go)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)

    def _go(self) -> None:
        self.accept()
        self.wanted.emit(self._symbol)


def paragraphs(roll: RollView) -> list[str]:
    """What will be done, in its order."""
    instrument = instrument_of(roll.symbol)
    lots = fmt.lots(abs(roll.quantity), instrument)
    closing, opening = ("Sell", "buy") if roll.quantity > 0 else ("Buy", "sell")

    def at(price: Ticks) -> str:
        return fmt.price(price, instrument)

    dearer = f"{at(abs(roll.spread))} {'more' if roll.spread >= 0 else 'less'}"
    exits = [f"{name} at {at(price)}" for name, price in (("stop", roll.stop), ("target", roll.target)) if price is not None]
    moved = f"{' and '.join(exits)}, moved by that" if exits else "no stop: none protects it now"
    return [
        f"{closing} {lots} {roll.out} at the market, at about {at(roll.out_price)}: its orders are cancelled, and it is closed.",
        f"Then {opening} {lots} {roll.into} at the market, at about {at(roll.into_price)}, which is {dearer}; with {moved}.",
        "In between nothing is held. What goes wrong on the way leaves the old position with its stop, or nothing, and is said.",
    ]
