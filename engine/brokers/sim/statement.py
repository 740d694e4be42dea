"""The simulated venue's book in the words venues use: amounts as Decimals, quantities in lots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps, money
from engine.domain.market import Symbol
from engine.domain.order import Order, State
from engine.ports.venue import VenueExecution, VenueOrder, VenuePosition

_STATUS = {
    State.FILLED: "filled",
    State.CANCELLED: "cancelled",
    State.REJECTED: "rejected",
    State.EXPIRED: "expired",
}
"""How an order ended; one that has not is open."""


def broker_id(order: str) -> str:
    """The venue's own id of an order."""
    return f"sim-{order}"


def order_row(account: str, instrument: Instrument, order: Order) -> VenueOrder:
    """An order of the venue's book."""
    return VenueOrder(
        account=account,
        contract=order.symbol,
        symbol=order.symbol,
        client_order_id=order.id,
        broker_order_id=broker_id(order.id),
        side=order.side.value,
        type=order.type.value,
        quantity=instrument.lots(order.quantity),
        filled=instrument.lots(order.filled),
        limit=None if order.limit is None else instrument.price(order.limit),
        stop=None if order.stop is None else instrument.price(order.stop),
        status=_STATUS.get(order.state, "open"),
        tif=order.tif.value,
    )


def position_row(account: str, instrument: Instrument, quantity: Steps, basis: Cash) -> VenuePosition:
    """What is held; its average price is what it cost a unit."""
    average = money(basis) / instrument.units(quantity)
    return VenuePosition(account, instrument.symbol, instrument.symbol, instrument.lots(quantity), average)


def executions(
    account: str, currency: str, instruments: Mapping[Symbol, Instrument], fills: Iterable[tuple[f.OrderFilled, Nanos]]
) -> tuple[VenueExecution, ...]:
    """Fills with the moment they were made at."""
    return tuple(
        VenueExecution(
            account=account,
            contract=fill.symbol,
            symbol=fill.symbol,
            execution_id=fill.execution,
            client_order_id=fill.order,
            broker_order_id=broker_id(fill.order),
            side=fill.side,
            quantity=instruments[fill.symbol].lots(fill.quantity),
            price=instruments[fill.symbol].price(fill.price),
            at=at,
            commission=money(fill.commission),
            commission_currency=currency,
        )
        for fill, at in fills
    )
