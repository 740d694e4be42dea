"""Open positions: what they are worth, what they risk, and the ways out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QDialogButtonBox, QInputDialog, QWidget

from engine.core.errors import UserError
from engine.domain.instrument import Cash, Instrument, Steps, instrument_of
from engine.domain.intents import ClosePosition, EditProtection, Flatten, ReversePosition
from engine.domain.views import PositionView
from widgets import format as fmt
from widgets.confirm import ConfirmButton
from widgets.empty import Empty
from widgets.style import sign_role
from widgets.tables.cells import money_column, of, price_column, result_column, time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.theme import Theme
from widgets.typed import lots_of, price_of

_PARTS = (25, 50, 75)


def protection(row: PositionView) -> str:
    """Whether every unit has a working stop."""
    missing = abs(row.quantity) - row.protected
    return "protected" if missing <= 0 else f"{fmt.lots(missing, of(row))} lot bare"


def edit_stop(row: PositionView, text: str) -> EditProtection:
    """The stop as typed. Raises UserError when it lies on the wrong side of the market."""
    stop = price_of(text, of(row))
    if (row.mark - stop) * row.quantity <= 0:
        raise UserError(_wrong_side(row, "stop", "below" if row.quantity > 0 else "above"))
    return EditProtection(row.symbol, stop_loss=stop)


def edit_target(row: PositionView, text: str) -> EditProtection:
    """The target as typed; an empty text removes it. Raises UserError when it lies on the wrong side of the market."""
    if not text.strip() or text.strip() == fmt.DASH:
        return EditProtection(row.symbol, take_profit=0)
    target = price_of(text, of(row))
    if (target - row.mark) * row.quantity <= 0:
        raise UserError(_wrong_side(row, "target", "above" if row.quantity > 0 else "below"))
    return EditProtection(row.symbol, take_profit=target)


def _wrong_side(row: PositionView, what: str, side: str) -> str:
    word = fmt.side_word(row.quantity).lower()
    return f"The {what} of a {word} position must be {side} the market, {fmt.price(row.mark, of(row))} now; nothing was changed."


def _why_worth(row: PositionView, _display: fmt.Display) -> str:
    instrument = of(row)
    entry, mark = fmt.price(row.average, instrument), fmt.price(row.mark, instrument)
    return f"{fmt.signed_lots(row.quantity, instrument)} lot from {entry} to {mark}, the price to close at now; costs apart"


def columns(risk_share: Callable[[PositionView], float]) -> tuple[Column, ...]:
    """The table's columns; `risk_share` gives a position's risk as a fraction of equity."""
    return (
        text_column("symbol", "Symbol", lambda row: row.symbol, 60, bold=True),
        Column("side", "Side", lambda row: row.quantity, lambda row, _d: fmt.side_word(row.quantity), numeric=False, width=48,
               tint=lambda row: sign_role(row.quantity)),
        Column("quantity", "Qty", lambda row: abs(row.quantity), lambda row, _d: fmt.lots(abs(row.quantity), of(row)),
               unit="lot", width=52),
        price_column("entry", "Entry", lambda row: row.average),
        price_column("mark", "Mark", lambda row: row.mark, flash=True),
        price_column("stop", "Stop", lambda row: row.stop, edit=edit_stop,
                     why=lambda _r, _d: "Double click or F2 to move the stop"),
        price_column("target", "Target", lambda row: row.target, edit=edit_target,
                     why=lambda _r, _d: "Double click or F2 to move the target; empty removes it"),
        result_column("unrealised", "Open P/L", lambda row: row.unrealised, bold=True, width=86, why=_why_worth),
        money_column("risk", "Risk", lambda row: row.risk, width=60,
                     why=lambda _r, _d: "Loss if the stop fills, with slippage"),
        Column("risk_share", "Risk", risk_share, lambda row, _d: fmt.number(risk_share(row) * 100, 2), unit="%", width=46),
        text_column("protected", "Protection", protection, 68, tint=lambda row: _guarded(row)),
        result_column("realised", "Booked", lambda row: row.realised, width=80, hint="Already realised on this trade"),
        money_column("costs", "Costs", lambda row: row.costs, width=70, hint="Commission and financing of this trade"),
        time_column(lambda row: row.opened, "opened", "Opened"),
    )  # fmt: skip


def _guarded(row: PositionView) -> str:
    return "text1" if row.protected >= abs(row.quantity) else "trip"


class PositionsPanel(TablePanel):
    """Open positions with close, partial close, reverse, and stop and target edited in place."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        self._equity: Cash = 0
        model = KeyedTableModel(columns(self._risk_share), lambda row: row.symbol)
        empty = Empty(theme, "scale-balance", "Positions appear here when an order fills.", "New order (F9)")
        super().__init__(model, theme, "Positions", empty, parent)
        self._parts = [self.add_button("Close", "Close all of the selected position at the market", self.close_all, "Del")]
        for part in _PARTS:
            act = partial(self.close_part, part)
            self._parts.append(self.add_button(f"{part} %", f"Close {part} % of it", act, f"Ctrl+{part // 25}"))
        self._parts.append(self.add_button("Custom…", "Close a quantity you type", self.ask_quantity, "Alt+C"))
        self.reverse = self._confirm("Reverse", "Reverse at the market?", self._reverse)
        self.reverse.setToolTip("Close and open the same quantity the other way; asks once more")
        self.bar.addStretch()
        self.flatten = self._confirm("Flatten all", "Cancel all, close all?", lambda: self.ask(Flatten()))
        self.flatten.setToolTip("Cancel every order and close every position; asks once more")
        self.table.chosen.connect(lambda _key: self._enable())
        for change in (model.rowsInserted, model.rowsRemoved, model.modelReset, model.dataChanged):
            change.connect(self._enable)
        self._enable()

    def _confirm(self, text: str, question: str, act: Callable[[], None]) -> ConfirmButton:
        button = ConfirmButton(text, question)
        button.confirmed.connect(act)
        self.bar.addWidget(button)
        return button

    def _risk_share(self, row: PositionView) -> float:
        return row.risk / self._equity if self._equity else 0.0

    def show_positions(self, positions: tuple[PositionView, ...], equity: Cash) -> None:
        """The positions of this frame; `equity` is what risk is a share of."""
        self._equity = equity
        self.update_rows(positions)

    def _enable(self) -> None:
        """The buttons act on the selected row, or on the only one."""
        if self.table.current() is None and self.model.rowCount() == 1:
            self.table.selectRow(0)
        row = self.table.current()
        for button in (*self._parts, self.reverse):
            button.setEnabled(row is not None)
        for button, part in zip(self._parts[1:4], _PARTS, strict=True):
            button.setEnabled(row is not None and 0 < self._steps(row, part) < abs(row.quantity))
        self.flatten.setEnabled(self.model.rowCount() > 0)

    @staticmethod
    def _steps(row: PositionView, part: int) -> Steps:
        return abs(row.quantity) * part // 100

    def close_all(self) -> None:
        """Close the selected position."""
        if (row := self.table.current()) is not None:
            self.ask(ClosePosition(row.symbol))

    def close_part(self, part: int) -> None:
        """Close `part` percent of the selected position, rounded down to the lot step."""
        row = self.table.current()
        if row is None:
            return
        if steps := self._steps(row, part):
            self.ask(ClosePosition(row.symbol, steps))
        else:
            self.complain(f"{part} % of {fmt.lots(abs(row.quantity), of(row))} lot is less than one lot step; close all instead.")

    def ask_quantity(self) -> None:
        """Ask how much to close, in lots. Returns at once."""
        row = self.table.current()
        if row is None:
            return
        instrument = of(row)
        dialog = QInputDialog(self)
        dialog.setWindowTitle(f"Close part of {row.symbol}")
        label = f"Quantity in lots, up to {fmt.lots(abs(row.quantity), instrument)}"
        dialog.setLabelText(label)
        dialog.setInputMode(QInputDialog.InputMode.TextInput)
        dialog.setTextValue(fmt.plain(fmt.lots(max(1, abs(row.quantity) // 2), instrument)))
        dialog.textValueChanged.connect(lambda text: _judge(dialog, label, text, instrument))
        dialog.textValueSelected.connect(lambda text: self.close_lots(row.symbol, text))
        dialog.open()

    def close_lots(self, symbol: str, text: str) -> None:
        """Close the quantity typed, in lots; says what is wrong with it otherwise."""
        number = self.model.number_of(symbol)
        if number is None:
            self.complain(f"{symbol} is already flat; nothing was sent.")
            return
        held, instrument = abs(self.model.row(number).quantity), instrument_of(symbol)
        try:
            steps = lots_of(text, instrument)
        except UserError as error:
            self.complain(f"{error}; nothing was sent.")
            return
        if steps > held:
            self.complain(f"Only {fmt.lots(held, instrument)} lot of {symbol} is open; nothing was sent.")
            return
        self.ask(ClosePosition(symbol, 0 if steps == held else steps))

    def _reverse(self) -> None:
        if (row := self.table.current()) is not None:
            self.ask(ReversePosition(row.symbol))


def _judge(dialog: QInputDialog, label: str, text: str, instrument: Instrument) -> None:
    """What cannot be read is said above the field, and OK is dead."""
    try:
        lots_of(text, instrument)
        wrong = ""
    except UserError as error:
        wrong = f"{error}."
    dialog.setLabelText(wrong or label)
    dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok).setEnabled(not wrong)
