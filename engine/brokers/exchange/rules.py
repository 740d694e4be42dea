"""What a market takes, looked at here before anything is sent: the library rounds in silence and checks no smallest notional."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.domain.instrument import Instrument
from engine.domain.market import Ticks
from engine.domain.order import Order, OrderType

_TICK_SIZE = 4
"""The library's word for precisions that are steps themselves and not numbers of decimals."""
_NEEDS = {
    OrderType.LIMIT: ("limit",),
    OrderType.STOP: ("stop",),
    OrderType.STOP_LIMIT: ("limit", "stop"),
}
_Bounds = tuple[Decimal | None, Decimal | None]


class MarketRules:
    """The rules of one market, in prices and quantities of its own; `market` is the library's picture of it."""

    def __init__(self, instrument: Instrument, market: Mapping[str, Any], precision_mode: int) -> None:
        self._instrument = instrument
        self._name = str(market["id"])
        self._active = market.get("active") is not False
        steps = market.get("precision") or {}
        self._tick, self.step = (_step(steps.get(name), precision_mode) for name in ("price", "amount"))
        limits = market.get("limits") or {}
        self._quantity, self._price, self._notional, self._market = (
            _bounds(limits.get(name)) for name in ("amount", "price", "cost", "market")
        )

    def fault(self, order: Order, reference: Ticks | None) -> str:
        """Why the market would not take the order, as a sentence; "" where nothing is known against it.

        `reference` is the price a market order will meet about now, None where it is not known.
        """
        if not self._active:
            return f"{self._name} is not traded at the moment"
        prices = {name: getattr(order, name) for name in _NEEDS.get(order.type, ())}
        missing = next((name for name, ticks in prices.items() if ticks is None), None)
        if missing:
            return f"a {order.type.value} order needs a {missing} price"
        if order.quantity <= 0 or any(ticks <= 0 for ticks in prices.values()):
            return f"quantity and prices must be above zero, and these are {order.quantity} lot steps at {prices}"
        quantity = self._instrument.lots(order.quantity)
        told = [self._off_price(name, self._instrument.price(ticks)) for name, ticks in prices.items()]
        told += [self._off_quantity(order, quantity), self._off_notional(order, quantity, reference)]
        return next(filter(None, told), "")

    def _off_price(self, name: str, price: Decimal) -> str:
        if self._tick is not None and price % self._tick:
            return f"the {name} price {price} does not lie on the tick {_shown(self._tick)} of {self._name}"
        return self._outside(f"the {name} price {price}", price, self._price)

    def _off_quantity(self, order: Order, quantity: Decimal) -> str:
        if self.step is not None and quantity % self.step:
            return f"the quantity {quantity} is no multiple of the step {_shown(self.step)} of {self._name}"
        at_market = self._market if order.type is OrderType.MARKET else (None, None)
        what = f"the quantity {quantity}"
        return self._outside(what, quantity, self._quantity) or self._outside(what, quantity, at_market)

    def _off_notional(self, order: Order, quantity: Decimal, reference: Ticks | None) -> str:
        ticks = order.limit or order.stop or reference
        if ticks is None:
            return ""
        notional = quantity * self._instrument.price(ticks)
        low, _ = self._notional  # the largest is a matter of market orders in other words, which the exchange says itself
        return self._outside(f"the notional {notional.normalize():f}", notional, (low, None))

    def _outside(self, what: str, value: Decimal, bounds: _Bounds) -> str:
        low, high = bounds
        if low is not None and value < low:
            return f"{what} is below {_shown(low)}, the least that {self._name} takes"
        if high is not None and high > 0 and value > high:
            return f"{what} is above {_shown(high)}, the most that {self._name} takes"
        return ""


def _step(told: Any, mode: int) -> Decimal | None:
    number = _number(told)
    if number is None or number <= 0:
        return None
    return number if mode == _TICK_SIZE else Decimal(1).scaleb(-int(number))


def _bounds(told: Any) -> _Bounds:
    told = told if isinstance(told, Mapping) else {}
    return _number(told.get("min")), _number(told.get("max"))


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _shown(value: Decimal) -> str:
    return f"{value.normalize():f}"
