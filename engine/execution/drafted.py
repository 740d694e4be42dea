"""A draft as the order it would be."""

from __future__ import annotations

from engine.core.clock import Nanos
from engine.domain.order import ClientOrderId, Order, OrderType, Role, TimeInForce
from engine.risk.draft import Draft


def order_of(
    draft: Draft,
    identity: ClientOrderId,
    role: Role = Role.ENTRY,
    signal: str = "",
    tif: TimeInForce = TimeInForce.GTC,
    expires: Nanos | None = None,
) -> Order:
    """The order, on record nowhere yet."""
    limits = draft.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    stop = draft.trigger if draft.type is OrderType.STOP_LIMIT else None if limits else draft.price
    return Order(
        id=identity,
        symbol=draft.symbol,
        side=draft.side,
        type=draft.type,
        quantity=draft.quantity,
        role=role,
        limit=draft.price if limits else None,
        stop=stop if draft.type is not OrderType.MARKET else None,
        tif=tif,
        expires=expires,
        reduce_only=draft.reduce_only,
        signal=signal,
        trail=draft.trail,
        trail_ppm=draft.trail_ppm,
        post_only=draft.post_only,
    )
