"""The rows of a price ladder: the levels of a book, and among them the orders of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.domain.instrument import Steps
from engine.domain.market import Depth, Ticks
from engine.domain.order import Order, OrderType, Side

Level = tuple[Ticks, Steps]


@dataclass(frozen=True, slots=True)
class Own:
    """What one's own orders want at a price: lot steps, and whether they are stops."""

    quantity: Steps
    is_stop: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A price with what is shown there, what is shown up to there, and one's own orders; sizes in lot steps."""

    price: Ticks
    size: Steps
    total: Steps
    own: Own | None = None


def rows(book: Depth, orders: Iterable[Order]) -> tuple[list[Row], list[Row]]:
    """Asks and bids, the best first. Orders of one's own have a row where the book has none, also beyond its levels."""
    mine = list(orders)
    return _side(book, mine, -1), _side(book, mine, 1)


def price_of(order: Order) -> Ticks | None:
    """Where an order waits; None where it does not wait at a price."""
    if order.type is OrderType.LIMIT or (order.type is OrderType.STOP_LIMIT and order.triggered):
        return order.limit
    return order.stop


def _side(book: Depth, orders: list[Order], side: int) -> list[Row]:
    """`side` is +1 for bids, -1 for asks."""
    sizes: dict[Ticks, Steps] = dict(book.bids if side > 0 else book.asks)
    if not sizes:
        return []
    own = _own(book, orders, side)
    prices = sorted({*sizes, *own}, key=lambda price: -side * price)
    found, total = [], 0
    for price in prices:
        total += sizes.get(price, 0)
        found.append(Row(price, sizes.get(price, 0), total, own.get(price)))
    return found


def _own(book: Depth, orders: list[Order], side: int) -> dict[Ticks, Own]:
    levels = book.bids if side > 0 else book.asks
    best = levels[0][0]
    found: dict[Ticks, Own] = {}
    for order in orders:
        price = price_of(order)
        if price is None:
            continue
        is_inside = (price - best) * side > 0  # better than the best: in the spread, or on the other side of the book
        if is_inside and (order.side is not (Side.BUY if side > 0 else Side.SELL) or _reaches_over(book, price, side)):
            continue
        is_stop = order.type is not OrderType.LIMIT and price == order.stop
        known = found.get(price)
        left = order.quantity - order.filled
        found[price] = Own(left if known is None else known.quantity + left, is_stop and (known is None or known.is_stop))
    return found


def _reaches_over(book: Depth, price: Ticks, side: int) -> bool:
    other = book.asks if side > 0 else book.bids
    return bool(other) and (price - other[0][0]) * side >= 0


def nearest(side: list[Row], room: int) -> list[Row]:
    """The best `room` rows of a side; where one's own orders are all farther away, the last is the nearest of those."""
    seen, beyond = side[:room], side[room:]
    farther = next((row for row in beyond if row.own is not None), None)
    if farther is None or not seen or any(row.own is not None for row in seen):
        return seen
    return [*seen[:-1], farther]
