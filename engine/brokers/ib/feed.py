"""Prices from Interactive Brokers as they come, over a connection of their own that keeps itself alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from engine.brokers.backoff import Backoff
from engine.brokers.ib.contracts import is_future, naming_of
from engine.brokers.ib.depths import Depths
from engine.brokers.ib.history import History
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed, find, month_for
from engine.brokers.ib.pacing import Pacing
from engine.brokers.ib.quotes import QuoteStream
from engine.brokers.ib.reconnect import Sleep, Upkeep, ended, started
from engine.brokers.ib.series import Series, Volumes, paged
from engine.brokers.ib.ticks import TickQuoteStream
from engine.core.clock import Clock, Nanos
from engine.core.errors import BrokerError, UserError
from engine.core.log import logger
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Depth, Symbol, Timeframe, Trade
from engine.market.contracts import Contract as Month
from engine.market.rolling import Rolling, rolling_of
from engine.ports.outside import LiveQuote
from engine.ports.venue import VenueAddress

_log = logger("ib")
BESIDE = 1000
"""The feed's client id is the address's and this: no two connections to TWS may have the same, and the broker has the first."""


class IbFeed:
    """A LiveFeed at TWS or IB Gateway; it sends no orders, so any account will do. To be made inside the running loop.

    `months` says which contract of a future is meant, else it is the one that is held or in front at first. With
    `accepts_delayed` data without a subscription comes 15 minutes late, and is no quote to trade on. With `ticks` quotes are
    asked for one by one, and streamed where TWS gives no more of those. `rolling` says how a future's contracts follow each other
    where it is not by the instrument's own rule.
    """

    kind = "ib"

    def __init__(
        self,
        address: VenueAddress,
        instruments: Mapping[Symbol, Instrument],
        *,
        clock: Clock,
        random: Random | None = None,
        sleep: Sleep = asyncio.sleep,
        months: Mapping[Symbol, str] | None = None,
        accepts_delayed: bool = True,
        heartbeat_s: float = 15.0,
        ticks: bool = False,
        rolling: Mapping[Symbol, Rolling] | None = None,
    ) -> None:
        self._instruments = instruments
        self._clock = clock
        self._random = random or Random()
        self._sleep = sleep
        self._months = {symbol: Month.of(code).code for symbol, code in (months or {}).items()}
        rules = {symbol: rolling_of(instrument) for symbol, instrument in instruments.items() if is_future(symbol)}
        self._rolling = {symbol: rule for symbol, rule in rules.items() if rule is not None} | dict(rolling or {})
        self._accepts_delayed = accepts_delayed
        self._ticks = ticks
        self._pacing = Pacing(clock)
        self._depths = Depths(self._linked, self._find, clock, self._random, sleep, self._say)
        self._said: set[str] = set()
        self._volumes: Volumes = {}
        self._link: Link | None = None
        self._is_up = asyncio.Event()
        self._troubles: dict[Symbol, str] = {}
        self._readers: set[asyncio.Task[None]] = set()
        self._streams: set[QuoteStream] = set()
        self._unread: list[dict[Symbol, LiveQuote]] = []
        self._quarantined = 0
        own = replace(address, client_id=address.client_id + BESIDE, is_read_only=True)
        self._upkeep = Upkeep(own, _open, self._up, self._down, random=self._random, sleep=sleep, heartbeat_s=heartbeat_s)

    @property
    def trouble(self) -> str:
        """Why nothing streams, or not all of it; "" while it does."""
        link = self._link
        if link is None:
            return self._upkeep.trouble or "not connected to TWS; connect first"
        return link.trouble or next(iter(self._troubles.values()), "")

    @property
    def quarantined(self) -> int:
        """How many ticks and quotes were kept out so far."""
        return self._quarantined + sum(stream.quarantined for stream in self._streams)

    async def connect(self) -> None:
        """BrokerError where TWS cannot be reached; it goes on trying until `close`, except after NotAdmitted."""
        await self._upkeep.start()

    def resume(self, port: int = 0) -> None:
        """The owner's word after a client id in use or a moved port."""
        self._upkeep.resume(port)

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        """Bars that are over, asked for in pages, as slowly as IB wants it; a future's as one series out of its contracts."""
        link = self._link
        if link is None:
            raise BrokerError(self.trouble)
        listed = await self._find(link, symbol)
        until = min(until, self._clock.now())
        series, dealt = self._series(link, symbol), self.contract_of(symbol)
        if series is None or not dealt or since >= until:
            return await paged(History(link, self._pacing, self._sleep), listed, timeframe, since, until)
        return await series.bars(Month.of(dealt), timeframe, since, until)

    async def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        """The newest quote of each, until the feed is closed. UserError for what IB does not have."""
        for symbol in symbols:
            naming_of(symbol)
            self._instrument(symbol)
        newest: dict[Symbol, LiveQuote] = {}
        self._unread.append(newest)
        news = asyncio.Event()

        def keep(quote: LiveQuote) -> None:
            newest[quote.quote.symbol] = quote
            news.set()

        readers = [started(self._read(symbol, keep), f"quotes of {symbol} from TWS") for symbol in symbols]
        self._readers.update(readers)
        for reader in readers:
            reader.add_done_callback(lambda _: news.set())
        try:
            while not any(reader.done() for reader in readers):
                await news.wait()
                news.clear()
                while newest:
                    yield newest.pop(next(iter(newest)))
        finally:
            self._unread = [it for it in self._unread if it is not newest]
            self._readers.difference_update(readers)
            await ended(*readers)

    def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        """Books and trades, until the feed is closed. UserError for what IB does not have."""
        for symbol in symbols:
            naming_of(symbol)
            self._instrument(symbol)
        return self._depths.read(symbols)

    async def close(self) -> None:
        """Ends every subscription and the connection; safe twice."""
        await self._depths.close()
        readers, self._readers = list(self._readers), set()
        await ended(*readers)
        await self._upkeep.close()
        self._link = None
        self._is_up.clear()

    async def _read(self, symbol: Symbol, keep: Callable[[LiveQuote], None]) -> None:
        """Reads one instrument for ever, on every connection anew."""
        backoff = Backoff(self._random)
        while True:
            link = await self._linked()
            try:
                stream = self._stream(link, await self._find(link, symbol))
                self._streams.add(stream)
                try:
                    stream.start()
                    async for streamed in stream:
                        self._troubles.pop(symbol, None)
                        backoff.reset()
                        keep(LiveQuote(*streamed))
                finally:
                    stream.close()
                    self._streams.discard(stream)
                    self._quarantined += stream.quarantined
            except BrokerError as error:
                self._troubles[symbol] = str(error)
                await self._sleep(backoff.next())

    def _stream(self, link: Link, listed: Listed) -> QuoteStream:
        if self._ticks:
            return TickQuoteStream(link, listed, self._clock, self._say, accepts_delayed=self._accepts_delayed)
        return QuoteStream(link, listed, self._clock, accepts_delayed=self._accepts_delayed)

    async def _linked(self) -> Link:
        """The connection, once there is one."""
        while self._link is None:
            await self._is_up.wait()
        return self._link

    def _say(self, sentence: str) -> None:
        """What is not had, and done without: once."""
        if sentence not in self._said:
            self._said.add(sentence)
            _log.warning("done without", why=sentence)

    @property
    def lacks(self) -> tuple[str, ...]:
        """What TWS did not give, and is done without, in sentences."""
        return tuple(sorted(self._said))

    def contract_of(self, symbol: Symbol) -> str:
        """The contract of a future that its prices are of, as in Z25; "" for what is no future, or not known yet."""
        return self._months.get(symbol, "")

    async def deal_in(self, symbol: Symbol, contract: str) -> None:
        """From here on prices are of this contract; BrokerError where TWS knows none, and all is as before."""
        link = self._link
        if link is None:
            raise BrokerError(self.trouble)
        await find(link, self._instrument(symbol), contract)
        self._months[symbol] = contract
        for stream in [it for it in self._streams if it.symbol == symbol]:
            stream.drop()
        for unread in self._unread:
            unread.pop(symbol, None)
        self._depths.renew(symbol)

    async def quote_of(self, symbol: Symbol, contract: str) -> LiveQuote:
        """A quote of another contract than the one that is dealt in."""
        link = self._link
        if link is None:
            raise BrokerError(self.trouble)
        listed = await find(link, self._instrument(symbol), contract)
        stream = QuoteStream(link, listed, self._clock, accepts_delayed=self._accepts_delayed)
        try:
            stream.start()
            return LiveQuote(*await asyncio.wait_for(anext(stream), link.timeout))
        except TimeoutError:
            raise BrokerError(f"{link.name} told no price of {listed.name} within {link.timeout:g} s") from None
        finally:
            stream.close()

    async def _find(self, link: Link, symbol: Symbol) -> Listed:
        instrument = self._instrument(symbol)
        if symbol not in self._months:
            self._months[symbol] = await self._first_month(link, instrument)
        while True:
            month = self._months[symbol]
            listed = await find(link, instrument, month)
            if month == self._months[symbol]:  # it may have become another one while TWS was asked
                return listed

    async def _first_month(self, link: Link, instrument: Instrument) -> str:
        """What is held, else what is in front: by the rule, where by the calendar it would be another than what is held."""
        symbol, now = instrument.symbol, self._clock.now()
        month = month_for(link, instrument, {}, now, self._rolling.get(symbol))
        series = self._series(link, symbol)
        if series is None or month != self._rolling[symbol].in_front(now).code:
            return month
        return (await series.front(now)).code

    def _series(self, link: Link, symbol: Symbol) -> Series | None:
        rolling = self._rolling.get(symbol)
        if rolling is None:
            return None
        instrument = self._instrument(symbol)

        async def found(contract: Month) -> Listed:
            return await find(link, instrument, contract.code, is_past=True)

        return Series(rolling, History(link, self._pacing, self._sleep), found, self._say, self._volumes)

    def _instrument(self, symbol: Symbol) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise UserError(f"{symbol} is not an instrument of this session; add it to its instruments")
        return instrument

    def _up(self, link: Link) -> None:
        self._link = link
        self._is_up.set()

    def _down(self, _why: str, _goes_on: bool) -> None:
        self._link = None
        self._is_up.clear()


async def _open(address: VenueAddress) -> Link:
    link = Link(address)
    await link.open()
    return link
