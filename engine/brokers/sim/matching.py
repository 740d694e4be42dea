"""Which resting order a move of the market reaches first, and at which price it deals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from engine.domain.instrument import Steps
from engine.domain.market import Quote, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType
from engine.rules import fills


class DealingTerms(Protocol):
    """See SimTerms."""

    @property
    def slippage(self) -> Ticks: ...

    @property
    def through(self) -> Ticks: ...


class Match(NamedTuple):
    """An order that deals `armed` steps at `price`; `reached` is the market at that point of the move.

    A stop-limit order that `triggers` there does not deal yet.
    """

    order: Order
    armed: Steps
    price: Ticks
    reached: Quote

    @property
    def triggers(self) -> bool:
        return self.order.type is OrderType.STOP_LIMIT and not self.order.triggered


Band = tuple[int, int, int, int]
"""(bid above, bid below, ask above, ask below): bounds, all exclusive, between which nothing is reached."""


def calm_band(working: Mapping[ClientOrderId, Order], through: Ticks) -> Band:
    """The band in which none of the working orders is reached; an empty one while a market order waits or a stop trails."""
    bid_low, bid_high, ask_low, ask_high = 0, 1 << 62, 0, 1 << 62
    for order in working.values():
        if deals_at_market(order) or order.type is OrderType.TRAILING:
            return 0, 0, 0, 0
        buys, limits = order.side.sign > 0, waits_at_limit(order)
        price = order.limit if limits else order.stop
        assert price is not None
        if buys and limits:
            ask_low = max(ask_low, price - through)
        elif buys:
            ask_high = min(ask_high, price)
        elif limits:
            bid_high = min(bid_high, price + through)
        else:
            bid_low = max(bid_low, price)
    return bid_low, bid_high, ask_low, ask_high


def deals_at_market(order: Order) -> bool:
    """A market order, or a stop that has triggered and was not filled whole."""
    return order.type is OrderType.MARKET or (order.type in _STOPS and (order.filled > 0 or order.triggered))


def waits_at_limit(order: Order) -> bool:
    """A limit order, or a stop-limit order that has triggered."""
    return order.type is OrderType.LIMIT or (order.type is OrderType.STOP_LIMIT and order.triggered)


_HALF = 1 << 19
_STOPS = frozenset({OrderType.STOP, OrderType.TRAILING})
_RANK = {OrderType.MARKET: 0, OrderType.STOP: 1, OrderType.TRAILING: 1, OrderType.STOP_LIMIT: 1, OrderType.LIMIT: 2}
"""At the same point of a move a stop comes before a target."""


def first_match(
    working: Mapping[ClientOrderId, Order],
    done: set[ClientOrderId],
    before: Quote,
    quote: Quote,
    terms: DealingTerms,
    armed: Callable[[Order], Steps],
) -> Match | None:
    """The next order that the move `before` -> `quote` fills, None when there is no more. `done` are passed over."""
    best: tuple[int, int, int] | None = None
    found: tuple[Order, Steps] | None = None
    for number, order in enumerate(working.values()):
        if order.id in done:
            continue
        at = _progress(order, before, quote, terms)
        if at == fills.NEVER:
            continue
        key = (at, 2 if order.triggered and waits_at_limit(order) else _RANK[order.type], number)
        if (best is None or key < best) and (steps := armed(order)) > 0:
            best, found = key, (order, steps)
    if best is None or found is None:
        return None
    order, steps = found
    return Match(order, steps, _price(order, before, quote, best[0], terms), _between(before, quote, best[0]))


def touch_of(order: Order, quote: Quote) -> Ticks:
    """The price of the side of the market that the order deals with."""
    return quote.ask if order.side.sign > 0 else quote.bid


def _progress(order: Order, before: Quote, quote: Quote, terms: DealingTerms) -> int:
    """Where on the move the order deals; at its start what was reached there already, NEVER what the move does not reach."""
    side, start, now = order.side.sign, touch_of(order, before), touch_of(order, quote)
    if deals_at_market(order):
        return 0
    if not waits_at_limit(order):
        if order.stop is None:  # a trailing stop that has not seen the market yet
            return fills.NEVER
        price = order.stop
        at_start, reached = fills.stop_reached(side, start, price), fills.stop_reached(side, now, price)
    else:
        assert order.limit is not None
        price = order.limit - side * terms.through
        at_start, reached = fills.limit_reached(side, start, price, 0), fills.limit_reached(side, now, price, 0)
    if quote.path:
        return 0 if at_start else fills.progress(start, now, price) if reached else fills.NEVER
    return 0 if reached else fills.NEVER


def _price(order: Order, before: Quote, quote: Quote, at: int, terms: DealingTerms) -> Ticks:
    """What was reached at the start of a path deals at the touch there: the rest of the way comes after it."""
    side, start = order.side.sign, touch_of(order, before)
    now = start if quote.path and at == 0 else touch_of(order, quote)
    if deals_at_market(order):
        return fills.market_price(side, now, terms.slippage)
    if not waits_at_limit(order):
        assert order.stop is not None
        return fills.stop_price(side, start, now, order.stop, quote.path, terms.slippage)
    assert order.limit is not None
    if quote.path and at:
        return order.limit
    return fills.limit_price(side, start, now, order.limit, quote.path)


def _between(before: Quote, quote: Quote, at: int) -> Quote:
    """The market at `at` / 2**20 of the way."""
    if not quote.path or at == 0:
        return before
    bid = before.bid + ((quote.bid - before.bid) * at + _HALF >> 20)
    ask = before.ask + ((quote.ask - before.ask) * at + _HALF >> 20)
    return quote._replace(bid=bid, ask=ask)
