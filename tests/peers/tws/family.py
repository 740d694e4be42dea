"""Which orders belong together: brackets and OCA groups."""

from __future__ import annotations

from tests.peers.tws.orders import Order


def held_together(orders: list[Order], order: Order) -> list[Order]:
    """The order with what its transmission releases: its parent, the parent's other children, and its own, oldest first."""
    top = order.parent_id or order.order_id
    family = [it for it in orders if it.client_id == order.client_id and top and top in (it.order_id, it.parent_id)]
    return [it for it in family if it.status == "PendingSubmit"] or [order]


def children(orders: list[Order], order: Order) -> list[Order]:
    """Orders that are not final and were attached to this one."""
    if not order.order_id:
        return []
    return [it for it in orders if (it.client_id, it.parent_id) == (order.client_id, order.order_id) and not it.is_done]


def linked(orders: list[Order], order: Order) -> list[Order]:
    """Orders that a fill of this one cancels or reduces: its OCA group, and the other children of its parent."""
    return [it for it in orders if it is not order and not it.is_done and (_same_group(it, order) or _siblings(it, order))]


def _same_group(one: Order, other: Order) -> bool:
    return bool(one.oca_group) and (one.account, one.oca_group) == (other.account, other.oca_group)


def _siblings(one: Order, other: Order) -> bool:
    """Children of one parent are linked unless groups of their own say otherwise."""
    return (
        one.parent_id != 0
        and one.oca_group == other.oca_group
        and (one.client_id, one.parent_id) == (other.client_id, other.parent_id)
    )
