"""Closing while something is open: what stays at the venue is listed, and the owner says whether to go."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from engine.domain.instrument import instrument_of
from engine.domain.order import Order, State
from engine.domain.views import EngineView, PositionView, VenueView
from widgets import format as fmt

ON_THE_WAY = {State.INTENT, State.SENT, State.UNKNOWN, State.PENDING_CANCEL, State.PENDING_MODIFY}
MOST = 12
"""Lines of each kind; the tables have them all."""


def stays(view: EngineView) -> bool:
    """Whether anything would be left behind."""
    return bool(view.working or view.positions)


class Leaving(QDialog):
    """`left` when the window is to be closed all the same."""

    left = Signal()

    def __init__(self, view: EngineView, venue: VenueView, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Close the terminal?")
        self.text = QLabel("\n\n".join(_paragraphs(view, venue)), wordWrap=True)
        self.text.setAccessibleName("What stays open")
        buttons = QDialogButtonBox()
        self.stay = buttons.addButton("Stay", QDialogButtonBox.ButtonRole.RejectRole)
        self.stay.setToolTip("Keep the terminal open (Esc)")
        self.stay.setDefault(True)
        self.go = buttons.addButton("Close the terminal", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setProperty("kind", "danger")
        self.go.setToolTip("End the session; what is listed stays as it is")
        self.go.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        buttons.accepted.connect(self._go)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)

    def _go(self) -> None:
        self.accept()
        self.left.emit()


def _paragraphs(view: EngineView, venue: VenueView) -> list[str]:
    where = f"{venue.broker}, account {venue.account}"
    held = [order for order in view.working if order.state is State.HELD]
    there = [order for order in view.working if order.state is not State.HELD]
    found = [f"Nothing is cancelled or closed with the window. This stays at {where}:"]
    found += _listed([_position(it) for it in view.positions])
    found += _listed([_order(it) for it in there])
    if held:
        found.append("These orders are kept by this program and do nothing while it is closed:")
        found += _listed([_order(it) for it in held])
    if any(order.state in ON_THE_WAY for order in there):
        found.append("Orders are on their way; their answers are waited for, for some seconds, before the session ends.")
    return found


def _listed(lines: list[str]) -> list[str]:
    more = [f"and {len(lines) - MOST} more"] if len(lines) > MOST else []
    return ["\n".join([*lines[:MOST], *more])] if lines else []


def _position(it: PositionView) -> str:
    instrument, bare = instrument_of(it.symbol), abs(it.quantity) - it.protected
    stop = f", {fmt.lots(bare, instrument)} of it without a stop" if bare > 0 else ", under its stop"
    return f"{fmt.side_word(it.quantity)} {fmt.lots(abs(it.quantity), instrument)} {it.symbol}{stop}"


def _order(order: Order) -> str:
    instrument = instrument_of(order.symbol)
    price = order.stop if order.limit is None else order.limit
    at = "" if price is None else f" at {fmt.price(price, instrument)}"
    words = f"{order.side.value} {fmt.lots(order.quantity - order.filled, instrument)} {order.symbol}"
    return f"{order.role.value}: {words} {order.type.value}{at}, {order.state.value.lower().replace('_', ' ')}"
