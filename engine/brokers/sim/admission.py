"""Which orders the simulated venue takes."""

from __future__ import annotations

from collections.abc import Mapping

from engine.brokers.sim.matching import touch_of
from engine.brokers.sim.venues import VenueTerms
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol
from engine.domain.order import Order, OrderType, Side
from engine.portfolio.register import OrderRegister
from engine.rules import fills

_NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def refusal(order: Order, book: OrderRegister, held: Mapping[Symbol, Steps], last: Quote | None, venue: VenueTerms) -> str:
    """Why the venue does not take the order, "" when it does; `held` are positions, `last` the quote that stands."""
    parent = book.orders.get(order.parent)
    if parent is not None and not parent.is_live and not parent.filled:
        return f"its entry {order.parent} never opened"
    if order.limit is None and order.type in _NEEDS_LIMIT:
        return f"a {order.type.value} order needs its limit price"
    if order.stop is None and order.type in _NEEDS_STOP:
        return f"a {order.type.value} order needs its stop price"
    if order.post_only and order.type is OrderType.LIMIT and would_deal(order, last):
        return "post-only: it would have dealt at once"
    if order.type is OrderType.TRAILING and not (order.trail or order.trail_ppm):
        return "a trailing stop needs the distance it trails at"
    if not venue.shorts and order.side is Side.SELL and not (order.parent or order.reduce_only):
        free = held.get(order.symbol, 0) - _offered(book, order.symbol)
        if order.quantity > free:
            return f"{venue.name} does not sell short: {max(0, free)} lot steps are held and not on offer"
    return ""


def would_deal(order: Order, last: Quote | None) -> bool:
    """Whether its limit lets the order deal with the quote that stands."""
    if last is None or order.limit is None:
        return False
    return bool(fills.limit_reached(order.side.sign, touch_of(order, last), order.limit, 0))


def _offered(book: OrderRegister, symbol: Symbol) -> Steps:
    """What orders of their own offer of the position already."""
    live = book.live.get(symbol, {}).values()
    return sum(it.leaves for it in live if it.side is Side.SELL and not (it.parent or it.reduce_only))
