"""Streaming bid and ask of one contract, as quotes that can be trusted: what makes no sense is counted and kept out."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Any, NamedTuple

from ib_async import TickData, Ticker

from engine.brokers.ib import codes
from engine.brokers.ib.contracts import lot_steps
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.core.clock import Clock, Nanos
from engine.core.errors import BrokerError
from engine.domain.market import Quote, Symbol
from engine.market.spikes import Spikes

BID_PRICES, ASK_PRICES = frozenset({1, 66}), frozenset({2, 67})
BID_SIZES, ASK_SIZES = frozenset({0, 69}), frozenset({3, 70})
PRICES = BID_PRICES | ASK_PRICES
BIDS, ASKS = BID_PRICES | BID_SIZES, ASK_PRICES | ASK_SIZES
LIVE, DELAYED = 1, 3
"""Types of market data: what is asked for. 2 (frozen) and 4 come by themselves, and only 1 may be traded on."""


class StreamedQuote(NamedTuple):
    """A quote, and whether it may be traded on: live data, while IB is within reach."""

    quote: Quote
    is_tradeable: bool


class Side(NamedTuple):
    """The best price of one side and its size in IB's unit; size 0 is not known."""

    price: float
    size: float


class QuoteStream:
    """Quotes of a contract for one reader: `async for`. Each is kept until `capacity` of them wait; then the oldest give way.

    `quarantined` counts ticks and books that were kept out (crossed, zero, no number, an emptied side, outside what is
    plausible, a spike), `conflated` quotes that the reader was too slow for. Renewed once when IB says that data was lost (1101).
    Reading raises BrokerError when TWS ends the subscription or the connection is over, after what was still waiting.
    """

    def __init__(self, link: Link, listed: Listed, clock: Clock, *, accepts_delayed: bool = False, capacity: int = 1024) -> None:
        self.quarantined = 0
        self.conflated = 0
        self.is_delayed = False
        self.failure = ""
        self._link = link
        self._listed = listed
        self._clock = clock
        self._kind = DELAYED if accepts_delayed else LIVE
        self._waiting: deque[StreamedQuote] = deque(maxlen=capacity)
        self._news = asyncio.Event()
        self._ticker: Ticker | None = None
        self._request = -1
        self._bid: Side | None = None
        self._ask: Side | None = None
        self._is_crossed = False
        self._spikes = Spikes(listed.instrument)
        self._judged = (0, 0, False)
        self._at: Nanos = 0
        self._is_renewed = False
        self._is_warned = False
        self._is_closed = False

    def start(self) -> None:
        """Subscribes. BrokerError where the contract is subscribed to already, or the connection is over."""
        ib = self._link.ib
        if not self._link.is_open:
            raise BrokerError(f"not connected to {self._link.name}; connect first")
        if self._numbers().get(ib.ticker(self._listed.contract)):
            raise BrokerError(f"{self._listed.name} is subscribed to already at {self._link.name}; read that stream")
        self._link.on_error.append(self._told)
        self._link.on_lost.append(self._fail)
        self._subscribe()

    def close(self) -> None:
        """Unsubscribes; who still reads is told that it has ended. Safe twice."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._ticker is not None:
            self._link.on_error.remove(self._told)
            self._link.on_lost.remove(self._fail)
            self._ticker.updateEvent -= self._on_ticks
            if self._link.is_open:
                self._release_data()
        self._news.set()

    def drop(self) -> None:
        """Closes it; what waits is not told any more."""
        self._waiting.clear()
        self.close()

    def __aiter__(self) -> QuoteStream:
        return self

    async def __anext__(self) -> StreamedQuote:
        while not self._waiting:
            if self._is_closed:
                raise StopAsyncIteration
            if self.failure:
                raise BrokerError(self.failure)
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    @property
    def symbol(self) -> Symbol:
        """Whose quotes they are."""
        return self._listed.instrument.symbol

    @property
    def is_tradeable(self) -> bool:
        """Whether what comes now may be traded on."""
        return not self.is_delayed and not self.failure and self._link.is_ready

    def _subscribe(self) -> None:
        """Asks for data; nothing that was known of the book holds any longer."""
        self._bid = self._ask = None
        self._is_warned = False
        ticker = self._request_data()
        if self._ticker is None:
            self._ticker = ticker
            ticker.updateEvent += self._on_ticks
        self._request = self._numbers()[ticker]

    def _request_data(self) -> Ticker:
        self._link.ib.reqMarketDataType(self._kind)
        return self._link.ib.reqMktData(self._listed.contract)

    def _release_data(self) -> None:
        self._link.ib.cancelMktData(self._listed.contract)

    def _numbers(self) -> dict[Any, int]:
        return self._link.ib.wrapper.ticker2ReqId["mktData"]

    def _told(self, request: int, code: int, text: str) -> None:
        if code in codes.LOST:
            self._is_renewed = False
        elif code == codes.RESTORED_WITHOUT_DATA:
            if not self._is_renewed:
                self._is_renewed = True
                self._subscribe()
        elif request == self._request and code == codes.DELAYED:
            self._is_warned = self.is_delayed = True
        elif request == self._request and code not in codes.NOTICES:
            self._fail(f"{self._link.name} {codes.refusal(code, text)}, asked for quotes of {self._listed.name}")

    def _fail(self, sentence: str) -> None:
        self.failure = self.failure or sentence
        self._news.set()

    def _on_ticks(self, ticker: Ticker) -> None:
        self.is_delayed = self._is_warned or ticker.marketDataType != LIVE
        for tick in ticker.ticks:
            if tick.tickType in BIDS or tick.tickType in ASKS:
                self._take(tick)
        if self._is_crossed:
            self._is_crossed = False
            self.quarantined += 1

    def _take(self, tick: TickData) -> None:
        """One side has changed. A book that is crossed between the ticks of its two sides is not judged before the second."""
        is_bid = tick.tickType in BIDS
        before = self._bid if is_bid else self._ask
        if tick.tickType in PRICES:
            side = Side(tick.price, tick.size) if self._is_sound(tick) else None
        elif before is None:
            return
        else:
            side = before._replace(size=tick.size) if tick.size > 0 and math.isfinite(tick.size) else None
        if side is None:
            self.quarantined += 1
        if is_bid:
            self._bid = side
        else:
            self._ask = side
        if self._bid is not None and self._ask is not None:
            self._is_crossed = self._bid.price > self._ask.price
            if not self._is_crossed:
                self._emit(self._bid, self._ask)

    def _is_sound(self, tick: TickData | Side) -> bool:
        if not (math.isfinite(tick.price) and tick.price > 0 and math.isfinite(tick.size) and tick.size > 0):
            return False
        plausible = self._listed.instrument.plausible
        return plausible is None or plausible[0] <= tick.price <= plausible[1]

    def _emit(self, bid: Side, ask: Side) -> None:
        instrument = self._listed.instrument
        self._at = max(self._at, self._clock.now())
        quote = Quote(
            instrument.symbol,
            self._at,
            instrument.ticks(bid.price),
            instrument.ticks(ask.price),
            bid_size=lot_steps(instrument, bid.size),
            ask_size=lot_steps(instrument, ask.size),
        )
        if not self._is_believed(quote):
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.conflated += 1
        self._waiting.append(StreamedQuote(quote, self.is_tradeable))
        self._news.set()

    def _is_believed(self, quote: Quote) -> bool:
        """Whether it is no spike. A change of sizes alone neither confirms a price nor makes it doubtful."""
        bid, ask, verdict = self._judged
        if (bid, ask) != (quote.bid, quote.ask):
            verdict = self._spikes.believes(quote)
            self._judged = quote.bid, quote.ask, verdict
            self.quarantined += not verdict
        return verdict
