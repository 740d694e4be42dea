"""An order of ours in the library's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from engine.brokers.exchange.dealing import Dealing
from engine.domain.instrument import Instrument
from engine.domain.market import Ticks
from engine.domain.order import Order, OrderType, Side, TimeInForce

KINDS = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "market",
    OrderType.STOP_LIMIT: "limit",
    OrderType.TRAILING: "market",
}
_STOP_AT_MARKET, _STOP_AT_LIMIT = "STOP_LOSS", "STOP_LOSS_LIMIT"
_PPM_OF_A_PERCENT = 10_000


class CannotSay(Exception):
    """The exchange has no words for the order; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The arguments of `create_order` after the symbol; amounts as text, so that no digit is lost."""

    kind: str
    side: str
    amount: str
    price: str | None
    params: Mapping[str, Any]


def ticket(
    order: Order, instrument: Instrument, their_id: str, dealing: Dealing, market: Mapping[str, Any], reference: Ticks | None
) -> Ticket:
    """What to ask for. `reference` is the price a market order meets about now. Raises CannotSay."""
    kind, limit = KINDS[order.type], order.limit if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None
    params: dict[str, Any] = {"clientOrderId": their_id}
    if order.type in (OrderType.STOP, OrderType.STOP_LIMIT) and order.stop is not None:
        params["stopLossPrice"] = _text(instrument.price(order.stop))
    if order.type is OrderType.STOP and not _takes(market, _STOP_AT_MARKET) and _takes(market, _STOP_AT_LIMIT):
        kind, limit = "limit", _beyond(order, order.stop, instrument)
    if order.type is OrderType.TRAILING:
        params.update(_trail(order, instrument, dealing))
    if order.type is OrderType.MARKET and order.side is Side.BUY and not dealing.buys_by_quantity:
        kind, limit = "limit", _beyond(order, reference, instrument)
        params["timeInForce"] = TimeInForce.IOC.value
    params.update(_terms(order, dealing))
    price = None if limit is None else _text(instrument.price(limit))
    return Ticket(kind, order.side.value, _text(instrument.lots(order.quantity)), price, params)


def _terms(order: Order, dealing: Dealing) -> dict[str, Any]:
    """Time in force and post-only; what the exchange has no word for is never sent as something else."""
    if order.post_only:
        if not dealing.post_only or order.type is not OrderType.LIMIT:
            raise CannotSay("only limit orders can be post-only there" if dealing.post_only else "there is no post-only there")
        return {"postOnly": True}
    if order.tif not in dealing.tifs:
        raise CannotSay(f"there is no time in force {order.tif.value} there")
    if order.tif is TimeInForce.GTC or (order.type is OrderType.MARKET and order.tif is TimeInForce.IOC):
        return {}
    if KINDS[order.type] == "market":
        raise CannotSay(f"a {order.type.value} order cannot be {order.tif.value} there")
    return {"timeInForce": order.tif.value}


def _trail(order: Order, instrument: Instrument, dealing: Dealing) -> dict[str, Any]:
    if order.trail_ppm and "percent" in dealing.trails:
        percent = Decimal(order.trail_ppm) / _PPM_OF_A_PERCENT
        return {"trailingPercent": _text(percent), "stopLossOrTakeProfit": "stopLoss"}
    if order.trail and "amount" in dealing.trails:
        return {"trailingAmount": _text(instrument.price(order.trail))}
    raise CannotSay("there is no trailing stop of that kind there")


def _beyond(order: Order, ticks: Ticks | None, instrument: Instrument) -> Ticks:
    """A limit as far beyond the price as the instrument's collar allows, so that it fills like a market order."""
    if ticks is None:
        raise CannotSay("no price is known yet to set its limit by; wait for a quote")
    away = int((instrument.collar * ticks).to_integral_value(ROUND_CEILING))
    return max(1, ticks + order.side.sign * away)


def _takes(market: Mapping[str, Any], kind: str) -> bool:
    """Whether the market lists an order type; one that lists none takes all."""
    info = market.get("info")
    listed = info.get("orderTypes") if isinstance(info, dict) else None
    return not isinstance(listed, list) or kind in listed


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
