"""What became of a wish, in one sentence: an order that is in fills at the next quote, and until then nothing else shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import instrument_of
from engine.domain.order import TERMINAL, OrderType, Role
from engine.domain.views import OrderView
from widgets import format as fmt

_OWN = {Role.ENTRY.value, Role.CLOSE.value}
"""Orders the owner asked for; stops and targets come along with them."""


def acknowledged(intent: i.Intent, records: Sequence[f.Record], playing: bool) -> str:
    """What the status bar says of an intent that was carried out; "" where the window shows it anyway."""
    facts = [record.fact for record in records]
    orders = [fact for fact in facts if isinstance(fact, f.OrderIntended) and fact.role in _OWN]
    if orders:
        return _sent(orders, playing)
    asked = {fact.order for fact in facts if isinstance(fact, f.CancelRequested)}
    cancelled = sum(isinstance(fact, f.OrderCancelled) and fact.order in asked for fact in facts)
    match intent:
        case i.VetoCard():
            return "The signal is vetoed"
        case i.CancelOrder() | i.CancelAll() if cancelled:
            return "1 order is cancelled" if cancelled == 1 else f"{cancelled} orders are cancelled"
        case i.ModifyOrder():
            return "The order has its new terms"
        case i.EditProtection():
            return "The position's stop and target are as you set them"
    return ""


def awaited(records: Sequence[f.Record]) -> frozenset[str]:
    """The orders an acknowledgement speaks of as in."""
    facts = [record.fact for record in records]
    return frozenset(fact.order for fact in facts if isinstance(fact, f.OrderIntended) and fact.role in _OWN)


def are_over(orders: frozenset[str], known: Mapping[str, OrderView]) -> bool:
    """Whether all of these orders filled, or will not any more."""
    return all(order in known and known[order].order.state in TERMINAL for order in orders)


def _sent(orders: Sequence[f.OrderIntended], playing: bool) -> str:
    at_market = [order for order in orders if order.type == OrderType.MARKET.value]
    when = "at the next quote" if playing else "at the next quote, when the market plays"
    words = " and ".join(_named(order) for order in orders)
    if len(orders) > 1:
        return f"{words} are in" + (f"; they fill {when}" if at_market else "")
    return f"{words} is in" + (f"; it fills {when}" if at_market else " and waits for its price")


def _named(order: f.OrderIntended) -> str:
    instrument = instrument_of(order.symbol)
    price = order.limit if order.limit is not None else order.stop
    terms = [order.side.upper(), fmt.lots(order.quantity, instrument), order.symbol, order.type]
    return " ".join(terms if price is None else [*terms, fmt.price(price, instrument)])
