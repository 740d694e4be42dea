"""The shapes of orders, trades and balances, as REST answers them and as the account's stream tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.peers.exchange.accounts import NOTHING, Wallet
from tests.peers.exchange.filters import plain
from tests.peers.exchange.matching import Fees
from tests.peers.exchange.orders import BUY, Fill, Order, OrderList

Json = dict[str, Any]
SELF_TRADES = "EXPIRE_MAKER"


def order(it: Order) -> Json:
    """An order as GET order and its lists show it."""
    return {
        **_terms(it),
        "time": it.created_ms,
        "updateTime": it.updated_ms,
        "isWorking": it.is_working,
        "workingTime": it.created_ms if it.is_working else -1,
    }


def placed(it: Order, detail: str) -> Json:
    """The answer to POST order, as short as `newOrderRespType` asks."""
    if detail == "ACK":
        short = ("symbol", "orderId", "orderListId", "clientOrderId")
        return {**{name: _terms(it)[name] for name in short}, "transactTime": it.updated_ms}
    result = {**_terms(it), "transactTime": it.updated_ms, "workingTime": it.created_ms if it.is_working else -1}
    return result if detail == "RESULT" else {**result, "fills": [_taken(fill) for fill in it.fills]}


def cancelled(it: Order) -> Json:
    """The answer to DELETE order: the id of the cancel stands where the order's own id stood."""
    ids = {"origClientOrderId": it.ticket.client_id, "clientOrderId": it.cancel_id or it.ticket.client_id}
    return {**_terms(it), **ids, "transactTime": it.updated_ms}


def order_list(it: OrderList) -> Json:
    return {
        "orderListId": it.list_id,
        "contingencyType": "OCO",
        "listStatusType": "ALL_DONE" if it.is_done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if it.is_done else "EXECUTING",
        "listClientOrderId": it.client_id,
        "transactionTime": max(leg.updated_ms for leg in it.legs),
        "symbol": it.legs[0].listing.symbol,
        "orders": [
            {"symbol": leg.listing.symbol, "orderId": leg.order_id, "clientOrderId": leg.ticket.client_id} for leg in it.legs
        ],
    }


def my_trade(it: Order, fill: Fill) -> Json:
    return {
        "symbol": it.listing.symbol,
        "id": fill.trade_id,
        "orderId": it.order_id,
        "orderListId": _list_id(it),
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "quoteQty": plain(fill.price * fill.quantity),
        "commission": plain(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.at_ms,
        "isBuyer": it.side == BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def account(wallet: Wallet, fees: Fees, now_ms: int, *, may_withdraw: bool) -> Json:
    return {
        "makerCommission": int(fees.maker * 10_000),
        "takerCommission": int(fees.taker * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": plain(fees.maker),
            "taker": plain(fees.taker),
            "buyer": plain(NOTHING),
            "seller": plain(NOTHING),
        },
        "canTrade": True,
        "canWithdraw": may_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": now_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": plain(wallet.free[asset]), "locked": plain(wallet.locked[asset])} for asset in wallet.assets
        ],
        "permissions": ["SPOT"],
        "uid": 354937868,
    }


def execution_report(it: Order, what: str, fill: Fill | None, execution_id: int, now_ms: int) -> Json:
    ended = what in {"CANCELED"} and it.cancel_id is not None
    return {
        "e": "executionReport",
        "E": now_ms,
        "s": it.listing.symbol,
        "c": it.cancel_id if ended else it.ticket.client_id,
        "S": it.side,
        "o": it.ticket.kind,
        "f": it.ticket.tif,
        "q": plain(it.quantity),
        "p": plain(it.ticket.price or NOTHING),
        "P": plain(it.trigger_price or NOTHING),
        "F": plain(NOTHING),
        "g": _list_id(it),
        "C": it.ticket.client_id if ended else "",
        "x": what,
        "X": it.status,
        "r": "NONE",
        "i": it.order_id,
        "l": plain(fill.quantity if fill else NOTHING),
        "z": plain(it.executed),
        "L": plain(fill.price if fill else NOTHING),
        "n": plain(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": it.updated_ms,
        "t": fill.trade_id if fill else -1,
        "I": execution_id,
        "w": it.is_working and it.is_open,
        "m": bool(fill and fill.maker),
        "M": False,
        "O": it.created_ms,
        "Z": plain(it.turnover),
        "Y": plain(fill.price * fill.quantity if fill else NOTHING),
        "Q": plain(it.ticket.cost or NOTHING),
        "W": it.created_ms,
        "V": SELF_TRADES,
        **({} if it.ticket.trailing is None else {"d": it.ticket.trailing, "D": it.created_ms}),
    }


def list_status(it: OrderList, now_ms: int) -> Json:
    shown = order_list(it)
    return {
        "e": "listStatus",
        "E": now_ms,
        "s": shown["symbol"],
        "g": it.list_id,
        "c": "OCO",
        "l": shown["listStatusType"],
        "L": shown["listOrderStatus"],
        "r": "NONE",
        "C": it.client_id,
        "T": shown["transactionTime"],
        "O": [{"s": leg["symbol"], "i": leg["orderId"], "c": leg["clientOrderId"]} for leg in shown["orders"]],
    }


def account_position(wallet: Wallet, assets: Iterable[str], now_ms: int) -> Json:
    balances = [{"a": asset, "f": plain(wallet.free[asset]), "l": plain(wallet.locked[asset])} for asset in assets]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": now_ms, "B": balances}


def _terms(it: Order) -> Json:
    return {
        "symbol": it.listing.symbol,
        "orderId": it.order_id,
        "orderListId": _list_id(it),
        "clientOrderId": it.ticket.client_id,
        "price": plain(it.ticket.price or NOTHING),
        "origQty": plain(it.quantity),
        "executedQty": plain(it.executed),
        "origQuoteOrderQty": plain(it.ticket.cost or NOTHING),
        "cummulativeQuoteQty": plain(it.turnover),
        "status": it.status,
        "timeInForce": it.ticket.tif,
        "type": it.ticket.kind,
        "side": it.side,
        "stopPrice": plain(it.trigger_price or NOTHING),
        "icebergQty": plain(NOTHING),
        "selfTradePreventionMode": SELF_TRADES,
        **({} if it.ticket.trailing is None else {"trailingDelta": it.ticket.trailing, "trailingTime": it.created_ms}),
    }


def _taken(fill: Fill) -> Json:
    return {
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "commission": plain(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }


def _list_id(it: Order) -> int:
    return -1 if it.oco is None else it.oco.list_id
