"""From the parameters of a request to a checked ticket, refusing as the exchange does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from uuid import uuid4

from tests.peers.exchange.filters import ORDER_TYPES
from tests.peers.exchange.market import Market
from tests.peers.exchange.orders import BUY, CONDITIONAL, PRICED, SELL, STOPS, Ticket
from tests.peers.exchange.refusals import Refused, illegal, missing, refused, unread, unwanted

Parameters = Mapping[str, str]
ABOUT_THE_REQUEST = {"symbol", "side", "type", "newClientOrderId", "newOrderRespType", "selfTradePreventionMode", "strategyId"}
ABOUT_THE_REQUEST |= {"timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"}
TERMS = ("quantity", "price", "stopPrice", "timeInForce", "quoteOrderQty", "trailingDelta", "icebergQty")
OWN_ID = re.compile(r"[a-zA-Z0-9-_.:/]{1,36}")
TIMED = PRICED - {"LIMIT_MAKER"}
"""Order types that name a time in force."""


def market_of(markets: Mapping[str, Market], parameters: Parameters) -> Market:
    """The market of a request; refused where the symbol is missing or unknown."""
    symbol = parameters.get("symbol")
    if not symbol:
        raise missing("symbol")
    if symbol not in markets:
        raise refused("symbol")
    return markets[symbol]


def ticket(market: Market, parameters: Parameters) -> Ticket:
    """A single order as POST order asks for it."""
    kind = parameters.get("type", "")
    if kind not in ORDER_TYPES:
        raise refused("kind")
    _check_wanted(kind, parameters)
    found = Ticket(
        market.listing,
        _side(parameters),
        kind,
        _number(parameters, "quantity"),
        client_id(parameters, "newClientOrderId"),
        _number(parameters, "price"),
        _number(parameters, "stopPrice"),
        _number(parameters, "quoteOrderQty"),
        _tif(parameters),
        integer(parameters, "trailingDelta"),
    )
    return checked(market, found)


def pair(market: Market, parameters: Parameters) -> tuple[Ticket, Ticket]:
    """The two legs of an OCO, as orderList/oco names them or as the older order/oco does."""
    if "aboveType" in parameters:
        above, below = (_leg(market, parameters, where) for where in ("above", "below"))
    else:
        above, below = _older_pair(market, parameters)
    last = market.tape.last
    for leg, upper in ((above, True), (below, False)):
        at = leg.stop_price or leg.price
        if last is not None and at is not None and (at > last) != upper:
            raise refused("oco_prices")
    return checked(market, above), checked(market, below)


def checked(market: Market, it: Ticket) -> Ticket:
    """The ticket, if it passes the filters of its symbol."""
    listing, last = market.listing, market.tape.last
    for price in (it.price, it.stop_price):
        if price is not None:
            listing.check_price(price, last)
    if it.quantity is not None:
        listing.check_quantity(it.quantity, market=it.kind == "MARKET")
        at = it.price or it.stop_price or last
        if at is not None:
            listing.check_notional(it.quantity * at)
    if it.trailing is not None:
        listing.check_trailing(it.trailing)
    if it.cost is not None:
        listing.check_notional(it.cost)
    return it


def client_id(parameters: Parameters, name: str) -> str:
    """The caller's own id, or one the exchange makes up."""
    given = parameters.get(name)
    if given and not OWN_ID.fullmatch(given):
        raise illegal(name)
    return given or uuid4().hex[:22]


def integer(parameters: Parameters, name: str) -> int | None:
    text = parameters.get(name)
    if text is None or text == "":
        return None
    if not text.isdigit():
        raise illegal(name)
    return int(text)


def _check_wanted(kind: str, parameters: Parameters) -> None:
    """Every type has the parameters it needs and none it does not know."""
    needed = {"quantity"} if kind != "MARKET" or "quoteOrderQty" not in parameters else {"quoteOrderQty"}
    needed |= {"price"} if kind in PRICED else set()
    if kind in CONDITIONAL:
        needed |= {"trailingDelta"} if kind in STOPS and "trailingDelta" in parameters else {"stopPrice"}
    needed |= {"timeInForce"} if kind in TIMED else set()
    for name in sorted(needed):
        if not parameters.get(name):
            raise missing(name)
    for name in TERMS:
        if parameters.get(name) and name not in needed:
            raise unwanted(name)
    if unknown := parameters.keys() - ABOUT_THE_REQUEST - set(TERMS) - _of_replacement(parameters):
        raise unread(len(parameters) - len(unknown), len(parameters))


def _of_replacement(parameters: Parameters) -> set[str]:
    """The parameters of a cancel that comes with a new order."""
    return {name for name in parameters if name.startswith("cancel")} if "cancelReplaceMode" in parameters else set()


def _leg(market: Market, parameters: Parameters, where: str) -> Ticket:
    kind = parameters.get(f"{where}Type", "")
    if kind not in CONDITIONAL | {"LIMIT_MAKER"}:
        raise refused("kind")
    return Ticket(
        market.listing,
        _side(parameters),
        kind,
        _needed(parameters, "quantity"),
        client_id(parameters, f"{where}ClientOrderId"),
        _needed(parameters, f"{where}Price") if kind in PRICED else None,
        _needed(parameters, f"{where}StopPrice") if kind in CONDITIONAL else None,
        tif=parameters.get(f"{where}TimeInForce", "GTC"),
    )


def _older_pair(market: Market, parameters: Parameters) -> tuple[Ticket, Ticket]:
    side, quantity = _side(parameters), _needed(parameters, "quantity")
    limit_id, stop_id = client_id(parameters, "limitClientOrderId"), client_id(parameters, "stopClientOrderId")
    limit = Ticket(market.listing, side, "LIMIT_MAKER", quantity, limit_id, _needed(parameters, "price"))
    stop_limit = _number(parameters, "stopLimitPrice")
    kind = "STOP_LOSS" if stop_limit is None else "STOP_LOSS_LIMIT"
    tif = parameters.get("stopLimitTimeInForce", "GTC")
    stop = Ticket(market.listing, side, kind, quantity, stop_id, stop_limit, _needed(parameters, "stopPrice"), tif=tif)
    return (limit, stop) if side == SELL else (stop, limit)


def _side(parameters: Parameters) -> str:
    side = parameters.get("side")
    if side is None:
        raise missing("side")
    if side not in {BUY, SELL}:
        raise refused("side")
    return side


def _tif(parameters: Parameters) -> str:
    tif = parameters.get("timeInForce", "GTC")
    if tif not in {"GTC", "IOC", "FOK"}:
        raise refused("tif")
    return tif


def _needed(parameters: Parameters, name: str) -> Decimal:
    value = _number(parameters, name)
    if value is None:
        raise missing(name)
    return value


def _number(parameters: Parameters, name: str) -> Decimal | None:
    """A positive decimal number written out, as the exchange wants it."""
    text = parameters.get(name)
    if text is None or text == "":
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or "e" in text.lower():
        raise illegal(name)
    if value <= 0:
        raise Refused(400, -1013, f"Invalid {name}.")
    if -int(value.as_tuple().exponent) > 8:
        raise Refused(400, -1111, f"Parameter '{name}' has too much precision.")
    return value
