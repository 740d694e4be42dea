"""A second order of the ticket: the other one of a pair, or the one that follows."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.domain.instrument import Instrument
from engine.domain.intents import SubmitOrder
from engine.domain.order import OrderType, Side
from widgets.segments import Segments
from widgets.theme import UNIT
from widgets.ticket.draft import PAIR, THEN, Draft
from widgets.ticket.field import NumberField
from widgets.ticket.row import Row

ALONE, OCO, OTO = "alone", "or (OCO)", "then (OTO)"
_TIES = {OCO: PAIR, OTO: THEN}
_WHY = {
    ALONE: "This order only",
    OCO: "Two orders that wait: the first that fills, be it in part, cancels the other",
    OTO: "Another order, placed once this one has filled whole",
}


class SecondOrder(QWidget):
    """How the second order is tied, and its terms. `changed` comes with every edit. An empty size is as much as the first's."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tie = Segments((ALONE, OCO, OTO), "Second order")
        for name, button in self.tie.buttons.items():
            button.setToolTip(_WHY[name])
        self.side = Segments(("Sell", "Buy"), "Side of the second order")
        self.type = Segments(("Limit", "Stop", "Market"), "Type of the second order")
        self.amount = NumberField("Quantity of the second order", "Lots of the second order; left empty, as many as the first")
        self.amount.setPlaceholderText("same size")
        self.price = NumberField("Price of the second order", "Limit or trigger price of the second order")
        self.limit = NumberField("Limit of the second order", "At its stop it becomes a limit order at this price; may be empty")
        self.limit.setPlaceholderText("limit: none")
        self.stop_loss = NumberField("Stop loss of the second order", "Left empty, the default ATR stop is used")
        self.stop_loss.setPlaceholderText("default ATR stop")
        self.take_profit = NumberField("Take profit of the second order", "May be left empty")
        self.take_profit.setPlaceholderText("none")
        self.reduce_only = QCheckBox("Reduce only")
        self.reduce_only.setToolTip("The order that follows may close or shrink the position, never open or reverse it")
        self._fields = {
            "second.amount": self.amount,
            "second.price": self.price,
            "second.limit": self.limit,
            "second.stop_loss": self.stop_loss,
            "second.take_profit": self.take_profit,
        }
        self.limit_row = Row("Limit", self.limit, fields=self._named("limit"))
        self.all_rows = [
            Row("Side", self.side, self.reduce_only),
            Row("Type", self.type),
            Row("Price", self.price, self.amount, fields=self._named("price", "amount")),
            self.limit_row,
            Row("Stop", self.stop_loss, fields=self._named("stop_loss")),
            Row("Target", self.take_profit, fields=self._named("take_profit")),
        ]
        self.body = QWidget()
        inner = QVBoxLayout(self.body)
        column = QVBoxLayout(self)
        for layout in (inner, column):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(UNIT)
        for row in self.all_rows:
            inner.addWidget(row)
        column.addWidget(Row("With", self.tie))
        column.addWidget(self.body)
        for field in self._fields.values():
            field.changed.connect(self.changed)
        for segments in (self.tie, self.side, self.type):
            segments.chosen.connect(lambda _name: self._settle())
        self.reduce_only.toggled.connect(lambda _on: self.changed.emit())
        self._settle()

    def _named(self, *names: str) -> dict[str, QWidget]:
        return {f"second.{name}": self._fields[f"second.{name}"] for name in names}

    def _settle(self) -> None:
        """Only what applies can be typed."""
        follows, name = self.tie.value == OTO, self.type.value
        self.body.setVisible(self.tie.value != ALONE)
        market = self.type.buttons["Market"]
        market.setEnabled(follows)
        market.setToolTip("Once the first has filled, at the market" if follows else "The orders of a pair wait for their price")
        if name == "Market" and not follows:
            self.type.choose("Limit")
        self.reduce_only.setEnabled(follows)
        if not follows:
            self.reduce_only.setChecked(False)
        self.price.setEnabled(self.type.value != "Market")
        if not self.price.isEnabled():
            self.price.clear()
        stops = self.type.value == "Stop"
        self.limit_row.setVisible(stops)
        if not stops:
            self.limit.clear()
        self.changed.emit()

    @property
    def tied_by(self) -> str:
        """PAIR, THEN, or "" for an order alone."""
        return _TIES.get(self.tie.value, "")

    def set_instrument(self, instrument: Instrument, by_distance: bool) -> None:
        """Prices of this instrument; exits as distances where the first order's are."""
        for field in self._fields.values():
            field.step = instrument.tick_size * 10
            field.decimals = instrument.price_decimals
        self.amount.step, self.amount.decimals = instrument.lot_step, None
        for field in (self.stop_loss, self.take_profit):
            field.decimals = None if by_distance else instrument.price_decimals

    def clear(self) -> None:
        """An order alone."""
        for field in self._fields.values():
            field.clear()
        self.tie.choose(ALONE)
        self.type.choose("Limit")
        self._settle()

    def draft(self, read: Callable[[str, NumberField], Decimal | None], like: Draft) -> Draft:
        """The second order, good for as long as the first; `read` reads a field by its name."""
        name = self.type.value
        kind = OrderType.STOP_LIMIT if name == "Stop" and self.limit.text().strip() else OrderType(name.lower())
        values = {name.removeprefix("second."): read(name, field) for name, field in self._fields.items()}
        return Draft(
            side=Side(self.side.value.lower()),
            type=kind,
            by_distance=like.by_distance,
            tif=like.tif,
            expires=like.expires,
            reduce_only=self.reduce_only.isChecked(),
            **values,
        )

    def fill(self, order: SubmitOrder, tie: str, instrument: Instrument) -> None:
        """Show an order's terms, as prices and lots."""
        self.tie.choose(next(name for name, word in _TIES.items() if word == tie))
        self.side.choose(order.side.capitalize())
        self.type.choose("Stop" if order.type == OrderType.STOP_LIMIT.value else order.type.capitalize())
        self._settle()
        self.amount.setText(f"{instrument.lots(order.quantity):f}")
        for field, ticks in (
            (self.price, order.price),
            (self.limit, order.limit),
            (self.stop_loss, order.stop_loss),
            (self.take_profit, order.take_profit),
        ):
            field.setText("" if ticks is None else f"{instrument.price(ticks):f}")
        self.reduce_only.setChecked(order.reduce_only)
