"""Orders: those that work and can be changed, and all there ever were with the reasons of the refused."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.core.errors import UserError
from engine.domain.instrument import Instrument, instrument_of
from engine.domain.intents import CancelAll, CancelOrder, ModifyOrder
from engine.domain.order import LIVE, Order, OrderType, Role, State
from engine.domain.views import OrderView
from widgets import format as fmt
from widgets.empty import Empty
from widgets.segments import Segments
from widgets.tables.cells import side_column, time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.theme import Theme
from widgets.typed import lots_of, price_of

_BAD = frozenset({State.DENIED, State.REJECTED})
_UNSURE = frozenset({State.UNKNOWN, State.PENDING_CANCEL, State.PENDING_MODIFY})


def instrument(row: OrderView) -> Instrument:
    return instrument_of(row.order.symbol)


def trigger(order: Order) -> int | None:
    """The price the order waits for: its limit, else its stop; None at the market."""
    return order.limit if order.limit is not None else order.stop


def edit_price(row: OrderView, text: str) -> ModifyOrder:
    """Another price for a working order. Raises UserError when it cannot have one."""
    _must_work(row)
    if row.order.type is OrderType.MARKET:
        raise UserError(f"Order {row.order.id} is a market order and has no price to change.")
    return ModifyOrder(row.order.id, price=price_of(text, instrument(row)))


def edit_quantity(row: OrderView, text: str) -> ModifyOrder:
    """Another quantity for a working order. Raises UserError when it is below what has filled."""
    _must_work(row)
    steps = lots_of(text, instrument(row))
    if steps <= row.order.filled:
        filled = fmt.lots(row.order.filled, instrument(row))
        raise UserError(f"{filled} lot have filled already; the quantity must be above that, or cancel the order.")
    return ModifyOrder(row.order.id, quantity=steps)


def _must_work(row: OrderView) -> None:
    if not row.order.is_live:
        raise UserError(f"Order {row.order.id} is {row.order.state.value.lower()}; only working orders can be changed.")


def state_role(row: OrderView) -> str:
    """The colour of an order's state."""
    state = row.order.state
    return "trip" if state in _BAD else "warn" if state in _UNSURE else "gold" if state in LIVE else "text1"


def _kind(row: OrderView) -> str:
    role, kind = row.order.role.value, row.order.type.value
    reduce = " reduce" if row.order.reduce_only and row.order.role is Role.ENTRY else ""
    return (role if role == kind else f"{role} {kind}") + reduce


def _average(row: OrderView) -> str:
    return fmt.price(row.order.average_price, instrument(row))


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        time_column(lambda row: row.placed, "placed", "Placed"),
        text_column("symbol", "Symbol", lambda row: row.order.symbol, 66, bold=True),
        side_column(lambda row: row.order.side),
        text_column("type", "Type", _kind, 88, tint=lambda _row: "text1"),
        Column("quantity", "Qty", lambda row: row.order.quantity, lambda row, _d: fmt.lots(row.order.quantity, instrument(row)),
               unit="lot", width=52, edit=edit_quantity, why=lambda _r, _d: "Double click or F2 to change the quantity"),
        Column("filled", "Filled", lambda row: row.order.filled, lambda row, _d: fmt.lots(row.order.filled, instrument(row)),
               unit="lot", width=58, flash=True),
        Column("price", "Price", lambda row: trigger(row.order), lambda row, _d: fmt.price(trigger(row.order), instrument(row)),
               width=60, edit=edit_price, why=lambda _r, _d: "Double click or F2 to move the order"),
        text_column("state", "State", lambda row: row.order.state.value.replace("_", " ").lower(), 92, tint=state_role),
        text_column("reason", "Reason", lambda row: row.reason or row.order.reason, 260, tint=lambda row: state_role(row)
                    if row.order.state in _BAD else "text1", why=lambda row, _d: row.reason or row.order.reason),
        Column("average", "Average", lambda row: row.order.average_price, lambda row, _d: _average(row)),
        text_column("tif", "TIF", lambda row: row.order.tif.value, 40, tint=lambda _row: "text1"),
        text_column("source", "From", lambda row: "signal" if row.order.signal else "hand", 52, tint=lambda _row: "text1",
                    why=lambda row, _d: f"Signal {row.order.signal}" if row.order.signal else "Entered by hand"),
        text_column("id", "Id", lambda row: row.order.id, 96, tint=lambda _row: "text2"),
    )  # fmt: skip


_KEEPS = {
    "Working": lambda row: row.order.is_live,
    "Filled": lambda row: row.order.filled > 0,
    "Refused": lambda row: row.order.state in _BAD,
    "All": None,
}


class OrdersPanel(TablePanel):
    """All orders, the working ones first in sight; cancel with one key, move a price or a quantity in place."""

    shown = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.order.id)
        empty = Empty(
            theme, "playlist-edit", "No working orders. Limit and stop orders wait here until they fill.", "New order (F9)"
        )
        super().__init__(model, theme, "Orders", empty, parent)
        self.choice = Segments(tuple(_KEEPS), "Which orders to show")
        self.choice.chosen.connect(self.show_only)
        self.bar.addWidget(self.choice)
        self.cancel_button = self.add_button("Cancel", "Cancel the selected order", self.cancel, "Del")
        self.cancel_all = self.add_button("Cancel entries", "Cancel every working entry; stops and targets stay",
                                          lambda: self.ask(CancelAll()), "Shift+Del")  # fmt: skip
        self.bar.addStretch()
        self.table.chosen.connect(lambda _key: self._enable())
        for change in (model.rowsInserted, model.rowsRemoved, model.modelReset, model.dataChanged):
            change.connect(self._enable)
        self.table.sort_by("placed", descending=True)
        self.show_only("Working")

    def show_only(self, which: str) -> None:
        """Show Working, Filled, Refused or All orders."""
        self.choice.choose(which)
        self.empty.set_sentence(_EMPTY[which])
        self.model.set_filter(_KEEPS[which])
        self.shown.emit(which)

    def _enable(self) -> None:
        row = self.table.current()
        self.cancel_button.setEnabled(row is not None and row.order.is_live)
        self.cancel_all.setEnabled(any(row.order.is_live for row in self.model.rows()))

    def cancel(self) -> None:
        """Cancel the selected order."""
        row = self.table.current()
        if row is not None and row.order.is_live:
            self.ask(CancelOrder(row.order.id))


_EMPTY = {
    "Working": "No working orders. Limit and stop orders wait here until they fill.",
    "Filled": "Orders that filled, wholly or in part, are listed here.",
    "Refused": "No order was refused. Denials are listed here with the limit that stopped them.",
    "All": "Every order of this account and run is listed here.",
}
