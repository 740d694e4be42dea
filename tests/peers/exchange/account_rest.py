"""What the account may ask: orders, pairs of them, trades, balances, permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.peers.exchange import account_wire as wire
from tests.peers.exchange.desk import Desk
from tests.peers.exchange.orders import Order
from tests.peers.exchange.refusals import Refused, missing, refused
from tests.peers.exchange.tickets import Parameters, client_id, integer, market_of, pair, ticket

Handler = Callable[[Desk, Parameters], Any]


def account(desk: Desk, parameters: Parameters) -> Any:
    return wire.account(desk.matching.wallet, desk.matching.fees, desk.now_ms(), may_withdraw=desk.gate.may_withdraw)


def place_order(desk: Desk, parameters: Parameters) -> Any:
    order = desk.matching.place(ticket(market_of(desk.matching.markets, parameters), parameters))
    return wire.placed(order, parameters.get("newOrderRespType", "FULL"))


def test_order(desk: Desk, parameters: Parameters) -> Any:
    ticket(market_of(desk.matching.markets, parameters), parameters)
    return {}


def place_pair(desk: Desk, parameters: Parameters) -> Any:
    legs = pair(market_of(desk.matching.markets, parameters), parameters)
    oco = desk.matching.place_pair(legs, client_id(parameters, "listClientOrderId"))
    detail = parameters.get("newOrderRespType", "RESULT")
    return {**wire.order_list(oco), "orderReports": [wire.placed(leg, detail) for leg in oco.legs]}


def query_order(desk: Desk, parameters: Parameters) -> Any:
    return wire.order(_find(desk, parameters, "origClientOrderId", "no_order"))


def cancel_order(desk: Desk, parameters: Parameters) -> Any:
    order = _find(desk, parameters, "origClientOrderId", "unknown_order")
    if not order.is_open:
        raise refused("unknown_order")
    desk.matching.cancel(order, client_id(parameters, "newClientOrderId"))
    return wire.cancelled(order)


def cancel_pair(desk: Desk, parameters: Parameters) -> Any:
    wanted = integer(parameters, "orderListId"), parameters.get("listClientOrderId")
    oco = desk.matching.register.find_list(*wanted, refused("unknown_order"))
    if oco.is_done:
        raise refused("unknown_order")
    desk.matching.cancel(next(leg for leg in oco.legs if leg.is_open), client_id(parameters, "newClientOrderId"))
    return {**wire.order_list(oco), "orderReports": [wire.cancelled(leg) for leg in oco.legs]}


def query_pair(desk: Desk, parameters: Parameters) -> Any:
    wanted = integer(parameters, "orderListId"), parameters.get("origClientOrderId")
    return wire.order_list(desk.matching.register.find_list(*wanted, refused("no_order")))


def open_pairs(desk: Desk, parameters: Parameters) -> Any:
    return [wire.order_list(oco) for oco in desk.matching.register.lists if not oco.is_done]


def cancel_all(desk: Desk, parameters: Parameters) -> Any:
    symbol = market_of(desk.matching.markets, parameters).listing.symbol
    orders = desk.matching.register.open(symbol)
    if not orders:
        raise refused("unknown_order")
    for order in orders:
        if order.is_open:
            desk.matching.cancel(order, client_id(parameters, "newClientOrderId"))
    return [wire.cancelled(order) for order in orders]


def replace_order(desk: Desk, parameters: Parameters) -> Any:
    """Cancel and place in one request: 409 when the old one went and the new one did not come."""
    mode = parameters.get("cancelReplaceMode")
    if mode not in {"STOP_ON_FAILURE", "ALLOW_FAILURE"}:
        raise missing("cancelReplaceMode")
    ids = {"orderId": parameters.get("cancelOrderId", ""), "origClientOrderId": parameters.get("cancelOrigClientOrderId", "")}
    chosen = {name: text for name, text in ids.items() if text}
    old = {"symbol": parameters.get("symbol", ""), "newClientOrderId": parameters.get("cancelNewClientOrderId", ""), **chosen}
    went, cancelled = _attempt(cancel_order, desk, old)
    came, placed = _attempt(place_order, desk, parameters) if went or mode == "ALLOW_FAILURE" else (None, None)
    results = {True: "SUCCESS", False: "FAILURE", None: "NOT_ATTEMPTED"}
    answer = {
        "cancelResult": results[went],
        "newOrderResult": results[came],
        "cancelResponse": cancelled,
        "newOrderResponse": placed,
    }
    if went and came:
        return answer
    if went or came:
        raise Refused(409, -2021, "Order cancel-replace partially failed.", data=answer)
    raise Refused(400, -2022, "Order cancel-replace failed.", data=answer)


def open_orders(desk: Desk, parameters: Parameters) -> Any:
    symbol = market_of(desk.matching.markets, parameters).listing.symbol if "symbol" in parameters else None
    return [wire.order(it) for it in desk.matching.register.open(symbol)]


def all_orders(desk: Desk, parameters: Parameters) -> Any:
    symbol = market_of(desk.matching.markets, parameters).listing.symbol
    since, first = integer(parameters, "startTime") or 0, integer(parameters, "orderId") or 0
    found = [
        it
        for it in desk.matching.register.orders
        if it.listing.symbol == symbol and it.created_ms >= since and it.order_id >= first
    ]
    return [wire.order(it) for it in found[-(integer(parameters, "limit") or 500) :]]


def my_trades(desk: Desk, parameters: Parameters) -> Any:
    symbol = market_of(desk.matching.markets, parameters).listing.symbol
    since, first, of = (integer(parameters, name) or 0 for name in ("startTime", "fromId", "orderId"))
    found = [
        (fill, it)
        for it in desk.matching.register.orders
        for fill in it.fills
        if it.listing.symbol == symbol and of in {0, it.order_id} and fill.at_ms >= since and fill.trade_id >= first
    ]
    found.sort(key=lambda pair: pair[0].trade_id)
    return [wire.my_trade(it, fill) for fill, it in found[-(integer(parameters, "limit") or 500) :]]


def restrictions(desk: Desk, parameters: Parameters) -> Any:
    """What the key may do."""
    return {
        "ipRestrict": True,
        "createTime": 1_700_000_000_000,
        "enableReading": True,
        "enableSpotAndMarginTrading": True,
        "enableWithdrawals": desk.gate.may_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "enableVanillaOptions": False,
        "permitsUniversalTransfer": False,
        "enablePortfolioMarginTrading": False,
    }


def trade_fees(desk: Desk, parameters: Parameters) -> Any:
    fees, wanted = desk.matching.fees, parameters.get("symbol")
    rates = {"makerCommission": f"{fees.maker:f}", "takerCommission": f"{fees.taker:f}"}
    return [{"symbol": symbol, **rates} for symbol in desk.matching.markets if wanted in {None, symbol}]


def _find(desk: Desk, parameters: Parameters, own: str, otherwise: str) -> Order:
    symbol = market_of(desk.matching.markets, parameters).listing.symbol
    number, own_id = integer(parameters, "orderId"), parameters.get(own)
    if number is None and not own_id:
        raise Refused(400, -1102, f"Param '{own}' or 'orderId' must be sent, but both were empty/null!")
    return desk.matching.register.find(symbol, number, own_id, refused(otherwise))


def _attempt(handler: Handler, desk: Desk, parameters: Parameters) -> tuple[bool, Any]:
    try:
        return True, handler(desk, parameters)
    except Refused as reason:
        return False, reason.as_json()
