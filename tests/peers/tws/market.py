"""Where prices stand: the last quote and the depth of each contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from engine.core.clock import SECOND, Clock, Nanos
from tests.peers.tws.contracts import Catalogue, Contract
from tests.peers.tws.hours import session_bounds, session_day
from tests.peers.tws.path import Bar, Path

Number = Decimal | int | float | str

DEPTH = 5
SHOWN = {"CMDTY": Decimal(100), "CASH": Decimal(1_000_000), "FUT": Decimal(5)}
"""The size at the touch when nobody says otherwise."""


def exact(value: Number) -> Decimal:
    """The Decimal that the number is written as."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask, and the last trade if the contract trades."""

    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    last: Decimal | None = None
    last_size: Decimal = Decimal(1)

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


@dataclass(frozen=True, slots=True)
class Level:
    """A price and the size that waits there."""

    price: Decimal
    size: Decimal


class Market:
    """Quotes by conId. Each contract's path goes through its own price at `anchor`: now, unless given."""

    def __init__(self, clock: Clock, seed: int, anchor: Nanos | None = None) -> None:
        self.clock = clock
        self.catalogue = Catalogue(self.now().date())
        now = clock.now() / SECOND
        start = now if anchor is None else anchor / SECOND
        self.paths = {it.con_id: Path(it, start, seed) for it in (*self.catalogue.all, *self.catalogue.past)}
        for symbol in ("GC", "MGC"):
            for number, future in enumerate(it for it in self.catalogue.all if it.symbol == symbol):
                self.paths[future.con_id].thinness = 1 + 9 * number
        self.quotes = {it.con_id: _around(it, self.paths[it.con_id].mid(now)) for it in self.catalogue.all}
        self.books: dict[int, tuple[list[Level], list[Level]]] = {}

    def now(self) -> datetime:
        """The time in UTC."""
        return datetime.fromtimestamp(self.clock.now() / SECOND, UTC)

    def contract(self, contract: Contract | str | int) -> Contract:
        """The contract by conId, symbol or local symbol."""
        return contract if isinstance(contract, Contract) else self.catalogue.named(contract)

    def set(self, contract: Contract, bid: Number, ask: Number, bid_size: Number | None, ask_size: Number | None) -> Quote:
        """Puts up a new quote; a contract that trades is taken to have traded at its bid."""
        shown = SHOWN[contract.sec_type]
        bids, asks = (shown if size is None else exact(size) for size in (bid_size, ask_size))
        quote = Quote(exact(bid), exact(ask), bids, asks, exact(bid) if contract.trades else None)
        self.quotes[contract.con_id] = quote
        self.books.pop(contract.con_id, None)
        return quote

    def follow_path(self, contract: Contract) -> Quote:
        """Puts up the quote that the contract's own price path has now."""
        around = _around(contract, self.paths[contract.con_id].mid(self.clock.now() / SECOND))
        return self.set(contract, around.bid, around.ask, None, None)

    def day_so_far(self, contract: Contract) -> Bar:
        """The session's bar until now, by the contract's price path."""
        opening = int(session_bounds(session_day(self.now()))[0].timestamp())
        now = self.clock.now() / SECOND
        return self.paths[contract.con_id].bars([opening], max(60, int(now) - opening), now)[0]

    def last_close(self, contract: Contract) -> Decimal:
        """Where the contract stood when the session before this one closed."""
        opening = session_bounds(session_day(self.now()))[0]
        return self.paths[contract.con_id].mid(opening.timestamp() - 3600)

    def depth(self, contract: Contract) -> tuple[list[Level], list[Level]]:
        """Bids and asks, best first: as told, else steps of a tick away from the quote."""
        if contract.con_id in self.books:
            return self.books[contract.con_id]
        quote, tick = self.quotes[contract.con_id], contract.tick
        bids = [Level(quote.bid - tick * row, quote.bid_size * (row + 1)) for row in range(DEPTH)]
        asks = [Level(quote.ask + tick * row, quote.ask_size * (row + 1)) for row in range(DEPTH)]
        return bids, asks


def _around(contract: Contract, mid: Decimal) -> Quote:
    half = contract.spread / 2
    bid = ((mid - half) / contract.tick).to_integral_value() * contract.tick
    shown = SHOWN[contract.sec_type]
    return Quote(bid, bid + contract.spread, shown, shown, bid if contract.trades else None)
