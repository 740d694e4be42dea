"""What a venue lacks of an order: why it is held here, and what of it the venue is given instead."""

from __future__ import annotations

from engine.domain.instrument import Steps
from engine.domain.order import STOPS, Order, OrderType, Role, State, TimeInForce
from engine.portfolio.register import OrderRegister
from engine.ports.outside import Abilities

AT_VENUE = frozenset(
    {State.SENT, State.UNKNOWN, State.ACCEPTED, State.PARTIALLY_FILLED, State.PENDING_MODIFY, State.PENDING_CANCEL}
)
"""States in which the venue may have the order."""


def kept_back(order: Order, register: OrderRegister, abilities: Abilities | None, position: Steps) -> str:
    """What the order waits for here, "" when it leaves at once; `position` is that of its symbol, signed."""
    if reason := waits(order, register, abilities):
        return reason
    guards = order.role is Role.STOP or (order.role is Role.CLOSE and not order.triggered)
    if guards and abilities is not None and locks(abilities) and free(order, register, position) < order.quantity:
        return "it leaves when what it would sell is not locked by other orders any more"
    return ""


def free(order: Order, register: OrderRegister, position: Steps) -> Steps:
    """How much of the position no other exit that is at the venue, or about to be, would sell."""
    others = [o for o in register.live.get(order.symbol, {}).values() if o.side is order.side and o.id != order.id]
    offered = [o for o in others if o.reduce_only and (o.state in AT_VENUE or o.state is State.INTENT)]
    return -position * order.side.sign - sum(o.leaves for o in offered)


def waits(order: Order, register: OrderRegister, abilities: Abilities | None) -> str:
    """What the venue lacks of the order, or what must happen first. Without abilities it holds all but what follows others."""
    if order.after and register[order.after].state is not State.FILLED:
        return f"it follows {order.after} once that has filled"
    parent = register.orders.get(order.parent)
    if parent is not None and parent.state is State.HELD:
        return f"it leaves with {parent.id}"
    if abilities is None or order.triggered:
        return ""
    if parent is not None and not abilities.brackets and not parent.filled:
        return f"it stands guard once {parent.id} fills; the venue holds no brackets"
    if order.role is Role.TARGET and not (abilities.brackets if order.parent else abilities.groups):
        return "the price is watched here; the venue cannot tie a target to its stop"
    if order.type in STOPS and not rests(order, abilities):
        return f"the price is watched here; the venue holds no {order.type.value.replace('_', '-')} orders"
    if order.tif is TimeInForce.FOK and order.tif not in abilities.tifs:
        return "it leaves when a quote shows enough; the venue has no fill-or-kill"
    return ""


def locks(abilities: Abilities) -> bool:
    """Whether a stop at the venue locks what it would sell, so that nothing else can."""
    return not abilities.shorts and not abilities.groups


def rests(order: Order, abilities: Abilities) -> bool:
    """Whether the venue can hold this stop: as it is, or a trailing one as a plain stop that is moved from here."""
    moved = order.type is OrderType.TRAILING and OrderType.STOP in abilities.types and abilities.modifies
    return order.type in abilities.types or moved


def as_sent(order: Order, abilities: Abilities | None) -> Order:
    """The order as the venue is given it: what was watched here is dealt now, what the venue does not know is left out.

    An exit that was watched leaves at the market, for while it rests nothing would protect what its stop stood over.
    """
    if abilities is None:
        return order
    if order.triggered and order.role in (Role.TARGET, Role.CLOSE):
        order = order._replace(type=OrderType.MARKET, limit=None)
    elif order.triggered and order.type is OrderType.STOP_LIMIT:
        order = order._replace(type=OrderType.LIMIT, stop=None)
    elif order.triggered and order.type in STOPS:
        order = order._replace(type=OrderType.MARKET, stop=None, trail=0, trail_ppm=0)
    elif order.type not in abilities.types and order.type is OrderType.TRAILING:
        order = order._replace(type=OrderType.STOP, trail=0, trail_ppm=0)
    if not abilities.brackets:
        order = order._replace(parent="")
    if not abilities.groups:
        order = order._replace(oco="")
    if order.tif in abilities.tifs:
        return order
    fok = order.tif is TimeInForce.FOK and TimeInForce.IOC in abilities.tifs
    return order._replace(tif=TimeInForce.IOC if fok else TimeInForce.GTC, expires=None)


def stops_at_venue(order: Order, register: OrderRegister) -> list[Order]:
    """The stops at the venue that close the same way as `order`, those of its own group first."""
    stops = [o for o in register.live.get(order.symbol, {}).values() if o.role is Role.STOP and o.side is order.side]
    there = [stop for stop in stops if stop.state in AT_VENUE]
    return sorted(there, key=lambda stop: not order.oco or stop.oco != order.oco)
