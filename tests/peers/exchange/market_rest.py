"""What anybody may ask: symbols, books, bars, trades, tickers."""

from __future__ import annotations

from typing import Any

from tests.peers.exchange import market_wire as wire
from tests.peers.exchange.desk import Desk
from tests.peers.exchange.refusals import refused
from tests.peers.exchange.tape import INTERVALS
from tests.peers.exchange.tickets import Parameters, integer, market_of


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
