"""Best prices of an exchange as they change: streamed, judged, and asked for where the stream says nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any

from engine.brokers.backoff import Backoff
from engine.brokers.exchange.client import close_client
from engine.brokers.exchange.sieve import Best, Sieve
from engine.brokers.exchange.trouble import told
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import SECOND, Nanos
from engine.core.errors import BrokerError, FeedError, UserError
from engine.domain.instrument import INSTRUMENTS, Instrument
from engine.domain.market import Quote, Symbol

_GAPS_IN_A_ROW = 3
"""More gaps than that without a quote between them, and the connection is made anew."""
_SUBSCRIBING_S = 0.05
"""How long a new connection is listened to before its first price is asked for."""


class QuoteStream:
    """Quotes of `symbols` at a connected venue, told one by one to `tell`, which must not wait; the newest where it is late.

    Silence for `quiet_s` is looked into by asking for the prices: unchanged, the market is quiet and its last quote is told
    again; changed, the stream has stalled and is made anew. `counts` has gaps, stalls and losses; `trouble` is the sentence
    for what keeps it from streaming, "" while it does. With `by_book` quotes come from the order
    book; with `asks_first` the first one of a connection is asked for, as a quiet market would tell none.
    """

    def __init__(
        self,
        venue: ExchangeVenue,
        symbols: Iterable[Symbol],
        tell: Callable[[Quote], None],
        *,
        random: Random,
        instruments: Mapping[Symbol, Instrument] = INSTRUMENTS,
        by_book: bool = False,
        quiet_s: float = 20.0,
        poll_s: float = 1.0,
        asks_first: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        wanted = list(symbols)
        self._instruments = instruments
        self._sieves = {name: Sieve(instruments[symbol]) for name, symbol in venue.names.items() if symbol in wanted}
        missing = set(wanted) - {each.instrument.symbol for each in self._sieves.values()}
        if missing:
            raise UserError(f"{venue.profile.name} does not trade {', '.join(sorted(missing))}; leave it out of the stream")
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self._venue = venue
        self._tell = tell
        self._by_book = by_book
        self._quiet: Nanos = int(quiet_s * SECOND)
        self._poll_s = poll_s
        self._asks_first = asks_first
        self._sleep = sleep
        self._backoff = Backoff(random)
        self._seen: dict[str, Any] = {}
        self._looked_at: dict[str, Nanos] = {}
        self._gaps = 0

    @property
    def kept_back(self) -> dict[Symbol, Counter[str]]:
        """How many quotes of each instrument were kept back, by kind."""
        return {sieve.instrument.symbol: Counter(sieve.kept_back) for sieve in self._sieves.values()}

    def age(self, symbol: Symbol) -> Nanos | None:
        """How long ago the last good quote came (ns); None before the first."""
        last = next(sieve.last for sieve in self._sieves.values() if sieve.instrument.symbol == symbol)
        return None if last is None else self._venue.clock.now() - last.at

    def is_fresh(self, symbol: Symbol) -> bool:
        """Whether the last good quote may still be traded on."""
        age = self.age(symbol)
        return age is not None and age <= self._instruments[symbol].stale_after_s * SECOND

    async def run(self) -> None:
        """Streams until it is cancelled, whatever the exchange does; BrokerError once the venue is closed."""
        while True:
            client = self._venue.new_client()
            try:
                await self._follow(client)
            except (BrokerError, FeedError) as error:
                self.trouble = str(error)
            except Exception as error:  # the library raises whatever comes; the quotes must come back all the same
                self.counts["lost"] += 1
                self.trouble = str(told(error, self._venue.wire.where, "streaming quotes"))
            finally:
                await close_client(client)
            await self._sleep(self._backoff.next())

    async def _follow(self, client: Any) -> None:
        calls, waiting = self._calls(client), dict[str, asyncio.Future[Any]]()
        self._seen, now = {}, self._venue.clock.now()
        self._looked_at = dict.fromkeys(self._sieves, now - self._quiet if self._asks_first else now)
        self._gaps, pause = 0, min(_SUBSCRIBING_S, self._poll_s) if self._asks_first else self._poll_s
        try:
            while True:
                for key, call in calls.items():
                    if key not in waiting:
                        waiting[key] = asyncio.ensure_future(call())
                await asyncio.wait(waiting.values(), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                pause = self._poll_s
                for key in [key for key, each in waiting.items() if each.done()]:
                    self._hear(waiting.pop(key))
                self._take(client)
                await self._look_into_silence(client)
        finally:
            for each in waiting.values():
                each.cancel()
            await asyncio.gather(*waiting.values(), return_exceptions=True)

    def _calls(self, client: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
        if self._by_book or not client.has.get("watchBidsAsks"):
            return {name: partial(client.watch_order_book, name) for name in self._sieves}
        return {"": partial(client.watch_bids_asks, list(self._sieves))}

    def _hear(self, done: asyncio.Future[Any]) -> None:
        """What a call came to; a gap in a book is mended by the next call, which subscribes again."""
        if done.cancelled():
            raise FeedError(f"{self._venue.wire.where} was disconnected in the middle; connecting anew")
        error = done.exception()
        if error is None:
            return
        if type(error).__name__ != "ChecksumError" or self._gaps >= _GAPS_IN_A_ROW:
            raise error
        self._gaps += 1
        self.counts["gap"] += 1

    def _take(self, client: Any) -> None:
        """The newest prices the library has, which may be newer than those a call returned."""
        for name, sieve in self._sieves.items():
            found = _newest(client, name)
            if found is not None and found[0] != self._seen.get(name):
                self._seen[name] = found[0]
                self._judge(sieve, found[1])

    def _judge(self, sieve: Sieve, best: Best) -> Quote | None:
        ahead = (self._venue.wire.offset_ms or 0) * 1_000_000
        here = best._replace(told_at=None if best.told_at is None else best.told_at - ahead)
        quote = sieve.judge(here, self._venue.clock.now())
        if quote is not None:
            self._gaps, self.trouble = 0, ""
            self._backoff.reset()
            self._tell(quote)
        return quote

    async def _look_into_silence(self, client: Any) -> None:
        wire = self._venue.wire
        for name, sieve in self._sieves.items():
            last = sieve.last
            if self._venue.clock.now() - max(self._looked_at[name], last.at if last else 0) < self._quiet:
                continue
            book = await wire.ask(f"asking {name}", partial(wire.client.fetch_order_book, name, 5))
            self._looked_at[name] = self._venue.clock.now()
            self._take(client)
            if sieve.last is not last:
                continue
            quote = self._judge(sieve, _top(book))
            if quote is not None and (last is None or (quote.bid, quote.ask) == (last.bid, last.ask)):
                continue
            self.counts["stall"] += 1
            raise FeedError(
                f"{wire.where} streams nothing new of {sieve.instrument.symbol} although its prices moved; connecting anew"
            )


def _newest(client: Any, name: str) -> tuple[Any, Best] | None:
    """What tells the newest prices from those before, and the prices."""
    ticker, book = client.bidsasks.get(name), client.orderbooks.get(name)
    if ticker is not None:
        at = ticker.get("timestamp")
        best = Best(ticker["bid"], ticker["ask"], ticker["bidVolume"], ticker["askVolume"], at and at * 1_000_000)
        return _Same(ticker), best
    if book is None or book.get("nonce") is None:
        return None
    best = _top(book)
    return (book["nonce"], best), best


def _top(book: Any) -> Best:
    (bid, bid_size), (ask, ask_size) = (
        (side[0][0], side[0][1]) if side else (None, None) for side in (book["bids"], book["asks"])
    )
    at = book.get("timestamp")
    return Best(bid, ask, bid_size, ask_size, at and at * 1_000_000)


class _Same:
    """Equal only to the very same object: each event makes a new one, though it may say the same."""

    def __init__(self, it: Any) -> None:
        self._it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._it is self._it

    __hash__ = None  # type: ignore[assignment]  # how Python says that it cannot be hashed; typeshed has no form for it
