"""Trailing stops at the simulated venue: they follow the best touch, and every move is reported, so that it can be rebuilt."""

from __future__ import annotations

from collections.abc import Callable

from engine.brokers.sim.matching import deals_at_market, touch_of
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote
from engine.domain.order import ClientOrderId, Order, OrderType
from engine.portfolio.register import OrderRegister
from engine.rules import fills


class Trails:
    """Moves stops from one vertex of the path to the next. One that is not armed, a leg whose entry waits, stands still."""

    def __init__(self, book: OrderRegister, armed: Callable[[Order], Steps], report: Callable[[f.OrderFact], None]) -> None:
        self._book = book
        self._armed = armed
        self._report = report

    def follow(self, quote: Quote) -> None:
        """The market has come to this quote."""
        for order in self._book.working(quote.symbol):
            if order.type is OrderType.TRAILING and not deals_at_market(order) and self._armed(order):
                self._move(order, quote)

    def begin(self, name: ClientOrderId, quote: Quote) -> None:
        """A trailing stop without a price of its own begins at its distance from the market."""
        order = self._book[name]
        if order.type is OrderType.TRAILING and order.stop is None and order.is_live and self._armed(order):
            self._move(order, quote)

    def _move(self, order: Order, quote: Quote) -> None:
        side, touch = order.side.sign, touch_of(order, quote)
        stop = fills.trail_stop(side, order.stop or 0, order.stop is not None, touch, order.trail, order.trail_ppm)
        if stop != order.stop:
            self._report(f.OrderTrailed(order.id, stop))
