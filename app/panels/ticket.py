"""The order ticket."""

from __future__ import annotations

from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.intents import SubmitOrder
from engine.domain.limits import Verdict
from widgets.ticket.ticket import Ticket


class TicketView(View):
    """One ticket, for the instrument that is looked at."""

    widget: Ticket

    def __init__(self, around: Surroundings) -> None:
        self.widget = Ticket(around.theme, around.focus.symbols)
        self.widget.symbol_changed.connect(around.focus.choose)
        around.focus.changed.connect(self.widget.set_symbol)
        self.widget.preview_wanted.connect(around.bridge.preview)
        self.widget.submit_wanted.connect(around.bridge.submit)
        around.bridge.verdict.connect(self._verdict)

    def show(self, picture: Picture) -> None:
        for quote in picture.view.quotes:
            self.widget.update_quote(quote)
        self.widget.update_account(picture.view.account.equity)
        self.widget.set_now(picture.view.at, picture.display.zone)

    def _verdict(self, order: SubmitOrder, verdict: Verdict) -> None:
        self.widget.show_verdict(verdict, order)
