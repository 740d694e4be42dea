"""The window's panels. To add one: write a module with a class like the others, and one line in PANELS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.panels.base import Panel, Surroundings
from app.panels.chart import ChartPanel
from app.panels.depth import DepthView
from app.panels.imports import ImportsPanel
from app.panels.instruments import InstrumentsPanel
from app.panels.lists import FillsView, JournalView, LogView, OrdersView, PositionsView, TradesView
from app.panels.money import EquityView, RiskView
from app.panels.signals import SignalsView
from app.panels.ticket import TicketView
from app.panels.venue import VenuePlace
from app.panels.watch import WatchView


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands when the layout is new: `area` is left, center, right, right_low or bottom, or page: over all docks,
    when it is asked for. `shortcut` shows it."""

    name: str
    title: str
    area: str
    make: Callable[[Surroundings], Panel]
    shortcut: str


PANELS: tuple[Place, ...] = (
    Place("chart", "Chart", "center", ChartPanel, "Ctrl+Shift+0"),
    Place("imports", "Import", "page", ImportsPanel, ""),
    Place("instruments", "Instruments", "page", InstrumentsPanel, "Ctrl+I"),
    Place("watchlist", "Watchlist", "left", WatchView, "Ctrl+Shift+9"),
    Place("signals", "Signals", "right", SignalsView, ""),
    Place("depth", "Depth", "right", DepthView, "Ctrl+Shift+D"),
    Place("ticket", "Ticket", "right_low", TicketView, ""),
    Place("positions", "Positions", "bottom", PositionsView, "Ctrl+Shift+1"),
    Place("orders", "Orders", "bottom", OrdersView, "Ctrl+Shift+2"),
    Place("fills", "Fills", "bottom", FillsView, "Ctrl+Shift+3"),
    Place("trades", "Trades", "bottom", TradesView, "Ctrl+Shift+4"),
    Place("risk", "Risk", "bottom", RiskView, "Ctrl+Shift+5"),
    Place("equity", "Equity", "bottom", EquityView, "Ctrl+Shift+6"),
    Place("venue", "Venue", "bottom", VenuePlace, "Ctrl+Shift+V"),
    Place("journal", "Journal", "bottom", JournalView, "Ctrl+Shift+7"),
    Place("log", "Log", "bottom", LogView, "Ctrl+Shift+8"),
)

__all__ = ["PANELS", "Panel", "Place", "Surroundings"]
