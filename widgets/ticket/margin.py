"""What an order would do to margin, by the venue's word; asked a moment after the ticket has changed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.margin import Margin
from widgets import format as fmt
from widgets.style import set_role, table_font

ASK_MS = 300
"""So long the ticket has to stand still before a venue is asked."""


HEAD = "Margin after this order"
CENTS_BELOW = 1_000


class MarginLine(QWidget):
    """One question at a time: `wanted(question)` asks, `dropped()` says that its answer is not waited for any more.

    Answer by `show_margin` or `show_failure` with that very question; an answer to an earlier one is not shown.
    """

    wanted = Signal(object)
    dropped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Margin after this order")
        self.currency = ""
        self._order: SubmitOrder | None = None
        self._question: SubmitOrder | None = None
        self._obstacle = ""
        self._soon = QTimer(self, singleShot=True, interval=ASK_MS)
        self._soon.timeout.connect(self._ask)
        self.head, self.figures, self.source = QLabel(), QLabel(wordWrap=True), QLabel(wordWrap=True)
        self.head.setProperty("role", "label")
        self.figures.setFont(table_font())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        for label in (self.head, self.source, self.figures):
            layout.addWidget(label)
        self.hide()

    def consider(self, asked: SubmitOrder | SubmitPair | None) -> None:
        """The ticket as it stands; None while it is no order. What margin does not hang on asks nothing anew."""
        order = None if asked is None else _about(asked)
        if order == self._order:
            return
        self._order = order
        self.forget()

    def forget(self) -> None:
        """The answer holds no longer: an order was sent, or something filled. It is asked for again."""
        if self._question is not None:
            self._question = None
            self.dropped.emit()
        self._soon.stop()
        self.setVisible(self._order is not None)
        if self._order is None:
            return
        if self._obstacle:
            self._say(f"Not known: {self._obstacle}.", "error")
            return
        self._say("asking…", "hint")
        self._soon.start()

    def set_obstacle(self, sentence: str) -> None:
        """Why the venue cannot be asked now, "" where it can: what it said before is not shown as if it held."""
        if sentence != self._obstacle:
            self._obstacle = sentence
            self.forget()

    def _ask(self) -> None:
        if self._order is not None:
            self._question = replace(self._order)
            self.wanted.emit(self._question)

    def show_margin(self, question: object, margin: Margin) -> None:
        """The answer to a question."""
        if question is not self._question:
            return
        self._question = None
        unit = f" ({self.currency})" if self.currency else ""
        self.head.setText(f"{HEAD}{unit}, {'our estimate' if margin.estimated else 'by the venue'}")
        figures = zip(("Initial", "Maintenance", "Excess"), (margin.initial, margin.maintenance, margin.excess), strict=True)
        self.figures.setText("  ".join(f"{name}\u00a0{_short(value)}" for name, value in figures))
        set_role(self.figures, "role", "error" if margin.excess < 0 else None)
        self.figures.setToolTip(
            f"Initial {_amount(margin.initial)} ({_amount(margin.initial_added, sign=True)} by this order), maintenance "
            f"{_amount(margin.maintenance)} ({_amount(margin.maintenance_added, sign=True)}); excess {_amount(margin.excess)} is "
            f"equity of {_amount(margin.equity)} less maintenance"
            + (f"; not the venue's word, {margin.estimated}" if margin.estimated else "")
        )
        self.source.setText(margin.warning)
        self.source.setVisible(bool(margin.warning))
        set_role(self.source, "role", "warn" if margin.warning else "hint")

    def show_failure(self, question: object, sentence: str) -> None:
        """Why a question has no answer."""
        if question is self._question:
            self._question = None
            self._say(f"Not known: {sentence.rstrip('.')}.", "warn")

    def _say(self, sentence: str, role: str) -> None:
        self.head.setText(HEAD)
        self.figures.setText("")
        self.source.setText(sentence)
        self.source.show()
        set_role(self.source, "role", role)

    def state(self) -> dict[str, Any]:
        if self.isHidden():
            return {}
        return {"head": self.head.text(), "figures": self.figures.text(), "source": self.source.text()}


def _about(asked: SubmitOrder | SubmitPair) -> SubmitOrder:
    """What margin hangs on: the first order, without its exits and what follows."""
    first = asked.first if isinstance(asked, SubmitPair) else asked
    return replace(first, stop_loss=None, take_profit=None, targets=(), stop_trail=0, stop_trail_ppm=0, then=None)


def _amount(value: Decimal, sign: bool = False, decimals: int = 2) -> str:
    return f"{value:{'+' if sign else ''},.{decimals}f}".replace("-", fmt.MINUS)


def _short(value: Decimal) -> str:
    """Cents only where they matter; the tooltip has them all."""
    return _amount(value, decimals=0 if abs(value) >= CENTS_BELOW else 2)
