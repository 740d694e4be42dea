"""What a client has subscribed to, and what it is told as prices and time move."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from engine.core.clock import SECOND
from tests.peers.tws import messages
from tests.peers.tws.accounts import Account
from tests.peers.tws.codec import Message
from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Level, Market, Quote

Send = Callable[[Message], None]
LIVE_TICKS = {
    "bid": 1,
    "ask": 2,
    "last": 4,
    "high": 6,
    "low": 7,
    "close": 9,
    "open": 14,
    "bid size": 0,
    "ask size": 3,
    "last size": 5,
}
DELAYED_TICKS = {
    "bid": 66,
    "ask": 67,
    "last": 68,
    "high": 72,
    "low": 73,
    "close": 75,
    "open": 76,
    "bid size": 69,
    "ask size": 70,
    "last size": 71,
}


class Stream:
    """A subscription. `is_market_data` ones are lost with error 1101."""

    is_market_data = True

    def __init__(self, send: Send, request: int, market: Market, contract: Contract) -> None:
        self.send = send
        self.request = request
        self.market = market
        self.contract = contract

    @property
    def quote(self) -> Quote:
        """Where the contract stands."""
        return self.market.quotes[self.contract.con_id]

    def start(self) -> None:
        """Says what is so now."""

    def on_quote(self) -> None:
        """The contract's quote has changed."""

    def on_depth(self) -> None:
        """The contract's depth has changed."""

    def on_trade(self, price: Decimal, size: Decimal) -> None:
        """Somebody has traded in the contract."""

    def on_time(self) -> None:
        """Time has passed."""

    def on_account(self, account: Account) -> None:
        """The account has changed."""


class TopOfBook(Stream):
    """Bid, ask and last; only what has changed is sent again."""

    def __init__(self, send: Send, request: int, market: Market, contract: Contract, data_type: int) -> None:
        super().__init__(send, request, market, contract)
        self.data_type = data_type
        self._ticks = LIVE_TICKS if data_type in (1, 2) else DELAYED_TICKS
        self._told: dict[str, tuple[Decimal, Decimal]] = {}

    def start(self) -> None:
        self.send(Message("tickReqParams", (self.request, self.contract.tick, "9c0001", 3)))
        self.send(Message("marketDataType", (1, self.request, self.data_type)))
        self.on_quote()
        for name, price in self._of_the_day().items():
            self.send(Message("tickPrice", (6, self.request, self._ticks[name], price, 0, 0)))

    def on_quote(self) -> None:
        quote = self.quote
        sides = {"bid": (quote.bid, quote.bid_size), "ask": (quote.ask, quote.ask_size)}
        if quote.last is not None:
            sides["last"] = (quote.last, quote.last_size)
        for name, (price, size) in sides.items():
            told = self._told.get(name)
            if told is None or told[0] != price:
                self.send(Message("tickPrice", (6, self.request, self._ticks[name], price, size, 1 if name != "last" else 0)))
            elif told[1] != size:
                self.send(Message("tickSize", (6, self.request, self._ticks[f"{name} size"], size)))
            self._told[name] = (price, size)

    def _of_the_day(self) -> dict[str, Decimal]:
        day = self.market.day_so_far(self.contract)
        return {"high": day.high, "low": day.low, "open": day.open, "close": self.market.last_close(self.contract)}


class TickByTick(Stream):
    """Every change as a tick of its own. `kind` is Last, AllLast, BidAsk or MidPoint."""

    def __init__(self, send: Send, request: int, market: Market, contract: Contract, kind: str) -> None:
        super().__init__(send, request, market, contract)
        self.kind = kind

    def start(self) -> None:
        self.on_quote()

    def on_quote(self) -> None:
        quote, at = self.quote, self.market.clock.now() // SECOND
        if self.kind == "BidAsk":
            self._tick(3, at, quote.bid, quote.ask, quote.bid_size, quote.ask_size, 0)
        elif self.kind == "MidPoint":
            self._tick(4, at, quote.mid)
        elif quote.last is not None:
            self._tick(1 if self.kind == "Last" else 2, at, quote.last, quote.last_size, 0, self.contract.listing, "")

    def on_trade(self, price: Decimal, size: Decimal) -> None:
        if self.kind in ("Last", "AllLast"):
            at = self.market.clock.now() // SECOND
            self._tick(1 if self.kind == "Last" else 2, at, price, size, 0, self.contract.listing, "")

    def _tick(self, *fields: object) -> None:
        self.send(Message("tickByTick", (self.request, *fields)))


class Depth(Stream):
    """Rows of the book; only what has changed is sent."""

    def __init__(self, send: Send, request: int, market: Market, contract: Contract, rows: int, smart: bool) -> None:
        super().__init__(send, request, market, contract)
        self._rows = rows
        self._smart = smart
        self._told: tuple[list[Level], list[Level]] = ([], [])

    def start(self) -> None:
        self.on_depth()

    def on_quote(self) -> None:
        self.on_depth()

    def on_depth(self) -> None:
        bids, asks = self.market.depth(self.contract)
        now = (bids[: self._rows], asks[: self._rows])
        for side, told, levels in ((1, self._told[0], now[0]), (0, self._told[1], now[1])):
            for row, level in enumerate(levels):
                if row >= len(told) or told[row] != level:
                    self._row(row, 0 if row >= len(told) else 1, side, level)
            for row in range(len(told) - 1, len(levels) - 1, -1):
                self._row(row, 2, side, told[row])
        self._told = now

    def begin_anew(self) -> None:
        """Every row is told again; what was told before counts for nothing."""
        self._told = ([], [])
        self.on_depth()

    def shift(self, side: int, level: Level) -> None:
        """A better row is put above the others of the side, as its first: those below are moved, not told again."""
        self._row(0, 0, side, level)
        told = self._told[0 if side else 1]
        told.insert(0, level)

    def _row(self, row: int, operation: int, side: int, level: Level) -> None:
        if self._smart:
            fields = (1, self.request, row, self.contract.listing, operation, side, level.price, level.size, True)
            self.send(Message("updateMktDepthL2", fields))
        else:
            self.send(Message("updateMktDepth", (1, self.request, row, operation, side, level.price, level.size)))


class ProfitAndLoss(Stream):
    """An account's profit, or one contract's part of it; sent again with every quote and every fill."""

    is_market_data = False

    def __init__(self, send: Send, request: int, market: Market, contract: Contract, account: Account, single: bool) -> None:
        super().__init__(send, request, market, contract)
        self._account = account
        self._single = single

    def start(self) -> None:
        self.on_quote()

    def on_quote(self) -> None:
        if self._single:
            self.send(messages.pnl_single(self.request, self._account, self.contract))
        else:
            self.send(messages.pnl(self.request, self._account))

    def on_account(self, account: Account) -> None:
        if account is self._account:
            self.on_quote()
