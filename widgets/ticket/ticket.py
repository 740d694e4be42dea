"""The order ticket: an order is typed, judged by the gate while it is typed, and sent by one deliberate press."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from engine.core.clock import Nanos
from engine.domain.instrument import Cash, Instrument, cash, instrument_of
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.limits import Verdict
from engine.domain.market import Quote
from engine.domain.order import Side
from widgets import format as fmt
from widgets.style import font, set_role
from widgets.theme import UNIT, Theme
from widgets.ticket.draft import FieldError, compose_ticket, reference
from widgets.ticket.form import TicketForm
from widgets.ticket.margin import MarginLine
from widgets.ticket.preview import Preview
from widgets.ticket.still import StillCombo

PREVIEW_MS = 80
MARKET_MS = 400
SENT_MS = 1_500
"""So long the button says that the order was sent, and sends no other."""
_SENDS = " (Ctrl+Enter)"
Asked = SubmitOrder | SubmitPair
ROOM_FOR_BARS = 322
"""Pixels from which the preview has bars beside its figures, a scroll bar included."""


class Ticket(QWidget):
    """The ticket of one instrument.

    `preview_wanted` asks the gate about the order as it stands, a moment after each change; answer by `show_verdict`.
    `submit_wanted` sends it; a second press within SENT_MS does nothing. `symbol_changed` follows the choice of instrument.
    """

    preview_wanted = Signal(object)
    submit_wanted = Signal(object)
    symbol_changed = Signal(str)

    def __init__(self, theme: Theme, symbols: tuple[str, ...] = ("XAUUSD",), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Order ticket")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.instrument: Instrument = instrument_of(symbols[0])
        self.quote: Quote | None = None
        self.equity: Cash = 0
        self._asked: Asked | None = None
        self._verdict: Verdict | None = None
        self._default_stop: tuple[Side, int] | None = None
        self.complaint = self._doubt = ""
        self._timers()
        self._build(theme, symbols)
        self._lay_out()
        self._wire()
        self.set_symbol(symbols[0])

    def _timers(self) -> None:
        self._soon = QTimer(self, singleShot=True, interval=PREVIEW_MS)
        self._soon.timeout.connect(self._ask_preview)
        self._market = QTimer(self, singleShot=True, interval=MARKET_MS)
        self._market.timeout.connect(self._ask_preview)
        self._sent = QTimer(self, singleShot=True, interval=SENT_MS)
        self._sent.timeout.connect(self._label_submit)

    def _build(self, theme: Theme, symbols: tuple[str, ...]) -> None:
        self.symbols = StillCombo()
        self.symbols.addItems(list(symbols))
        self.symbols.setAccessibleName("Instrument")
        self.symbols.setToolTip("The instrument to trade")
        self.symbols.setFont(font(bold=True))
        self.spread = QLabel()
        self.spread.setProperty("role", "hint")
        self.form = TicketForm()
        self.error = QLabel(visible=False, wordWrap=True)
        self.error.setProperty("role", "error")
        self.submit = QPushButton()
        self.submit.setProperty("tall", True)
        self.submit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.submit.setAccessibleName("Send order")
        self.preview = Preview(theme)
        self.margin = MarginLine()
        self.preview.put_above_limits(self.margin)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.symbols)
        head.addStretch()
        head.addWidget(self.spread)
        inner = QWidget()
        inner.setProperty("surface", "panel")
        column = QVBoxLayout(inner)
        column.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, 2 * UNIT)
        column.setSpacing(UNIT)
        column.addLayout(head)
        for widget in (self.form, self.preview):
            column.addWidget(widget)
        column.addStretch()
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(scroll, 1)
        outer.addLayout(self._foot())

    def _foot(self) -> QVBoxLayout:
        """What sends stands at the bottom: no line that comes or goes above it moves it under the pointer."""
        foot = QVBoxLayout()
        foot.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        foot.setSpacing(UNIT)
        foot.addWidget(self.error)
        foot.addWidget(self.submit)
        return foot

    def _wire(self) -> None:
        self.symbols.currentTextChanged.connect(self._on_symbol)
        self.form.changed.connect(self._on_change)
        self.submit.clicked.connect(lambda _checked: self.send())
        self.preview.used.connect(self.use_quantity)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):
            shortcut = QShortcut(QKeySequence(keys), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(self.send)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.preview.show_bars(self.width() >= ROOM_FOR_BARS)
        self._label_submit()

    # --- what the application tells it ---

    def set_symbol(self, symbol: str) -> None:
        """Trade this instrument; what was typed for another is cleared."""
        if self.symbols.findText(symbol) < 0:
            self.symbols.addItem(symbol)
        if self.symbols.currentText() != symbol:
            self.symbols.setCurrentText(symbol)
            return
        self.instrument = instrument_of(symbol)
        self.quote = None
        self._default_stop = None
        self._asked = None
        self.form.set_instrument(self.instrument)
        self._show_nothing()
        self._show_quote()

    def _on_symbol(self, symbol: str) -> None:
        self.set_symbol(symbol)
        self.symbol_changed.emit(symbol)

    def update_quote(self, quote: Quote) -> None:
        """The last quote; another instrument's is ignored."""
        if quote.symbol != self.instrument.symbol:
            return
        moved = self.quote is None or (quote.bid, quote.ask) != (self.quote.bid, self.quote.ask)
        self.quote = quote
        if moved:
            self._show_quote()
            if self.form.sides.side is not None and self.isVisible() and not self._market.isActive():
                self._market.start()

    def update_account(self, equity: Cash) -> None:
        """The equity that risk is a share of (cash units)."""
        self.equity = equity

    def set_now(self, at: Nanos, zone: str = "UTC") -> None:
        """The session's time, for orders good till a time."""
        self.form.set_now(at, zone)

    def show_doubt(self, sentence: str) -> None:
        """Why the prices shown are not to be traded on, "" where they are: they are greyed, with the reason."""
        self.form.sides.show_doubt(sentence)
        self._doubt = sentence
        self._label_spread()

    def show_verdict(self, verdict: Verdict, order: Asked | None = None) -> None:
        """The gate's answer to the last order asked about; an answer to another `order` is ignored."""
        if self._asked is None or (order is not None and order != self._asked):
            return
        learned = verdict.stop_is_default and verdict.stop is not None and self._default_stop is None
        if verdict.stop_is_default and verdict.stop is not None:
            self._default_stop = (Side(_first(self._asked).side), verdict.stop)
        self._verdict = verdict
        self._show_default_stop()
        self.preview.show_verdict(verdict, self.instrument, _first(self._asked).quantity)
        if learned and self.form.amount_unit.value == "risk %":
            self._soon.start()
        self._label_submit()

    def focus(self, side: Side | None = None) -> None:
        """Put the cursor into the quantity, with a side chosen where one is given."""
        if side is not None:
            self.form.sides.choose(side)
            self._on_change()
        self.form.amount.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.form.amount.selectAll()

    def fill(self, order: Asked) -> None:
        """Take an order's terms over, for instance from a drag on the chart."""
        self.set_symbol(_first(order).symbol)
        self.form.fill(order, self.instrument)
        self._on_change()

    def use_quantity(self, steps: int) -> None:
        """Take this quantity."""
        self.form.amount_unit.choose("lot")
        self.form.amount.show_value(fmt.plain(fmt.lots(steps, self.instrument)))

    # --- judging ---

    def compose(self) -> Asked | None:
        """The order as it stands; None with the reason marked at its field."""
        side = self.form.sides.side
        try:
            default = self._default_stop[1] if self._default_stop and self._default_stop[0] is side else None
            order = compose_ticket(self.form.draft(default), self.instrument, self.quote, self.equity)
        except FieldError as error:
            self._complain(error.field, str(error))
            return None
        self._complain("", "")
        return order

    def _complain(self, field: str, sentence: str) -> None:
        beside = self.form.mark(field, sentence)
        self.complaint = sentence
        self.error.setText("" if beside else sentence)
        self.error.setVisible(bool(sentence) and not beside)

    def _on_change(self) -> None:
        self._verdict = None
        self._sent.stop()
        self._show_default_stop()
        self._label_submit()
        self._soon.start()

    def _ask_preview(self) -> None:
        if self.form.sides.side is None:
            self._asked = None
            self._show_nothing()
            self._check_fields()
            return
        order = self.compose()
        self._show_size(order)
        self._asked = order
        self.margin.consider(order)
        if order is None:
            self._verdict = None
            self.preview.clear("")
        else:
            self.preview_wanted.emit(order)
        self._label_submit()

    def _check_fields(self) -> None:
        """Without a side there is no order yet, but what cannot be read is marked at once."""
        try:
            self.form.draft(None)
        except FieldError as error:
            self._complain(error.field, str(error))

    # --- sending ---

    @property
    def can_send(self) -> bool:
        """A side is chosen, the order is well formed, not refused, and not just sent."""
        refused = self._verdict is not None and not self._verdict.approved
        return self._asked is not None and not refused and not self._sent.isActive()

    def send(self) -> None:
        """Send the order as it stands now, once."""
        if self.form.sides.side is None or self._sent.isActive():
            return
        order = self.compose()
        if order is None or (self._verdict is not None and not self._verdict.approved):
            return
        self._asked = order
        self._sent.start()
        self.margin.forget()
        self._label_submit()
        self.submit_wanted.emit(order)

    def _label_submit(self) -> None:
        side, order = self.form.sides.side, self._asked
        if self._sent.isActive():
            text = "Sent"
        elif side is None:
            text = "Choose SELL or BUY"
        elif self._verdict is not None and not self._verdict.approved:
            text = "Refused: " + ", ".join(fmt.limit(name) for name in self._verdict.limits)
        elif order is None:
            text = f"{side.value.upper()} {self.instrument.symbol}"
        else:
            text = f"{side.value.upper()} {self._what(order)}"
        self.submit.setText(self.submit.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, self._room_on_button()))
        self.submit.setEnabled(side is not None and self.can_send)
        self.submit.setToolTip(text + _SENDS)
        set_role(self.submit, "kind", side.value if side else None)
        set_role(self.submit, "filled", bool(side))

    def _room_on_button(self) -> int:
        """Pixels a text may have there; all it wants before it is laid out."""
        return self.submit.width() - 5 * UNIT if self.isVisible() else 1 << 16

    def _what(self, asked: Asked) -> str:
        first = _first(asked)
        lots, second = fmt.lots(first.quantity, self.instrument), asked.second if isinstance(asked, SubmitPair) else asked.then
        if second is None:
            return f"{lots} {first.symbol} {self._how(first)}"
        tie = "or" if isinstance(asked, SubmitPair) else "then"
        return f"{lots} {self._how(first)} {tie} {second.side.upper()} {self._how(second)}"

    def _how(self, order: SubmitOrder) -> str:
        kind = order.type.replace("_", "-")
        return kind if order.price is None else f"{kind} {fmt.price(order.price, self.instrument)}"

    # --- showing ---

    def _show_quote(self) -> None:
        self.form.sides.show_quote(self.quote, self.instrument)
        self._label_spread()
        start = None if self.quote is None else self.instrument.price((self.quote.bid + self.quote.ask) // 2)
        self.form.price.start = start
        for field in (self.form.stop_loss, self.form.take_profit):
            field.start = start if self.form.exit_unit.value == "price" else None

    def _label_spread(self) -> None:
        text = "no quote" if self.quote is None else f"spread {self.quote.ask - self.quote.bid} ticks"
        self.spread.setText(f"{text} · not live" if self._doubt and self.quote is not None else text)
        self.spread.setToolTip(self._doubt)
        set_role(self.spread, "role", "warn" if self._doubt else "hint")

    def _show_nothing(self) -> None:
        """No order: nothing derived from one is left to be seen."""
        self.margin.consider(None)
        self._complain("", "")
        self._show_size(None)
        self.preview.clear("What the order does to every limit shows here.")
        self._label_submit()

    def _show_default_stop(self) -> None:
        known = self._default_stop is not None and self._default_stop[0] is self.form.sides.side
        self.form.show_default_stop(fmt.price(self._default_stop[1], self.instrument) if known else "")

    def _show_size(self, asked: Asked | None) -> None:
        if asked is None:
            self.form.size.setText("")
            return
        order = _first(asked)
        instrument, side = self.instrument, Side(order.side)
        price = order.price if order.price is not None else reference(side, self.quote) or 0
        notional = cash(instrument.units(order.quantity) * instrument.price(price))
        lots = f"{fmt.lots(order.quantity, instrument)} lot · " if self.form.amount_unit.value == "risk %" else ""
        self.form.size.setText(f"{lots}{fmt.units(order.quantity, instrument)} · {fmt.money(notional)} {instrument.currency}")

    def set_theme(self, theme: Theme) -> None:
        self.preview.set_theme(theme)

    def state(self) -> dict[str, Any]:
        """What the ticket shows."""
        form = self.form
        return {
            "name": self.accessibleName(),
            "symbol": self.instrument.symbol,
            "side": form.sides.side.value if form.sides.side else None,
            "prices": [button.text() for button in form.sides.buttons.values()],
            "type": form.type.value,
            "fields": {name: field.text() for name, field in form.fields.items()},
            "size": form.size.text(),
            "tif": form.tif.currentText(),
            "error": self.complaint,
            "advanced": form.advanced.button.text(),
            "doubt": self._doubt,
            "margin": self.margin.state(),
            "preview": self.preview.state(),
            "buttons": {self.submit.toolTip().removesuffix(_SENDS): self.submit.isEnabled()},
        }


def _first(asked: Asked) -> SubmitOrder:
    return asked.first if isinstance(asked, SubmitPair) else asked
