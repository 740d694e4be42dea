"""Orders that were asked for by name and do not work any more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from ib_async import Trade

from engine.brokers.ib.orders import ORDER_TYPE_TO_IB, quantity_at_ib
from engine.brokers.ib.statement import ORDER_TYPE_FROM_IB, ended_orders
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.order import Order
from engine.ports.venue import VenueExecution, VenueOrder, VenueState


def ended(
    asked: Sequence[Order], state: VenueState, completed: Sequence[Trade], instruments: Mapping[Symbol, Instrument]
) -> tuple[VenueOrder, ...]:
    """Of `asked` those that TWS lists as completed, and those that its executions fill whole though it lists them no more."""
    told = ended_orders(completed)
    return tuple(it for order in asked for it in _one(order, state, told, instruments[order.symbol]))


def _one(order: Order, state: VenueState, told: Sequence[VenueOrder], instrument: Instrument) -> Iterator[VenueOrder]:
    if any(_is(order, it) for it in state.open_orders):
        return
    fills = [it for it in state.executions if _is(order, it)]
    filled = sum((it.quantity for it in fills), Decimal(0))
    listed = [it for it in told if _is(order, it)]
    if listed:
        yield from (replace(it, filled=max(it.filled, filled)) for it in listed)
    elif fills and filled >= quantity_at_ib(instrument, order.quantity):
        yield _filled(order, fills[0], filled)


def _filled(order: Order, fill: VenueExecution, whole: Decimal) -> VenueOrder:
    return VenueOrder(
        account=fill.account,
        contract=fill.contract,
        symbol=order.symbol,
        client_order_id=fill.client_order_id,
        broker_order_id=fill.broker_order_id,
        side=order.side.value,
        type=ORDER_TYPE_FROM_IB[ORDER_TYPE_TO_IB[order.type]],
        quantity=whole,
        filled=whole,
        limit=None,
        stop=None,
        status="filled",
        tif=order.tif.value,
    )


def _is(order: Order, told: VenueOrder | VenueExecution) -> bool:
    return told.client_order_id == order.id or bool(order.broker_id and told.broker_order_id == order.broker_id)
