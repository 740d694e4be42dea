"""Trade history: round trips, flat to flat, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QLabel, QWidget

from engine.domain.instrument import Cash
from engine.domain.views import TradeView
from widgets import format as fmt
from widgets.empty import Empty
from widgets.style import set_role, sign_role
from widgets.tables.cells import lots_column, money_column, price_column, result_column, side_column, time_column
from widgets.tables.column import Column, text_column
from widgets.tables.model import KeyedTableModel
from widgets.tables.panel import TablePanel
from widgets.theme import UNIT, Theme


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over trades, net of costs. `factor` is gross wins / gross losses, None where nothing was lost."""

    count: int = 0
    wins: int = 0
    won: Cash = 0
    lost: Cash = 0

    @property
    def net(self) -> Cash:
        return self.won - self.lost

    @property
    def win_rate(self) -> float:
        return self.wins / self.count if self.count else 0.0

    @property
    def factor(self) -> float | None:
        return self.won / self.lost if self.lost else None


def totals(trades: Iterable[TradeView]) -> Totals:
    """What the trades add up to; a trade without result is no win."""
    count = wins = won = lost = 0
    for trade in trades:
        result = trade.result
        count += 1
        wins += result > 0
        won += max(0, result)
        lost += max(0, -result)
    return Totals(count, wins, won, lost)


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        Column("number", "#", lambda row: row.number, lambda row, _d: str(row.number), width=40, tint=lambda _row: "text2"),
        time_column(lambda row: row.closed, "closed", "Closed"),
        text_column("symbol", "Symbol", lambda row: row.symbol, 70, bold=True),
        side_column(lambda row: row.side),
        lots_column("quantity", "Qty", lambda row: row.quantity),
        price_column("entry", "Entry", lambda row: row.entry),
        price_column("exit", "Exit", lambda row: row.exit),
        result_column("result", "Net", lambda row: row.result, bold=True, why=_why_net),
        result_column("realised", "Gross", lambda row: row.realised),
        money_column("costs", "Costs", lambda row: row.costs),
        Column(
            "held", "Held", lambda row: row.closed - row.opened, lambda row, _d: fmt.duration(row.closed - row.opened), width=92
        ),
        text_column("exit_role", "Exit by", lambda row: row.exit_role.value, 60, tint=lambda _row: "text1"),
        time_column(lambda row: row.opened, "opened", "Opened"),
        text_column("signal", "Signal", lambda row: row.signal or "hand", 96, tint=lambda _row: "text2"),
    )


def _why_net(row: TradeView, _display: fmt.Display) -> str:
    return f"{fmt.signed_money(row.realised)} gross − {fmt.money(row.costs)} costs; net {fmt.signed_money(row.result)}"


def _held(row: TradeView) -> int:
    return row.closed - row.opened


def _words(row: TradeView) -> str:
    return f"{row.symbol} {row.side.value} {row.exit_role.value} {row.signal or 'hand'}"


class TradesPanel(TablePanel):
    """The trade history with its totals and CSV export."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.number)
        super().__init__(
            model, theme, "Trades", Empty(theme, "history", "Closed trades are listed here with their net result."), parent
        )
        self.add_filter(
            "Filter trades", lambda row: f"{row.symbol} {row.side.value} {row.exit_role.value} {row.signal or 'hand'}"
        )
        self.figures = {name: QLabel() for name in ("Trades", "Win rate", "Profit factor", "Net")}
        for name, label in self.figures.items():
            title = QLabel(name)
            title.setProperty("role", "label")
            title.setContentsMargins(2 * UNIT, 0, 0, 0)
            self.bar.addWidget(title)
            self.bar.addWidget(label)
        self.bar.addStretch()
        self.add_button("Export CSV", "Write what is shown to a file", self.table.ask_export, "Ctrl+E", "download-outline")
        for change in (model.rowsInserted, model.rowsRemoved, model.modelReset, model.dataChanged):
            change.connect(self._sum)
        self.table.sort_by("closed", descending=True)
        self._sum()

    def _sum(self) -> None:
        """The totals of what is shown."""
        sums = totals(self.model.rows())
        self.figures["Trades"].setText(str(sums.count))
        self.figures["Win rate"].setText(fmt.percent(sums.win_rate, 1) if sums.count else fmt.DASH)
        self.figures["Profit factor"].setText(fmt.number(sums.factor, 2) if sums.factor is not None else fmt.DASH)
        self.figures["Net"].setText(f"{fmt.signed_money(sums.net)} {self.model.display.currency}")
        set_role(self.figures["Net"], "role", {"up": "good", "down": "loss"}.get(sign_role(sums.net)))

    def state(self) -> dict[str, object]:
        return {**super().state(), "totals": {name: label.text() for name, label in self.figures.items()}}
