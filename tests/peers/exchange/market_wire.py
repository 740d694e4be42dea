"""The shapes of market data, as REST lists it and as streams tell it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.peers.exchange.accounts import NOTHING
from tests.peers.exchange.book import Level
from tests.peers.exchange.filters import Listing, plain
from tests.peers.exchange.tape import DAY_MS, MINUTE_MS, Bar, Print

Json = dict[str, Any]


def levels(ladder: Iterable[Level]) -> list[list[str]]:
    return [[plain(price), plain(quantity)] for price, quantity in ladder]


def aggregate(it: Print) -> Json:
    return {
        "a": it.trade_id,
        "p": plain(it.price),
        "q": plain(it.quantity),
        "f": it.trade_id,
        "l": it.trade_id,
        "T": it.at_ms,
        "m": it.maker_bought,
        "M": True,
    }


def recent_trade(it: Print) -> Json:
    return {
        "id": it.trade_id,
        "price": plain(it.price),
        "qty": plain(it.quantity),
        "quoteQty": plain(it.price * it.quantity),
        "time": it.at_ms,
        "isBuyerMaker": it.maker_bought,
        "isBestMatch": True,
    }


def trade_event(listing: Listing, it: Print, now_ms: int) -> Json:
    return {
        "e": "trade",
        "E": now_ms,
        "s": listing.symbol,
        "t": it.trade_id,
        "p": plain(it.price),
        "q": plain(it.quantity),
        "T": it.at_ms,
        "m": it.maker_bought,
        "M": True,
    }


def kline(bar: Bar, minutes: int) -> list[Any]:
    """A bar as REST lists it."""
    return [
        bar.opened_ms,
        *(plain(value) for value in (bar.open, bar.high, bar.low, bar.close, bar.volume)),
        bar.opened_ms + minutes * MINUTE_MS - 1,
        plain(bar.turnover),
        bar.count,
        plain(NOTHING),
        plain(NOTHING),
        "0",
    ]


def kline_event(listing: Listing, bar: Bar, interval: str, minutes: int, now_ms: int, *, closed: bool) -> Json:
    values = kline(bar, minutes)
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")
    more = {"s": listing.symbol, "i": interval, "x": closed, "f": bar.first_id, "L": bar.last_id}
    return {"e": "kline", "E": now_ms, "s": listing.symbol, "k": {**dict(zip(names, values, strict=True)), **more}}


def day_ticker(listing: Listing, day: Bar | None, last: Decimal | None, best: tuple[Level, Level], now_ms: int) -> Json:
    """The last 24 hours as GET ticker/24hr shows them; the bars' own zeros where nothing was traded."""
    price = last or NOTHING
    bar = day or Bar(now_ms, price, price, price, price)
    (bid, bid_size), (ask, ask_size) = best
    change = price - bar.open
    return {
        "symbol": listing.symbol,
        "priceChange": plain(change),
        "priceChangePercent": f"{change / bar.open * 100 if bar.open else NOTHING:.3f}",
        "weightedAvgPrice": plain(bar.turnover / bar.volume if bar.volume else price),
        "prevClosePrice": plain(bar.open),
        "lastPrice": plain(price),
        "lastQty": plain(NOTHING),
        "bidPrice": plain(bid),
        "bidQty": plain(bid_size),
        "askPrice": plain(ask),
        "askQty": plain(ask_size),
        "openPrice": plain(bar.open),
        "highPrice": plain(bar.high),
        "lowPrice": plain(bar.low),
        "volume": plain(bar.volume),
        "quoteVolume": plain(bar.turnover),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": bar.first_id,
        "lastId": bar.last_id,
        "count": bar.count,
    }


def ticker_event(day: Json, now_ms: int) -> Json:
    names = {
        "s": "symbol",
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "x": "prevClosePrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "b": "bidPrice",
        "B": "bidQty",
        "a": "askPrice",
        "A": "askQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    return {"e": "24hrTicker", "E": now_ms, **{short: day[name] for short, name in names.items()}}


def mini_ticker_event(day: Json, now_ms: int) -> Json:
    full = ticker_event(day, now_ms)
    return {"e": "24hrMiniTicker", "E": now_ms, **{name: full[name] for name in "scohlvq"}}
