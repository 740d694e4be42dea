"""The order book of one contract as TWS tells it, row by row, and the trades in it, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from ib_async import TickByTickAllLast, Ticker

from engine.brokers.ib import codes
from engine.brokers.ib.client import BookRow
from engine.brokers.ib.contracts import lot_steps
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.subscription import Subscription
from engine.core.clock import Clock
from engine.domain.instrument import Instrument
from engine.domain.market import Depth, Symbol, Ticks, Trade

ROWS = 10
"""How many rows a side are asked for; a venue may tell fewer."""
INSERT, UPDATE, DELETE = 0, 1, 2
TRADES = "Last"
"""The kind of ticks that are trades at the venue; AllLast has those of combinations too, which nobody's order waited for."""


class Row(NamedTuple):
    """A row of one side: smart depth has one for each venue, so that two may have the same price."""

    price: float
    size: float


class DepthStream(Subscription):
    """Gives `keep` the book after each change of it, and one without levels when it is not known any more.

    TWS counts rows: one that is inserted moves those below it down, one that is deleted moves them up. The library writes
    rows over each other, so its books are not used.
    """

    def __init__(self, link: Link, listed: Listed, clock: Clock, keep: Callable[[Depth], None]) -> None:
        super().__init__(link, f"the depth of {listed.name}")
        self._listed = listed
        self._clock = clock
        self._keep = keep
        self._sides: tuple[list[Row], list[Row]] = ([], [])
        self._is_changed = False
        self._is_told = False
        self._ticker: Ticker | None = None

    @property
    def _is_smart(self) -> bool:
        """Whether several venues' books are told as one: where the contract is dealt in wherever it is best."""
        return self._listed.contract.exchange == "SMART"

    def _ask(self) -> int:
        relay = self._link.relay
        relay.on_rows.pop(self._request, None)
        ib = self._link.ib
        ticker = ib.reqMktDepth(self._listed.contract, ROWS, self._is_smart)
        if self._ticker is None:
            self._ticker = ticker
            ticker.updateEvent += self._settled
        request: int = ib.wrapper.ticker2ReqId["mktDepth"][ticker]
        relay.on_rows[request] = self._changed
        return request

    def _release(self) -> None:
        self._link.ib.cancelMktDepth(self._listed.contract, self._is_smart)

    def close(self) -> None:
        """Unsubscribes; safe twice."""
        super().close()
        self._link.relay.on_rows.pop(self._request, None)
        if self._ticker is not None:
            self._ticker.updateEvent -= self._settled
            self._ticker = None

    def _doubt(self) -> None:
        self._sides = ([], [])
        self._is_changed = False
        if self._is_told:
            self._is_told = False
            self._keep(Depth(self._symbol, self._clock.now(), (), ()))

    def _told(self, request: int, code: int, text: str) -> None:
        super()._told(request, code, text)
        if code == codes.RESTORED_WITH_DATA and not self._is_renewed:  # rows go on from a book that was forgotten meanwhile
            self._release()
            self._doubt()
            self._request = self._ask()

    def _answered(self, code: int, text: str) -> None:
        if code == codes.DEPTH_RESET:
            self._doubt()
        else:
            super()._answered(code, text)

    def _changed(self, row: BookRow) -> None:
        self._is_changed = True
        change(self._sides[0 if row.side else 1], row)

    def _settled(self, _ticker: Ticker) -> None:
        """All that came together has been taken in."""
        if not self._is_changed:
            return
        self._is_changed = False
        instrument = self._listed.instrument
        bids, asks = (levels(side, instrument) for side in self._sides)
        if is_sound(bids, asks):
            self._is_told = True
            self._keep(Depth(self._symbol, self._clock.now(), bids, asks))
        elif self._is_told:
            self._is_told = False
            self._keep(Depth(self._symbol, self._clock.now(), (), ()))

    @property
    def _symbol(self) -> Symbol:
        return self._listed.instrument.symbol


class TradeStream(Subscription):
    """Gives `keep` each trade that others make in the contract."""

    def __init__(self, link: Link, listed: Listed, clock: Clock, keep: Callable[[Trade], None]) -> None:
        super().__init__(link, f"the trades in {listed.name}")
        self._listed = listed
        self._clock = clock
        self._keep = keep
        self._ticker: Ticker | None = None

    def _ask(self) -> int:
        ib = self._link.ib
        ticker = ib.reqTickByTickData(self._listed.contract, TRADES)
        if self._ticker is None:
            self._ticker = ticker
            ticker.updateEvent += self._take
        request: int = ib.wrapper.ticker2ReqId[TRADES][ticker]
        return request

    def _release(self) -> None:
        self._link.ib.cancelTickByTickData(self._listed.contract, TRADES)

    def close(self) -> None:
        """Unsubscribes; safe twice."""
        super().close()
        if self._ticker is not None:
            self._ticker.updateEvent -= self._take
            self._ticker = None

    def _doubt(self) -> None:
        """A trade that was told has happened, whatever comes."""

    def _take(self, ticker: Ticker) -> None:
        instrument = self._listed.instrument
        for tick in ticker.tickByTicks:
            if isinstance(tick, TickByTickAllLast) and _is_possible(tick.price, tick.size, instrument):
                steps = lot_steps(instrument, tick.size)
                if steps:
                    self._keep(Trade(instrument.symbol, self._clock.now(), instrument.ticks(tick.price), steps))


def change(rows: list[Row], told: BookRow) -> None:
    """Carries out on one side what was told of it."""
    if told.operation == DELETE:
        del rows[told.position : told.position + 1]
    elif told.operation == UPDATE and told.position < len(rows):
        rows[told.position] = Row(told.price, told.size)
    else:
        rows.insert(told.position, Row(told.price, told.size))


def levels(rows: Sequence[Row], instrument: Instrument) -> tuple[tuple[Ticks, int], ...]:
    """The rows as price in ticks and size in lot steps, one a price; none where a row cannot be true."""
    found: dict[Ticks, int] = {}
    for row in rows:
        if not _is_possible(row.price, row.size, instrument):
            return ()
        price = instrument.ticks(row.price)
        found[price] = found.get(price, 0) + lot_steps(instrument, row.size)
    return tuple((price, size) for price, size in found.items() if size)


def is_sound(bids: Sequence[tuple[Ticks, int]], asks: Sequence[tuple[Ticks, int]]) -> bool:
    """Whether there is such a book: both sides are there, each gets worse row by row, and they are not crossed."""
    falls = all(one > other for (one, _), (other, _) in pairwise(bids))
    rises = all(one < other for (one, _), (other, _) in pairwise(asks))
    return bool(bids and asks) and falls and rises and bids[0][0] <= asks[0][0]


def _is_possible(price: float, size: float, instrument: Instrument) -> bool:
    if not (math.isfinite(price) and price > 0 and math.isfinite(size) and size > 0):
        return False
    return instrument.plausible is None or instrument.plausible[0] <= price <= instrument.plausible[1]
