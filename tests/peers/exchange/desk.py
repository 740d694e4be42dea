"""Everything behind the wires: the gate, the matching, the books as shown, and what is told of each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from tests.peers.exchange import account_wire, market_wire
from tests.peers.exchange.accounts import Wallet
from tests.peers.exchange.depth import DepthLog
from tests.peers.exchange.filters import LISTINGS, Listing, plain
from tests.peers.exchange.gate import Gate
from tests.peers.exchange.market import Market
from tests.peers.exchange.matching import Fees, Matching
from tests.peers.exchange.orders import Fill, Order, OrderList
from tests.peers.exchange.tape import INTERVALS, Print


class Audience(Protocol):
    """Who listens to the streams."""

    def has(self, name: str) -> bool: ...

    def tell(self, name: str, kind: str, event: market_wire.Json) -> None: ...

    def tell_user(self, event: market_wire.Json) -> None: ...


class Desk:
    """The exchange without its sockets; every call is one step that nothing interrupts."""

    def __init__(
        self, gate: Gate, balances: Mapping[str, Decimal], fees: Fees, now_ms: Callable[[], int], audience: Audience
    ) -> None:
        self.gate = gate
        self.now_ms = now_ms
        self.matching = Matching(LISTINGS, Wallet(balances), fees, now_ms, self)
        self.depths = {symbol: DepthLog(market.book) for symbol, market in self.matching.markets.items()}
        self._audience = audience
        self._best: dict[str, Any] = {}
        self._opened: dict[str, int] = {}
        self._executions = 5_000_000

    def day(self, market: Market) -> market_wire.Json:
        """The 24-hour ticker of a market."""
        now, symbol = self.now_ms(), market.listing.symbol
        return market_wire.day_ticker(market.listing, market.tape.day(now), market.tape.last, self.depths[symbol].best(), now)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """A balance changes from outside."""
        now = self.now_ms()
        self.matching.wallet.receive(asset, amount)
        self._audience.tell_user({"e": "balanceUpdate", "E": now, "a": asset, "d": plain(amount), "T": now})
        self.balances(self.matching.wallet.take_changed())

    def execution(self, order: Order, what: str, fill: Fill | None = None) -> None:
        self._executions += 1
        self._audience.tell_user(account_wire.execution_report(order, what, fill, self._executions, self.now_ms()))

    def order_list(self, oco: OrderList) -> None:
        self._audience.tell_user(account_wire.list_status(oco, self.now_ms()))

    def balances(self, assets: list[str]) -> None:
        self._audience.tell_user(account_wire.account_position(self.matching.wallet, assets, self.now_ms()))

    def traded(self, listing: Listing, it: Print) -> None:
        stream, now = listing.symbol.lower(), self.now_ms()
        trade = market_wire.trade_event(listing, it, now)
        self._audience.tell(f"{stream}@trade", "trade", trade)
        merged = {"e": "aggTrade", "E": now, "s": listing.symbol, **market_wire.aggregate(it)}
        self._audience.tell(f"{stream}@aggTrade", "aggTrade", merged)
        for interval, minutes in INTERVALS.items():
            if self._audience.has(f"{stream}@kline_{interval}"):
                self._bar(listing, interval, minutes, now)

    def book_changed(self, listing: Listing) -> None:
        stream, now, log = listing.symbol.lower(), self.now_ms(), self.depths[listing.symbol]
        change = log.take()
        if change is not None:
            bids, asks = market_wire.levels(change.bids), market_wire.levels(change.asks)
            event = {"e": "depthUpdate", "E": now, "s": listing.symbol, "U": change.first, "u": change.last, "b": bids, "a": asks}
            for name in (f"{stream}@depth", f"{stream}@depth@100ms"):
                self._audience.tell(name, "depthUpdate", event)
            self._touch(listing, log)
        self._tickers(listing, now)

    def _touch(self, listing: Listing, log: DepthLog) -> None:
        best = log.best()
        if self._best.get(listing.symbol) != best:
            self._best[listing.symbol] = best
            (bid, bid_size), (ask, ask_size) = best
            sides = {"b": plain(bid), "B": plain(bid_size), "a": plain(ask), "A": plain(ask_size)}
            self._audience.tell(
                f"{listing.symbol.lower()}@bookTicker", "bookTicker", {"u": log.number, "s": listing.symbol, **sides}
            )

    def _tickers(self, listing: Listing, now: int) -> None:
        stream = listing.symbol.lower()
        if self._audience.has(f"{stream}@ticker") or self._audience.has(f"{stream}@miniTicker"):
            day = self.day(self.matching.markets[listing.symbol])
            self._audience.tell(f"{stream}@ticker", "24hrTicker", market_wire.ticker_event(day, now))
            self._audience.tell(f"{stream}@miniTicker", "24hrMiniTicker", market_wire.mini_ticker_event(day, now))

    def _bar(self, listing: Listing, interval: str, minutes: int, now: int) -> None:
        """The running bar; before the first print of a new one, the last of the old."""
        name = f"{listing.symbol.lower()}@kline_{interval}"
        *before, running = self.matching.markets[listing.symbol].tape.klines(minutes, None, None, 2)
        if before and self._opened.get(name) == before[-1].opened_ms:
            closed = market_wire.kline_event(listing, before[-1], interval, minutes, now, closed=True)
            self._audience.tell(name, "kline", closed)
        self._opened[name] = running.opened_ms
        self._audience.tell(name, "kline", market_wire.kline_event(listing, running, interval, minutes, now, closed=False))
