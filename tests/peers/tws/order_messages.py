"""What the server says about orders and executions, field by field."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from engine.core.clock import SECOND
from tests.peers.tws.accounts import Margin
from tests.peers.tws.codec import UNSET_NUMBER, Message
from tests.peers.tws.hours import NEW_YORK, ZONE_NAME
from tests.peers.tws.messages import rounded
from tests.peers.tws.orders import Execution, Order

NONE = "None"
"""TWS's word for an order type that is not there; eight more fields follow it in a delta-neutral order."""
DELTA_NEUTRAL = (NONE, "", 0, "", "", "", "?", 0, 0, "")
NO_MARGINS = (UNSET_NUMBER,) * 9


def open_order(version: int, order: Order, margins: tuple[object, ...] = NO_MARGINS) -> Message:
    """The order with its state."""
    fields = [
        order.order_id,
        *_terms(order),
        *(order.client_id, order.perm_id, order.outside_rth, False, 0, "", "", "", "", ""),
        *([""] if version < 177 else []),
        *("", order.good_till, "", "", "", 0, "", -1, 0, "", "", "", "", "", 0, False, False, order.all_or_none, ""),
        *(order.oca_type, False, False, "", order.parent_id, 0, "", 0),
        *DELTA_NEUTRAL,
        *(False, 0, order.trail_stop, order.trail_percent, "", "", "", 0, 0, 0, "", "", "", ""),
        *(False, "", "IB", False, False, "", False, order.what_if),
        *(order.status, *margins, order.commission, "", "", "USD" if order.commission is not None else "", ""),
        *(False, False, 0, NONE, "", order.trail_stop, "", "", "", "", 0, "", "", "", 0, False, False, False, False),
    ]
    if version >= 159:
        fields.append("")
    if version >= 160:
        fields.append("")
    if version >= 162:
        fields.append(False)
    if version >= 170:
        fields += ["", "", "", "", ""]
    return Message("openOrder", tuple(fields), order.perm_id)


def completed_order(version: int, order: Order) -> Message:
    """An order that is final. It carries no order id: only the permId and the orderRef say which it was."""
    fields = [
        *_terms(order),
        *(order.perm_id, order.outside_rth, False, 0, "", "", "", ""),
        *([""] if version < 177 else []),
        *("", order.good_till, "", "", "", 0, "", -1, "", "", "", "", "", 0, False, order.all_or_none, ""),
        *(order.oca_type, 0, "", 0, NONE, "", 0, False, 0, ""),
        *(False, 0, order.trail_stop, order.trail_percent, "", 0, 0, 0, "", "", "", "", "", "IB", False, False, "", False),
        *(order.status, False, False, 0, order.trail_stop, "", 0, False, False, "", order.filled, 0, False, "", False, False, 0),
        *(
            _zoned(order.completed_at),
            order.reason or f"{order.status} Size: {order.filled}",
        ),
    ]
    if version >= 170:
        fields += ["", "", "", "", ""]
    return Message("completedOrder", tuple(fields), order.perm_id)


def order_status(order: Order) -> Message:
    figures = (order.filled, order.remaining, rounded(order.average), order.perm_id, order.parent_id, order.last_price)
    return Message("orderStatus", (order.order_id, order.status, *figures, order.client_id, order.why_held, 0), order.perm_id)


def execution(version: int, request: int, it: Execution) -> Message:
    """`request` is -1 for a fill that happens now."""
    contract, order = it.order.contract, it.order
    head = (request, order.order_id, *contract.wire, it.exec_id, execution_time(version, it.at), order.account, contract.listing)
    trade = (
        "BOT" if order.is_buy else "SLD",
        it.quantity,
        it.price,
        order.perm_id,
        order.client_id,
        0,
        it.cumulative,
        rounded(it.average),
    )
    tail = (order.ref, "", "", "", 1, *([False] if version >= 178 else []))
    return Message("execDetails", (*head, *trade, *tail), order.perm_id)


def commission(it: Execution) -> Message:
    realized: Decimal | str = UNSET_NUMBER if it.realized is None else rounded(it.realized)
    fields = (1, it.exec_id, it.commission, it.order.contract.currency, realized, UNSET_NUMBER, "")
    return Message("commissionReport", fields, it.order.perm_id)


def execution_time(version: int, at: int) -> str:
    """New York's time; only newer servers name the zone."""
    return f"{datetime.fromtimestamp(at // SECOND, NEW_YORK):%Y%m%d  %H:%M:%S}" if version < 164 else _zoned(at)


def _zoned(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, NEW_YORK):%Y%m%d %H:%M:%S} {ZONE_NAME}"


def margin_fields(before: Margin, after: Margin) -> tuple[object, ...]:
    """Initial and maintenance margin and equity: before, change, after."""
    pairs = ((before.initial, after.initial), (before.maintenance, after.maintenance), (before.equity, after.equity))
    return (*(old for old, _ in pairs), *(new - old for old, new in pairs), *(new for _, new in pairs))


def _terms(order: Order) -> tuple[object, ...]:
    """From the contract to the orderRef: the part that open and completed orders share."""
    asked = (order.action, order.quantity, order.type, order.limit or 0, order.stop or 0, order.tif)
    return (*order.contract.wire, *asked, order.oca_group, order.account, "", 0, order.ref)
