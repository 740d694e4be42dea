"""An exchange's prices as they come, without a key: what paper trades on, and what is traded by there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from random import Random

from engine.brokers.exchange.attempts import Attempts
from engine.brokers.exchange.depth import DepthStream
from engine.brokers.exchange.history import history
from engine.brokers.exchange.stream import QuoteStream
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import Clock, Nanos
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Depth, Quote, Symbol, Timeframe, Trade
from engine.ports.outside import LiveQuote
from engine.ports.venue import VenueAddress


class ExchangeFeed:
    """A LiveFeed of an exchange's spot markets, that shows their depth. With `by_book` quotes come from the order book as it is
    kept here. Where the exchange cannot be reached at first it goes on trying until `close`, except after NotAdmitted."""

    def __init__(
        self,
        address: VenueAddress,
        instruments: Mapping[Symbol, Instrument],
        *,
        clock: Clock,
        random: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        by_book: bool = False,
        quiet_s: float = 20.0,
        poll_s: float = 1.0,
        paced: bool = True,
    ) -> None:
        self._venue = ExchangeVenue(address, None, "prices need none", clock=clock, paced=paced)
        self.kind = self._venue.profile.id
        self._instruments = instruments
        self._random = random
        self._sleep = sleep
        self._by_book = by_book
        self._quiet_s, self._poll_s = quiet_s, poll_s
        self._streams: dict[QuoteStream, asyncio.Task[None]] = {}
        self._depths: set[asyncio.Task[None]] = set()
        self._last: dict[Symbol, Quote] = {}
        self._quarantined = 0
        self._attempts = Attempts(self._venue.connect, random, sleep)

    @property
    def trouble(self) -> str:
        return self._attempts.trouble or next((stream.trouble for stream in self._streams if stream.trouble), "")

    @property
    def quarantined(self) -> int:
        """How many quotes were kept back so far."""
        return self._quarantined + sum(_kept_back(stream) for stream in self._streams)

    async def connect(self) -> None:
        await self._attempts.start()

    def resume(self, port: int = 0) -> None:  # noqa: ARG002 - the port of an exchange is its address's
        """The owner's word: it is tried again at once."""
        self._attempts.resume()

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        if self._attempts.trouble:
            raise BrokerError(self._attempts.trouble)
        return await history(self._venue, symbol, timeframe, since, until)

    async def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        """As the port says; ends when the feed is closed. Raises UserError for a symbol that is not traded there."""
        if not await self._attempts.succeeded():
            return
        newest: dict[Symbol, Quote] = {}
        news = asyncio.Event()

        def keep(quote: Quote) -> None:
            newest[quote.symbol] = self._last[quote.symbol] = quote
            news.set()

        stream = QuoteStream(
            self._venue,
            symbols,
            keep,
            instruments=self._instruments,
            random=self._random,
            by_book=self._by_book,
            quiet_s=self._quiet_s,
            poll_s=self._poll_s,
            asks_first=True,
            sleep=self._sleep,
        )
        running = self._streams[stream] = asyncio.ensure_future(stream.run())
        running.add_done_callback(lambda _: news.set())
        try:
            while not running.done():
                await news.wait()
                news.clear()
                while newest:
                    yield LiveQuote(newest.pop(next(iter(newest))))
        finally:
            self._streams.pop(stream, None)
            self._quarantined += _kept_back(stream)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        """As the port says; ends when the feed is closed. Of what is not traded there nothing comes."""
        if not await self._attempts.succeeded():
            return
        stream = DepthStream(
            self._venue,
            symbols,
            random=self._random,
            instruments=self._instruments,
            quoted=self._last.get,
            poll_s=self._poll_s,
            sleep=self._sleep,
        )
        running = asyncio.ensure_future(stream.run())
        self._depths.add(running)
        running.add_done_callback(lambda _: stream.news.set())
        try:
            while not running.done():
                await stream.news.wait()
                stream.news.clear()
                while (told := stream.next()) is not None:
                    yield told
        finally:
            self._depths.discard(running)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def close(self) -> None:
        await self._attempts.close()
        running = [*self._streams.values(), *self._depths]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._venue.close()


def _kept_back(stream: QuoteStream) -> int:
    return sum(counts.total() for counts in stream.kept_back.values())
