"""What a quote does to a working order: pure decisions, nothing is changed but an order's own trailing stop and trigger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.peers.tws.market import Quote
from tests.peers.tws.orders import STOPS, Order

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Match:
    """A fill that the quote allows."""

    quantity: Decimal
    price: Decimal


def observe(order: Order, quote: Quote) -> bool:
    """Moves a trailing stop and sets off a stop that the quote has reached. True when it went off now.

    Sell stops look at the bid, buy stops at the ask.
    """
    if order.type == "TRAIL":
        _trail(order, quote)
    level = order.trail_stop if order.type == "TRAIL" else order.stop
    if order.triggered or level is None or order.type not in STOPS:
        return False
    order.triggered = quote.ask >= level if order.is_buy else quote.bid <= level
    return order.triggered


def match(order: Order, quote: Quote, shown: Decimal | None, allowed: Decimal) -> Match | None:
    """What of the order fills now: at the touch, for at most `allowed` and, unless None, the size that is `shown`."""
    if order.type in STOPS and not order.triggered:
        return None
    price = quote.ask if order.is_buy else quote.bid
    if order.type in ("LMT", "STP LMT"):
        assert order.limit is not None
        if order.sign * (price - order.limit) > 0:
            return None
    quantity = allowed if shown is None else min(allowed, shown)
    if (order.all_or_none or order.tif == "FOK") and quantity < order.remaining:
        return None
    return Match(quantity, price) if quantity > 0 else None


def _trail(order: Order, quote: Quote) -> None:
    touch = quote.ask if order.is_buy else quote.bid
    away = order.stop if order.stop is not None else touch * (order.trail_percent or Decimal(0)) / HUNDRED
    level = ((touch + order.sign * away) / order.contract.tick).to_integral_value() * order.contract.tick
    if order.trail_stop is None or order.triggered:
        order.trail_stop = order.trail_stop or level
    else:
        order.trail_stop = min(order.trail_stop, level) if order.is_buy else max(order.trail_stop, level)
