"""The tables below the chart."""

from __future__ import annotations

from app.faults import LOG
from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.facts import OrderFact
from engine.host import Opening
from widgets.tables.fills import FillsPanel
from widgets.tables.journal import JournalPanel
from widgets.tables.log import LogPanel
from widgets.tables.orders import OrdersPanel
from widgets.tables.panel import TablePanel
from widgets.tables.positions import PositionsPanel
from widgets.tables.trades import TradesPanel


class ListView(View):
    """A table panel: its intents go to the engine, its empty state's button opens the ticket."""

    widget: TablePanel

    def __init__(self, around: Surroundings, widget: TablePanel) -> None:
        self.widget = widget
        widget.set_display(around.display)
        widget.intent.connect(around.bridge.submit)
        widget.filled.connect(lambda: around.act("new_order"))
        around.bridge.refused.connect(self._refused)
        self._asked: object = None
        widget.intent.connect(self._remember)

    def _remember(self, intent: object) -> None:
        self._asked = intent

    def _refused(self, intent: object, sentence: str) -> None:
        if intent is self._asked:
            self.widget.complain(sentence)


class PositionsView(ListView):
    """Open positions."""

    widget: PositionsPanel

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, PositionsPanel(around.theme))

    def show(self, picture: Picture) -> None:
        self.widget.show_positions(picture.view.positions, picture.view.account.equity)


class OrdersView(ListView):
    """Orders, working, filled and refused."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, OrdersPanel(around.theme))
        self._first = True

    def show(self, picture: Picture) -> None:
        orders = picture.chronicle.orders
        if self._first:
            self._first = False
            self.widget.update_rows(list(orders.values()))
            return
        changed = dict.fromkeys(r.fact.order for r in picture.frame.records if isinstance(r.fact, OrderFact))
        if changed:
            self.widget.extend_rows([orders[name] for name in changed])


class FillsView(ListView):
    """Executions."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, FillsPanel(around.theme))
        self._count = -1

    def show(self, picture: Picture) -> None:
        if len(picture.chronicle.fills) != self._count:
            self._count = len(picture.chronicle.fills)
            self.widget.update_rows(list(picture.chronicle.fills))


class TradesView(ListView):
    """Round trips."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, TradesPanel(around.theme))
        self._count = -1

    def show(self, picture: Picture) -> None:
        if len(picture.chronicle.trades) != self._count:
            self._count = len(picture.chronicle.trades)
            self.widget.update_rows(list(picture.chronicle.trades))


class JournalView(ListView):
    """Every fact."""

    widget: JournalPanel

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, JournalPanel(around.theme))

    def open(self, opening: Opening) -> None:
        self.widget.append(opening.records)

    def show(self, picture: Picture) -> None:
        if picture.frame.records:
            self.widget.append(picture.frame.records)


class LogView(ListView):
    """What the program itself has to say."""

    widget: LogPanel

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around, LogPanel(around.theme))
        self._seen = 0

    def show(self, picture: Picture) -> None:  # noqa: ARG002
        fresh = LOG.since(self._seen)
        if fresh:
            self._seen = fresh[-1].number
            self.widget.append(fresh)
