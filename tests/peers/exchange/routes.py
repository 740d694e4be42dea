"""The endpoints: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.peers.exchange import account_rest as account
from tests.peers.exchange import market_rest as market
from tests.peers.exchange.account_rest import Handler


@dataclass(frozen=True, slots=True)
class Route:
    """`carry_out` answers with JSON or raises `Refused`; `is_order` counts towards the limit of new orders."""

    carry_out: Handler
    weight: int = 1
    signed: bool = False
    is_order: bool = False


def _fixed(answer: Any) -> Handler:
    return lambda desk, parameters: answer


API = "/api/v3/"
SAPI = "/sapi/v1/"
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", API + "ping"): Route(_fixed({})),
    ("GET", API + "time"): Route(lambda desk, parameters: {"serverTime": desk.now_ms()}),
    ("GET", API + "exchangeInfo"): Route(market.exchange_info, 20),
    ("GET", API + "depth"): Route(market.depth, 5),
    ("GET", API + "klines"): Route(market.klines, 2),
    ("GET", API + "aggTrades"): Route(market.aggregate_trades, 2),
    ("GET", API + "trades"): Route(market.recent_trades, 25),
    ("GET", API + "ticker/24hr"): Route(market.day_ticker, 2),
    ("GET", API + "ticker/bookTicker"): Route(market.best_ticker, 2),
    ("GET", API + "ticker/price"): Route(market.price_ticker, 2),
    ("GET", API + "account"): Route(account.account, 20, signed=True),
    ("POST", API + "order"): Route(account.place_order, signed=True, is_order=True),
    ("GET", API + "order"): Route(account.query_order, 4, signed=True),
    ("DELETE", API + "order"): Route(account.cancel_order, signed=True),
    ("POST", API + "order/test"): Route(account.test_order, signed=True),
    ("POST", API + "order/cancelReplace"): Route(account.replace_order, signed=True, is_order=True),
    ("POST", API + "order/oco"): Route(account.place_pair, signed=True, is_order=True),
    ("POST", API + "orderList/oco"): Route(account.place_pair, signed=True, is_order=True),
    ("GET", API + "orderList"): Route(account.query_pair, 4, signed=True),
    ("DELETE", API + "orderList"): Route(account.cancel_pair, signed=True),
    ("GET", API + "openOrderList"): Route(account.open_pairs, 6, signed=True),
    ("GET", API + "openOrders"): Route(account.open_orders, 6, signed=True),
    ("DELETE", API + "openOrders"): Route(account.cancel_all, signed=True),
    ("GET", API + "allOrders"): Route(account.all_orders, 20, signed=True),
    ("GET", API + "myTrades"): Route(account.my_trades, 20, signed=True),
    ("GET", SAPI + "account/apiRestrictions"): Route(account.restrictions, signed=True),
    ("GET", SAPI + "account/status"): Route(_fixed({"data": "Normal"}), signed=True),
    ("GET", SAPI + "asset/tradeFee"): Route(account.trade_fees, signed=True),
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
