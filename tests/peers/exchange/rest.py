"""What each request does: one row a route, one function a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.peers.exchange import wire
from tests.peers.exchange.desk import Desk
from tests.peers.exchange.orders import Order
from tests.peers.exchange.refusals import Refused, missing, refused
from tests.peers.exchange.tape import INTERVALS
from tests.peers.exchange.tickets import Parameters, client_id, integer, market_of, pair, ticket

Handler = Callable[[Desk, Parameters], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """`carry_out` answers with JSON or raises `Refused`; `is_order` counts towards the limit of new orders."""

    carry_out: Handler
    weight: int = 1
    signed: bool = False
    is_order: bool = False


def exchange_info(desk: Desk, parameters: Parameters) -> Any:
    wanted = parameters.get("symbol")
    if wanted is not None:
        market_of(desk.matching.markets, parameters)
    return {
        "timezone": "UTC",
        "serverTime": desk.now_ms(),
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": desk.gate.weight_limit},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": desk.gate.order_limit},
        ],
        "exchangeFilters": [],
        "symbols": [it.listing.as_json() for it in desk.matching.markets.values() if wanted in {None, it.listing.symbol}],
    }


def depth(desk: Desk, parameters: Parameters) -> Any:
    market = market_of(desk.matching.markets, parameters)
    limit = integer(parameters, "limit") or 100
    number, bids, asks = desk.depths[market.listing.symbol].snapshot()
    return {"lastUpdateId": number, "bids": wire.levels(bids[:limit]), "asks": wire.levels(asks[:limit])}


def klines(desk: Desk, parameters: Parameters) -> Any:
    market = market_of(desk.matching.markets, parameters)
    minutes = INTERVALS.get(parameters.get("interval", ""))
    if minutes is None:
        raise refused("interval")
    limit = min(integer(parameters, "limit") or 500, 1000)
    start, end = integer(parameters, "startTime"), integer(parameters, "endTime")
    return [wire.kline(bar, minutes) for bar in market.tape.klines(minutes, start, end, limit)]


def aggregate_trades(desk: Desk, parameters: Parameters) -> Any:
    market = market_of(desk.matching.markets, parameters)
    start, end = integer(parameters, "startTime"), integer(parameters, "endTime")
    prints = [it for it in market.tape.prints if (start is None or it.at_ms >= start) and (end is None or it.at_ms <= end)]
    limit = integer(parameters, "limit") or 500
    return [wire.aggregate(it) for it in (prints[:limit] if start is not None else prints[-limit:])]


def recent_trades(desk: Desk, parameters: Parameters) -> Any:
    prints = list(market_of(desk.matching.markets, parameters).tape.prints)
    return [wire.recent_trade(it) for it in prints[-(integer(parameters, "limit") or 500) :]]


def day_ticker(desk: Desk, parameters: Parameters) -> Any:
    if "symbol" in parameters:
        return desk.day(market_of(desk.matching.markets, parameters))
    return [desk.day(market) for market in desk.matching.markets.values()]


def best_ticker(desk: Desk, parameters: Parameters) -> Any:
    names = ("symbol", "bidPrice", "bidQty", "askPrice", "askQty")
    days = day_ticker(desk, parameters)
    shown = [{name: day[name] for name in names} for day in (days if isinstance(days, list) else [days])]
    return shown if isinstance(days, list) else shown[0]


def price_ticker(desk: Desk, parameters: Parameters) -> Any:
    days = day_ticker(desk, parameters)
    shown = [{"symbol": day["symbol"], "price": day["lastPrice"]} for day in (days if isinstance(days, list) else [days])]
    return shown if isinstance(days, list) else shown[0]


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


def _fixed(answer: Any) -> Handler:
    return lambda desk, parameters: answer


API = "/api/v3/"
SAPI = "/sapi/v1/"
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", API + "ping"): Route(_fixed({})),
    ("GET", API + "time"): Route(lambda desk, parameters: {"serverTime": desk.now_ms()}),
    ("GET", API + "exchangeInfo"): Route(exchange_info, 20),
    ("GET", API + "depth"): Route(depth, 5),
    ("GET", API + "klines"): Route(klines, 2),
    ("GET", API + "aggTrades"): Route(aggregate_trades, 2),
    ("GET", API + "trades"): Route(recent_trades, 25),
    ("GET", API + "ticker/24hr"): Route(day_ticker, 2),
    ("GET", API + "ticker/bookTicker"): Route(best_ticker, 2),
    ("GET", API + "ticker/price"): Route(price_ticker, 2),
    ("GET", API + "account"): Route(account, 20, signed=True),
    ("POST", API + "order"): Route(place_order, signed=True, is_order=True),
    ("GET", API + "order"): Route(query_order, 4, signed=True),
    ("DELETE", API + "order"): Route(cancel_order, signed=True),
    ("POST", API + "order/test"): Route(test_order, signed=True),
    ("POST", API + "order/cancelReplace"): Route(replace_order, signed=True, is_order=True),
    ("POST", API + "order/oco"): Route(place_pair, signed=True, is_order=True),
    ("POST", API + "orderList/oco"): Route(place_pair, signed=True, is_order=True),
    ("GET", API + "orderList"): Route(query_pair, 4, signed=True),
    ("DELETE", API + "orderList"): Route(cancel_pair, signed=True),
    ("GET", API + "openOrderList"): Route(open_pairs, 6, signed=True),
    ("GET", API + "openOrders"): Route(open_orders, 6, signed=True),
    ("DELETE", API + "openOrders"): Route(cancel_all, signed=True),
    ("GET", API + "allOrders"): Route(all_orders, 20, signed=True),
    ("GET", API + "myTrades"): Route(my_trades, 20, signed=True),
    ("GET", SAPI + "account/apiRestrictions"): Route(restrictions, signed=True),
    ("GET", SAPI + "account/status"): Route(_fixed({"data": "Normal"}), signed=True),
    ("GET", SAPI + "asset/tradeFee"): Route(trade_fees, signed=True),
    ("GET", SAPI + "system/status"): Route(_fixed({"status": 0, "msg": "normal"})),
    ("GET", SAPI + "capital/config/getall"): Route(_fixed([]), signed=True),
    ("GET", SAPI + "margin/allPairs"): Route(_fixed([]), signed=True),
    ("GET", SAPI + "margin/isolated/allPairs"): Route(_fixed([]), signed=True),
    ("GET", "/fapi/v1/exchangeInfo"): Route(_fixed({"symbols": []})),
    ("GET", "/dapi/v1/exchangeInfo"): Route(_fixed({"symbols": []})),
}
"""The endpoints, with the weights Binance gives them."""

SOCKET_METHODS = {
    "ping": ("GET", API + "ping"),
    "time": ("GET", API + "time"),
    "exchangeInfo": ("GET", API + "exchangeInfo"),
    "depth": ("GET", API + "depth"),
    "klines": ("GET", API + "klines"),
    "ticker.24hr": ("GET", API + "ticker/24hr"),
    "account.status": ("GET", API + "account"),
    "order.place": ("POST", API + "order"),
    "order.status": ("GET", API + "order"),
    "order.cancel": ("DELETE", API + "order"),
    "order.cancelReplace": ("POST", API + "order/cancelReplace"),
    "openOrders.status": ("GET", API + "openOrders"),
    "openOrders.cancelAll": ("DELETE", API + "openOrders"),
    "allOrders": ("GET", API + "allOrders"),
    "myTrades": ("GET", API + "myTrades"),
}
"""The same endpoints as the WebSocket API names them."""
