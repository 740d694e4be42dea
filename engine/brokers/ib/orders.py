"""Our orders in IB's words, and back: terms on the wire are exact, prices Decimals, quantities in IB's unit."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from ib_async import Order as IbOrder

from engine.brokers.ib.amounts import amount
from engine.brokers.ib.contracts import naming_of
from engine.brokers.ib.listing import Listed
from engine.core.clock import to_datetime
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Order, OrderType, Side, TimeInForce
from engine.ports.outside import Abilities

ORDER_TYPE_TO_IB: Mapping[OrderType, str] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STP LMT",
    OrderType.TRAILING: "TRAIL",
}
ACTIONS: Mapping[Side, str] = {Side.BUY: "BUY", Side.SELL: "SELL"}
REDUCE_WITH_BLOCK = 2
"""What one order of a group fills, the others lose, and only one of them is at the exchange at a time: both cannot fill."""
PPM_OF_A_PERCENT = 10_000
ABILITIES = Abilities(
    types=frozenset(ORDER_TYPE_TO_IB),
    tifs=frozenset(TimeInForce),
    brackets=True,
    groups=True,
    modifies=True,
    reduce_only=False,
    post_only=False,
    shorts=True,
)
"""IB has neither reduce-only nor post-only for these contracts: the engine sees to the first, the second is refused."""


class Terms(NamedTuple):
    """What can be changed of an order, in ticks and lot steps."""

    quantity: Steps
    limit: Ticks | None
    stop: Ticks | None


def terms_of(order: Order) -> Terms:
    """The terms of our order."""
    return Terms(order.quantity, order.limit, order.stop)


def quantity_at_ib(instrument: Instrument, steps: Steps) -> Decimal:
    """Lot steps in IB's unit: ounces of spot gold, contracts of a future."""
    return instrument.units(steps) if naming_of(instrument.symbol).counts_units else instrument.lots(steps)


def steps_from_ib(symbol: Symbol, instrument: Instrument, quantity: Decimal) -> Steps:
    """A quantity in IB's unit as lot steps, signed; BrokerError where it is not a whole number of them."""
    one = quantity_at_ib(instrument, 1)
    count = quantity / one
    if count != count.to_integral_value():
        raise BrokerError(f"{quantity:f} of {symbol} at Interactive Brokers is no multiple of {one:f}; use a finer lot step")
    return int(count)


def to_ib(order: Order, listed: Listed, account: str, *, outside_rth: bool) -> IbOrder:
    """The order as TWS takes it, under our own name for it; number, parent and transmission are its sender's.

    BrokerError where IB cannot have it so.
    """
    instrument = listed.instrument
    sent = IbOrder(
        action=ACTIONS[order.side],
        totalQuantity=_quantity(order.quantity, listed),
        orderType=ORDER_TYPE_TO_IB[order.type],
        tif=order.tif.value,
        orderRef=order.id,
        account=account,
        outsideRth=outside_rth,
        ocaGroup=order.oco,
        ocaType=REDUCE_WITH_BLOCK if order.oco else 0,
    )
    if order.post_only:
        raise BrokerError("Interactive Brokers has no post-only orders for this instrument; send it without")
    if order.tif is TimeInForce.GTD:
        if order.expires is None:
            raise BrokerError("an order good till a date needs the date")
        sent.goodTillDate = f"{to_datetime(order.expires):%Y%m%d-%H:%M:%S}"
    if order.type is OrderType.TRAILING:
        _trail(sent, order, instrument)
    else:
        _prices(sent, order.limit, order.stop, instrument)
    return sent


def changed(sent: IbOrder, order: Order, terms: Terms, listed: Listed) -> IbOrder:
    """The order once more, with other terms."""
    again = copy.copy(sent)
    again.totalQuantity = _quantity(terms.quantity, listed)
    again.transmit = True
    if order.type is OrderType.TRAILING:
        if terms.stop is not None:
            again.trailStopPrice = listed.instrument.price(terms.stop)
    else:
        _prices(again, terms.limit, terms.stop, listed.instrument)
    return again


def read_terms(told: IbOrder, order: Order, instrument: Instrument) -> Terms:
    """What TWS tells of our order's terms; where a trailing stop stands now is no term of it."""
    quantity = steps_from_ib(order.symbol, instrument, amount(told.totalQuantity) or Decimal(0))
    if order.type is OrderType.TRAILING:
        return Terms(quantity, order.limit, order.stop)
    limited, stopped = order.limit is not None, order.stop is not None
    return Terms(
        quantity,
        _ticks(told.lmtPrice, instrument) if limited else None,
        _ticks(told.auxPrice, instrument) if stopped else None,
    )


def _quantity(steps: Steps, listed: Listed) -> float:
    quantity = quantity_at_ib(listed.instrument, steps)
    if listed.smallest is not None and quantity < listed.smallest:
        raise BrokerError(f"{quantity:f} of {listed.name} is below the least that Interactive Brokers takes, {listed.smallest:f}")
    if listed.step is not None and quantity % listed.step:
        raise BrokerError(f"{quantity:f} of {listed.name} is no multiple of {listed.step:f}, in which Interactive Brokers deals")
    return float(quantity)


def _prices(sent: IbOrder, limit: Ticks | None, stop: Ticks | None, instrument: Instrument) -> None:
    if limit is not None:
        sent.lmtPrice = instrument.price(limit)
    if stop is not None:
        sent.auxPrice = instrument.price(stop)


def _trail(sent: IbOrder, order: Order, instrument: Instrument) -> None:
    if order.trail_ppm:
        sent.trailingPercent = Decimal(order.trail_ppm) / PPM_OF_A_PERCENT
    elif order.trail:
        sent.auxPrice = instrument.price(order.trail)
    else:
        raise BrokerError("a trailing stop needs an amount or a percentage to stay behind")
    if order.stop is not None:
        sent.trailStopPrice = instrument.price(order.stop)


def _ticks(price: float | Decimal | None, instrument: Instrument) -> Ticks | None:
    exact = None if price is None else amount(price)
    return None if exact is None else instrument.ticks(exact)
