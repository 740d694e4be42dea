"""The order book of the instrument that is looked at."""

from __future__ import annotations

from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.instrument import instrument_of
from widgets.depth.ladder import DepthPanel


class DepthView(View):
    """One ladder, for the instrument in focus."""

    widget: DepthPanel

    def __init__(self, around: Surroundings) -> None:
        self.widget = DepthPanel(around.theme)
        self._focus = around.focus

    def show(self, picture: Picture) -> None:
        view, symbol = picture.view, self._focus.symbol
        book = next((book for book in view.books if book.symbol == symbol), None)
        orders = [order for order in view.working if order.symbol == symbol]
        self.widget.show_book(instrument_of(symbol), book, orders, view.venue is not None)
