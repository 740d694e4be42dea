"""The order ticket."""

from __future__ import annotations

from app.panels.base import Surroundings, View
from app.picture import Picture
from app.state import remembered
from app.trust import doubts
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.limits import Verdict
from engine.domain.margin import Margin
from widgets.ticket.ticket import Ticket


class TicketView(View):
    """One ticket, for the instrument that is looked at."""

    widget: Ticket

    def __init__(self, around: Surroundings) -> None:
        self._memory = remembered("ticket")
        self._fills = 0
        self.widget = Ticket(around.theme, around.focus.symbols)
        self.widget.form.advanced.set_open(bool(self._memory.get("advanced", False)))
        self.widget.form.advanced.opened.connect(lambda is_open: self._memory.set("advanced", is_open))
        self.widget.symbol_changed.connect(around.focus.choose)
        around.focus.changed.connect(self.widget.set_symbol)
        self.widget.preview_wanted.connect(around.bridge.preview)
        self.widget.submit_wanted.connect(around.bridge.submit)
        around.bridge.verdict.connect(self._verdict)
        self.widget.margin.wanted.connect(around.bridge.ask_margin)
        self.widget.margin.dropped.connect(around.bridge.drop_margin)
        around.bridge.margin.connect(self._margin)

    def show(self, picture: Picture) -> None:
        view = picture.view
        for quote in view.quotes:
            self.widget.update_quote(quote)
        self.widget.update_account(view.account.equity)
        self.widget.set_now(view.at, picture.display.zone)
        self.widget.show_doubt(doubts(view).get(self.widget.instrument.symbol, ""))
        self._show_venue(picture)

    def _show_venue(self, picture: Picture) -> None:
        """Margin is of the account as it is: after a fill, or while the venue cannot be asked, what was said holds no longer."""
        line, venue = self.widget.margin, picture.view.venue
        line.currency = picture.view.account.currency
        line.set_obstacle(f"{venue.broker} is out of reach" if venue is not None and not venue.is_ready else "")
        fills = len(picture.chronicle.fills)
        if fills != self._fills:
            self._fills = fills
            line.forget()

    def _verdict(self, order: SubmitOrder | SubmitPair, verdict: Verdict) -> None:
        self.widget.show_verdict(verdict, order)

    def _margin(self, question: SubmitOrder, answer: Margin | str) -> None:
        if isinstance(answer, Margin):
            self.widget.margin.show_margin(question, answer)
        else:
            self.widget.margin.show_failure(question, answer)
