"""The ticket's fields: side, type, quantity, price, exits, time in force; read as a Draft."""

from __future__ import annotations

from decimal import Decimal

from PySide6.QtCore import QDateTime, QTimeZone, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDateTimeEdit, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.core.clock import HOUR, Nanos
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.intents import SubmitOrder
from engine.domain.order import OrderType, Side, TimeInForce
from widgets.segments import Segments
from widgets.theme import UNIT
from widgets.ticket.draft import Draft, FieldError
from widgets.ticket.field import NumberField
from widgets.ticket.sides import SideButtons

_MS = 1_000_000


class TicketForm(QWidget):
    """Everything that can be typed. `changed` comes with every edit; `draft` reads it."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lot_step, self._decimals = Decimal(1), 0
        self._now, self._zone = 0, "UTC"
        self.sides = SideButtons()
        self.type = Segments(("Market", "Limit", "Stop"), "Order type")
        self.amount = NumberField("Quantity", "Quantity in lots; arrow keys move it by one step, with Shift by ten")
        self.amount_unit = Segments(("lot", "risk %"), "Quantity in lots or by risk")
        self.size = QLabel()
        self.size.setProperty("role", "hint")
        self.price = NumberField("Price", "Limit or trigger price")
        self.limit = NumberField("Limit", "At its stop the order becomes a limit order at this price; left empty, a market order")
        self.trail = NumberField(
            "Trail", "How far the stop stays behind the market, as a distance; left empty, it stays at its price"
        )
        self.stop_loss = NumberField("Stop loss", "Stop loss; left empty, the default ATR stop is used")
        self.take_profit = NumberField("Take profit", "Take profit; may be left empty")
        self.exit_unit = Segments(("price", "dist"), "Exits as prices or as distances from the entry")
        self.tif = QComboBox()
        self.tif.addItems([tif.value for tif in TimeInForce])
        self.tif.setAccessibleName("Time in force")
        self.tif.setToolTip(
            "GTC until cancelled · DAY until the day's end · GTD until a time · IOC what can be now · FOK all now or nothing"
        )
        self.until = QDateTimeEdit(visible=False, displayFormat="yyyy-MM-dd HH:mm", calendarPopup=True)
        self.until.setAccessibleName("Good till")
        self.reduce_only = QCheckBox("Reduce only")
        self.reduce_only.setToolTip("May close or shrink the position, never open or reverse it")
        self.fields = {
            "amount": self.amount,
            "price": self.price,
            "limit": self.limit,
            "trail": self.trail,
            "stop_loss": self.stop_loss,
            "take_profit": self.take_profit,
        }
        self._lay_out()
        self._wire()
        self._on_type()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.sides)
        column.addLayout(_line("Type", self.type, self.price))
        self.stop_terms = QWidget()
        terms = _line("At stop", self.limit, self.trail)
        terms.setContentsMargins(0, 0, 0, 0)
        self.stop_terms.setLayout(terms)
        column.addWidget(self.stop_terms)
        column.addLayout(_line("Size", self.amount, self.amount_unit))
        column.addLayout(_line("Stop", self.stop_loss, self.exit_unit))
        column.addLayout(_line("Target", self.take_profit, self.tif))
        column.addWidget(self.until)
        foot = QHBoxLayout()
        foot.addWidget(self.size, 1)
        foot.addWidget(self.reduce_only)
        column.addLayout(foot)
        for field in self.fields.values():
            field.setMinimumWidth(16 * UNIT)
        policy = self.price.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.price.setSizePolicy(policy)

    def _wire(self) -> None:
        for field in self.fields.values():
            field.changed.connect(self.changed)
        self.sides.chosen.connect(lambda _side: self.changed.emit())
        self.type.chosen.connect(lambda _name: self._on_type())
        self.amount_unit.chosen.connect(lambda _name: self._on_amount_unit())
        self.exit_unit.chosen.connect(lambda _name: self._on_exit_unit())
        self.tif.currentTextChanged.connect(lambda _text: self._on_tif())
        self.until.dateTimeChanged.connect(lambda _at: self.changed.emit())
        self.reduce_only.toggled.connect(lambda _on: self.changed.emit())

    def _on_type(self) -> None:
        waits = self.type.value != "Market"
        self.price.setEnabled(waits)
        if not waits:
            self.price.clear()
        self.price.setVisible(waits)
        stops = self.type.value == "Stop"
        for field in (self.limit, self.trail):
            field.setEnabled(stops)
            if not stops:
                field.clear()
        self.stop_terms.setVisible(stops)
        self.changed.emit()

    def _on_amount_unit(self) -> None:
        by_risk = self.amount_unit.value == "risk %"
        self.amount.step = Decimal("0.1") if by_risk else self._lot_step
        self.amount.hint = "Share of equity lost at the stop, in percent" if by_risk else "Quantity in lots"
        self.amount.setText("1.0" if by_risk else f"{self._lot_step * 10:f}")
        self.changed.emit()

    def _on_exit_unit(self) -> None:
        for field in (self.stop_loss, self.take_profit):
            field.decimals = self._decimals if self.exit_unit.value == "price" else None
        self.changed.emit()

    def _on_tif(self) -> None:
        wanted = self.tif.currentText() == TimeInForce.GTD.value
        if wanted and self.until.isHidden():
            self._propose_until()
        self.until.setVisible(wanted)
        self.changed.emit()

    # --- what the ticket sets ---

    def set_instrument(self, instrument: Instrument) -> None:
        """Start afresh for another instrument."""
        self._lot_step, self._decimals = instrument.lot_step, instrument.price_decimals
        for field in (self.price, self.limit, self.trail, self.stop_loss, self.take_profit):
            field.clear()
            field.step = instrument.tick_size * 10
        self.price.decimals = self.limit.decimals = self._decimals
        self.limit.setPlaceholderText("limit: none")
        self.trail.setPlaceholderText("trail: none")
        self.show_default_stop("")
        self.take_profit.setPlaceholderText("none")
        self.sides.clear()
        self._on_exit_unit()
        self._on_amount_unit()

    def show_default_stop(self, price: str) -> None:
        """Say in the empty field which stop will be sent; "" while it is not known."""
        self.stop_loss.setPlaceholderText(f"default {price}" if price else "default ATR stop")

    def set_now(self, at: Nanos, zone: str) -> None:
        """The session's time and the user's zone: a good-till time starts four hours from then."""
        self._now, self._zone = at, zone

    def _propose_until(self) -> None:
        zone = QTimeZone(self._zone.encode())
        self.until.setTimeZone(zone)
        self.until.setDateTime(QDateTime.fromMSecsSinceEpoch((self._now + 4 * HOUR) // _MS, zone))

    def mark(self, field: str, sentence: str) -> None:
        """Mark the one field that is wrong, clear the others."""
        for name, widget in self.fields.items():
            widget.mark(sentence if name == field else "")

    def draft(self, default_stop: int | None) -> Draft:
        """What is typed. Raises FieldError for what is not a number."""
        values = {}
        for name, field in self.fields.items():
            try:
                values[name] = field.value() if field.isEnabled() else None
            except UserError as error:
                raise FieldError(name, f"{error}.") from None
        tif = self.tif.currentText()
        return Draft(
            side=self.sides.side or Side.BUY,
            type=self._kind(),
            by_risk=self.amount_unit.value == "risk %",
            by_distance=self.exit_unit.value == "dist",
            tif=tif,
            expires=self.until.dateTime().toMSecsSinceEpoch() * _MS if tif == TimeInForce.GTD.value else None,
            reduce_only=self.reduce_only.isChecked(),
            default_stop=default_stop,
            **values,
        )

    def _kind(self) -> OrderType:
        """A stop that trails is a trailing stop, one with a limit a stop-limit."""
        if self.type.value == "Stop" and self.trail.text().strip():
            return OrderType.TRAILING
        if self.type.value == "Stop" and self.limit.text().strip():
            return OrderType.STOP_LIMIT
        return OrderType(self.type.value.lower())

    def fill(self, order: SubmitOrder, instrument: Instrument) -> None:
        """Show an order's terms, as prices and lots."""
        self.sides.choose(Side(order.side))
        self.type.choose("Stop" if order.type in (OrderType.STOP_LIMIT, OrderType.TRAILING) else order.type.capitalize())
        self.amount_unit.choose("lot")
        self.exit_unit.choose("price")
        self._on_exit_unit()
        self._on_type()
        self.amount.setText(f"{instrument.lots(order.quantity):f}")
        for field, ticks in (
            (self.price, order.price),
            (self.limit, order.limit),
            (self.trail, order.trail or None),
            (self.stop_loss, order.stop_loss),
            (self.take_profit, order.take_profit),
        ):
            field.setText("" if ticks is None else f"{instrument.price(ticks):f}")
        self.tif.setCurrentText(order.tif)
        self.reduce_only.setChecked(order.reduce_only)


def _line(name: str, *widgets: QWidget) -> QHBoxLayout:
    """A row of the form behind its label; the first number field takes what is left."""
    row = QHBoxLayout()
    row.setSpacing(2 * UNIT)
    label = QLabel(name)
    label.setProperty("role", "label")
    label.setFixedWidth(9 * UNIT)
    label.setBuddy(widgets[0])
    row.addWidget(label)
    for widget in widgets:
        row.addWidget(widget, 1 if isinstance(widget, NumberField) else 0)
    if not any(isinstance(widget, NumberField) for widget in widgets):
        row.addStretch()
    return row
