"""The window's panels. To add one: write a module with a class like the others, and one line in PANELS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.panels.base import Panel, Surroundings
from app.panels.chart import ChartPanel
from app.panels.lists import FillsView, JournalView, LogView, OrdersView, PositionsView, TradesView
from app.panels.money import EquityView, RiskView
from app.panels.signals import SignalsView
from app.panels.ticket import TicketView
from app.panels.watch import WatchView


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands when the layout is new: `area` is left, center, right, right_low or bottom."""

    name: str
    title: str
    area: str
    make: Callable[[Surroundings], Panel]


PANELS: tuple[Place, ...] = (
    Place("chart", "Chart", "center", ChartPanel),
    Place("watchlist", "Watchlist", "left", WatchView),
    Place("signals", "Signals", "right", SignalsView),
    Place("ticket", "Ticket", "right_low", TicketView),
    Place("positions", "Positions", "bottom", PositionsView),
    Place("orders", "Orders", "bottom", OrdersView),
    Place("fills", "Fills", "bottom", FillsView),
    Place("trades", "Trades", "bottom", TradesView),
    Place("risk", "Risk", "bottom", RiskView),
    Place("equity", "Equity", "bottom", EquityView),
    Place("journal", "Journal", "bottom", JournalView),
    Place("log", "Log", "bottom", LogView),
)

__all__ = ["PANELS", "Panel", "Place", "Surroundings"]
