"""The ticket's fields: side, type, quantity, price, exits, time in force, and what folds out; read as a Draft."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from PySide6.QtCore import QDateTime, QTimeZone, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.core.clock import HOUR, Nanos
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.order import OrderType, Side, TimeInForce
from widgets.segments import Segments
from widgets.theme import UNIT
from widgets.ticket.advanced import PERCENT, Advanced, trail_unit
from widgets.ticket.draft import PAIR, PPM_OF_A_PERCENT, THEN, Draft, FieldError, TargetDraft
from widgets.ticket.field import NumberField
from widgets.ticket.row import Row
from widgets.ticket.sides import SideButtons
from widgets.ticket.still import StillCombo, StillTime

_MS = 1_000_000


class TicketForm(QWidget):
    """Everything that can be typed. `changed` comes with every edit; `draft` reads it."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lot_step, self._decimals = Decimal(1), 0
        self._now, self._zone = 0, "UTC"
        self._instrument: Instrument | None = None
        self.sides = SideButtons()
        self.type = Segments(("Market", "Limit", "Stop"), "Order type")
        self.amount = NumberField("Quantity", "Quantity in lots; arrow keys move it by one step, with Shift by ten")
        self.amount_unit = Segments(("lot", "risk %"), "Quantity in lots or by risk")
        self.size = QLabel()
        self.size.setProperty("role", "hint")
        self.price = NumberField("Price", "Limit or trigger price")
        self.limit = NumberField("Limit", "At its stop the order becomes a limit order at this price; left empty, a market order")
        self.trail = NumberField(
            "Trail", "How far the stop stays behind the market, as a distance or in percent; left empty, it stays at its price"
        )
        self.trail_unit = trail_unit("The stop trails by a distance or by percent")
        self.stop_loss = NumberField("Stop loss", "Stop loss; left empty, the default ATR stop is used")
        self.take_profit = NumberField("Take profit", "Take profit; may be left empty")
        self.exit_unit = Segments(("price", "dist"), "Exits as prices or as distances from the entry")
        self.tif = StillCombo()
        self.tif.addItems([tif.value for tif in TimeInForce])
        self.tif.setAccessibleName("Time in force")
        self.tif.setToolTip(
            "GTC until cancelled · DAY until the day's end · GTD until a time · IOC what can be now · FOK all now or nothing"
        )
        self.until = StillTime(displayFormat="yyyy-MM-dd HH:mm", calendarPopup=True)
        self.until.setAccessibleName("Good till")
        self.advanced = Advanced()
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
        self.stop_terms = Row("At stop", self.limit, self.trail, self.trail_unit, fields=self._named("limit", "trail"))
        self.until_row = Row("Until", self.until, fields={"until": self.until})
        self.rows = [
            Row("Type", self.type, self.price, fields=self._named("price")),
            self.stop_terms,
            Row("Size", self.amount, self.amount_unit, fields=self._named("amount")),
            Row("Stop", self.stop_loss, self.exit_unit, fields=self._named("stop_loss")),
            Row("Target", self.take_profit, self.tif, fields=self._named("take_profit")),
            self.until_row,
        ]
        self.until_row.hide()
        column.addWidget(self.sides)
        for row in self.rows:
            column.addWidget(row)
        foot = QHBoxLayout()
        foot.addWidget(self.size, 1)
        foot.addWidget(self.reduce_only)
        column.addLayout(foot)
        column.addWidget(self.advanced)
        for field in self.fields.values():
            field.setMinimumWidth(14 * UNIT)
        policy = self.price.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.price.setSizePolicy(policy)

    def _named(self, *names: str) -> dict[str, QWidget]:
        return {name: self.fields[name] for name in names}

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
        self.trail_unit.chosen.connect(lambda _name: self.changed.emit())
        self.advanced.changed.connect(self._on_advanced)

    def _on_advanced(self) -> None:
        """Several targets take the place of the one."""
        several = bool(self.advanced.targets.rows)
        self.take_profit.setEnabled(not several)
        if several:
            self.take_profit.clear()
        self.take_profit.setPlaceholderText("several, below" if several else "none")
        self.changed.emit()

    def _on_type(self) -> None:
        waits = self.type.value != "Market"
        self.price.setEnabled(waits)
        if not waits:
            self.price.clear()
        self.price.setVisible(waits)
        self.price.setPlaceholderText("trigger" if self.type.value == "Stop" else "price")
        stops = self.type.value == "Stop"
        for field in (self.limit, self.trail):
            field.setEnabled(stops)
            if not stops:
                field.clear()
        self.stop_terms.setVisible(stops)
        self.advanced.allow(self.type.value == "Limit")
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
        if self._instrument is not None:
            self.advanced.set_instrument(self._instrument, self.exit_unit.value == "dist")
        self.changed.emit()

    def _on_tif(self) -> None:
        wanted = self.tif.currentText() == TimeInForce.GTD.value
        if wanted and self.until_row.isHidden():
            self._propose_until()
        self.until_row.setVisible(wanted)
        self.changed.emit()

    # --- what the ticket sets ---

    def set_instrument(self, instrument: Instrument) -> None:
        """Start afresh for another instrument."""
        self._lot_step, self._decimals, self._instrument = instrument.lot_step, instrument.price_decimals, instrument
        self.advanced.clear()
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

    def mark(self, field: str, sentence: str) -> bool:
        """Mark the one field that is wrong, clear the others; where it is folded in, it is folded out. False where the sentence
        is about no field of the form."""
        marked = [row.mark(field, sentence) for row in self.rows]
        folded = [row.mark(field, sentence) for row in self.advanced.all_rows]
        if any(folded) and not self.advanced.is_open:
            self.advanced.set_open(True)
        return any(marked) or any(folded)

    def draft(self, default_stop: int | None) -> Draft:
        """What is typed. Raises FieldError for what is not a number, and for a date that is over."""
        values = {name: _read(name, field) for name, field in self.fields.items()}
        tif, more = self.tif.currentText(), self.advanced
        draft = Draft(
            side=self.sides.side or Side.BUY,
            type=self._kind(),
            by_risk=self.amount_unit.value == "risk %",
            by_distance=self.exit_unit.value == "dist",
            tif=tif,
            expires=self._expires() if tif == TimeInForce.GTD.value else None,
            reduce_only=self.reduce_only.isChecked(),
            default_stop=default_stop,
            trail_by_percent=self.trail_unit.value == PERCENT,
            stop_trail=_read("stop_trail", more.stop_trail),
            stop_trail_by_percent=more.stop_trail_unit.value == PERCENT,
            targets=tuple(
                TargetDraft(_read(f"target{number}", it.price), _read(f"share{number}", it.share))
                for number, it in enumerate(more.targets.rows, start=1)
            ),
            post_only=more.post_only.isChecked(),
            **values,
        )
        tie = more.second.tied_by
        return replace(draft, second=more.second.draft(_read, draft), tie=tie) if tie else draft

    def _expires(self) -> Nanos:
        at = self.until.dateTime().toMSecsSinceEpoch() * _MS
        if at <= self._now:
            raise FieldError("until", "This time is over; choose one that lies ahead.")
        return at

    def _kind(self) -> OrderType:
        """A stop that trails is a trailing stop, one with a limit a stop-limit."""
        if self.type.value == "Stop" and self.trail.text().strip():
            return OrderType.TRAILING
        if self.type.value == "Stop" and self.limit.text().strip():
            return OrderType.STOP_LIMIT
        return OrderType(self.type.value.lower())

    def fill(self, intent: SubmitOrder | SubmitPair, instrument: Instrument) -> None:
        """Show a ticket's terms, as prices and lots."""
        order = intent.first if isinstance(intent, SubmitPair) else intent
        self.sides.choose(Side(order.side))
        self.type.choose("Stop" if order.type in (OrderType.STOP_LIMIT, OrderType.TRAILING) else order.type.capitalize())
        self.amount_unit.choose("lot")
        self.exit_unit.choose("price")
        self._on_exit_unit()
        self._on_type()
        self.advanced.clear()
        self.amount.setText(f"{instrument.lots(order.quantity):f}")
        for field, ticks in (
            (self.price, order.price),
            (self.limit, order.limit),
            (self.stop_loss, order.stop_loss),
            (self.take_profit, order.take_profit),
        ):
            field.setText("" if ticks is None else f"{instrument.price(ticks):f}")
        _show_trail(self.trail, self.trail_unit, order.trail, order.trail_ppm, instrument)
        self.tif.setCurrentText(order.tif)
        if order.expires is not None:
            self.until.setDateTime(QDateTime.fromMSecsSinceEpoch(order.expires // _MS, QTimeZone(self._zone.encode())))
        self.reduce_only.setChecked(order.reduce_only)
        self._fill_advanced(order, instrument)
        if isinstance(intent, SubmitPair):
            self.advanced.second.fill(intent.second, PAIR, instrument)
        elif order.then is not None:
            self.advanced.second.fill(order.then, THEN, instrument)

    def _fill_advanced(self, order: SubmitOrder, instrument: Instrument) -> None:
        more = self.advanced
        for price, quantity in order.targets:
            share = Decimal(100 * quantity) / order.quantity
            more.targets.add_row(f"{instrument.price(price):f}", f"{share.quantize(Decimal('0.01')).normalize():f}")
        _show_trail(more.stop_trail, more.stop_trail_unit, order.stop_trail, order.stop_trail_ppm, instrument)
        more.post_only.setChecked(order.post_only)


def _read(name: str, field: NumberField) -> Decimal | None:
    try:
        return field.value() if field.isEnabled() else None
    except UserError as error:
        raise FieldError(name, f"{error}.") from None


def _show_trail(field: NumberField, unit: Segments, ticks: int, ppm: int, instrument: Instrument) -> None:
    unit.choose(PERCENT if ppm else "dist")
    percent = (Decimal(ppm) / PPM_OF_A_PERCENT).normalize()
    field.setText(f"{percent:f}" if ppm else f"{instrument.price(ticks):f}" if ticks else "")
