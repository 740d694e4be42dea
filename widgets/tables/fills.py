"""Fills: every execution, the newest first."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from engine.domain.views import FillView
from widgets.empty import Empty
from widgets.tables.cells import lots_column, money_column, price_column, result_column, side_column, time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.theme import Theme


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        time_column(lambda row: row.at),
        text_column("symbol", "Symbol", lambda row: row.symbol, 70, bold=True),
        side_column(lambda row: row.side),
        text_column("role", "For", lambda row: row.role.value, 52, tint=lambda _row: "text1"),
        lots_column("quantity", "Qty", lambda row: row.quantity),
        price_column("price", "Price", lambda row: row.price),
        result_column("realised", "Booked", lambda row: row.realised),
        money_column("commission", "Commission", lambda row: row.commission, width=118),
        text_column("order", "Order", lambda row: row.order, 96, tint=lambda _row: "text2"),
        text_column("execution", "Execution", lambda row: row.execution, 110, tint=lambda _row: "text2"),
    )


def _words(row: FillView) -> str:
    return f"{row.symbol} {row.side.value} {row.role.value} {row.order} {row.execution}"


class FillsPanel(TablePanel):
    """All executions with a filter and CSV export."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.execution)
        super().__init__(model, theme, "Fills", Empty(theme, "check-all", "Executions appear here as orders fill."), parent)
        self.add_filter("Filter fills", _words)
        self.bar.addStretch()
        self.add_button("Export CSV", "Write what is shown to a file", self.table.ask_export, "Ctrl+E", "download-outline")
        self.table.sort_by("time", descending=True)
