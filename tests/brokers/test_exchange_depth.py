"""Order books and trades of the loopback exchange, streamed through the real ccxt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.depth import MOST_TRADES, STALLED, DepthStream
from engine.brokers.exchange.feed import ExchangeFeed
from engine.brokers.exchange.prints import MarketPrints
from engine.brokers.exchange.venue import ExchangeVenue
from engine.brokers.exchange.watched_book import LEVELS, WatchedBook
from engine.core.clock import SECOND, SystemClock
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Depth, Quote, Trade
from engine.ports.outside import ShowsDepth
from tests.brokers.exchange_adapter import address, connected, played
from tests.peers.exchange import Exchange
from tests.peers.faults import Drop, Duplicate, Hold

pytestmark = pytest.mark.xdist_group("ccxt")

GOLD = "PAXGUSDT"
PAXG = INSTRUMENTS[GOLD]
BOOK = "paxgusdt@depth@100ms"


class Seen:
    """What was told, read as a session reads it."""

    def __init__(self, stream: DepthStream) -> None:
        self.books: list[Depth] = []
        self.trades: list[Trade] = []
        self._stream = stream

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            while (told := self._stream.next()) is not None:
                (self.books if isinstance(told, Depth) else self.trades).append(told)
            if not condition():
                await asyncio.sleep(0.002)

    @property
    def book(self) -> Depth:
        return self.books[-1]

    def knows(self, bid: int) -> bool:
        return bool(self.books and self.book.bids and self.book.bids[0][0] == bid)

    @property
    def is_unknown(self) -> bool:
        return bool(self.books) and not self.book.bids


@asynccontextmanager
async def watching(exchange: Exchange, venue: ExchangeVenue, **more: Any) -> AsyncIterator[tuple[DepthStream, Seen]]:
    """A stream of gold's book and trades that is subscribed, and what it tells."""

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    stream = DepthStream(venue, [GOLD, "XAUUSD"], random=Random(1), poll_s=0.01, sleep=at_once, **more)
    running = asyncio.ensure_future(stream.run())
    seen = Seen(stream)
    try:
        await exchange.until(lambda: exchange.hub.has("paxgusdt@trade"))
        await seen.until(lambda: seen.knows(390_000))
        yield stream, seen
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@connected
async def test_a_book_is_told_in_ticks_and_lot_steps_the_best_first(exchange: Exchange, venue: ExchangeVenue) -> None:
    before = SystemClock().now()
    async with watching(exchange, venue) as (_, seen):
        assert seen.book.symbol == GOLD
        assert seen.book.bids[:2] == ((390_000, 10_000), (389_999, 10_000))
        assert seen.book.asks[:2] == ((390_010, 10_000), (390_011, 10_000))
        assert before <= seen.book.at <= SystemClock().now()
        await exchange.book(GOLD, [(Decimal("3900.05"), Decimal("0.25"))], [(Decimal("3900.10"), Decimal(2))])
        await seen.until(lambda: seen.knows(390_005))
        assert (seen.book.bids, seen.book.asks) == (((390_005, 2_500),), ((390_010, 20_000),))


@connected
async def test_a_trade_is_told_once_at_our_clock(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with watching(exchange, venue) as (stream, seen):
        exchange.faults.on("trade", Duplicate())
        await exchange.trade(GOLD, "SELL", "0.4")
        await exchange.trade(GOLD, "BUY", "0.3")
        await seen.until(lambda: len(seen.trades) >= 2 and stream.counts["twice"])
        assert [(it.price, it.size) for it in seen.trades] == [(390_000, 4_000), (390_010, 3_000)]
        assert all(it.at <= SystemClock().now() for it in seen.trades)


@connected
async def test_after_a_gap_the_book_is_not_known_until_it_was_asked_for_again(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with watching(exchange, venue) as (stream, seen):
        answer = exchange.faults.on("GET depth", Hold())
        exchange.faults.on("depthUpdate", Drop())
        await exchange.quote(GOLD, "3901.00", "3901.10")
        await exchange.quote(GOLD, "3902.00", "3902.10")
        await seen.until(lambda: seen.is_unknown)
        assert stream.counts["gap"] == 1
        answer.release()
        await seen.until(lambda: seen.knows(390_200))
        assert len(seen.book.bids) == 5


@connected
async def test_a_lost_connection_makes_the_book_unknown_and_is_mended(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with watching(exchange, venue) as (stream, seen):
        answer = exchange.faults.on("GET depth", Hold())
        exchange.drop_sockets()
        await seen.until(lambda: seen.is_unknown)
        answer.release()
        await exchange.until(lambda: exchange.hub.has("paxgusdt@trade"))
        await seen.until(lambda: seen.knows(390_000))
        assert stream.trouble == ""


@connected
async def test_a_book_that_says_nothing_while_the_quotes_move_is_asked_for_anew(exchange: Exchange, venue: ExchangeVenue) -> None:
    quoted: list[Quote] = []
    async with watching(exchange, venue, quoted=lambda _: quoted[-1] if quoted else None) as (stream, seen):
        book = next(iter(stream._books.values()))
        quoted.append(Quote(GOLD, SystemClock().now(), 390_100, 390_110))
        await seen.until(lambda: book._disagrees)
        book._disagrees = SystemClock().now() - 2 * STALLED
        answer = exchange.faults.on("GET depth", Hold())
        await seen.until(lambda: seen.is_unknown)
        assert stream.counts["stall"] == 1
        quoted.append(Quote(GOLD, SystemClock().now(), 390_000, 390_010))
        answer.release()
        await seen.until(lambda: seen.knows(390_000))


@played
async def test_a_feed_tells_the_newest_book_and_every_trade_that_was_read_in_time(exchange: Exchange) -> None:
    feed = ExchangeFeed(address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), poll_s=0.01, paced=False)
    assert isinstance(feed, ShowsDepth)
    try:
        await feed.connect()
        depths = feed.depth([GOLD])
        first = await anext(depths)
        assert isinstance(first, Depth)
        await exchange.until(lambda: exchange.hub.has("paxgusdt@trade"))
        await exchange.trade(GOLD, "SELL", "0.4")
        told = [first]
        while not (isinstance(told[-1], Depth) and told[-1].bids[0] == (390_000, 6_000)):
            told.append(await anext(depths))
        while not any(isinstance(each, Trade) for each in told):
            told.append(await anext(depths))
        assert [each.size for each in told if isinstance(each, Trade)] == [4_000]
        waiting = asyncio.ensure_future(_rest(depths))
        await feed.close()
        assert all(not isinstance(each, Trade) for each in await waiting)
    finally:
        await feed.close()


async def _rest(depths: AsyncIterator[Depth | Trade]) -> list[Depth | Trade]:
    return [each async for each in depths]


def test_of_trades_that_nobody_reads_the_oldest_are_dropped() -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        stream = DepthStream(venue, [GOLD], random=Random(1))
        stream._print("PAXG/USDT", [_told(str(number)) for number in range(MOST_TRADES + 5)])
        first = stream.next()
        assert isinstance(first, Trade)
        assert (first.size, len(stream._trades)) == (5 * 10_000 + 10_000, MOST_TRADES - 1)

    scenario()


def _told(number: str) -> dict[str, Any]:
    amount = str(int(number) + 1)
    return {"id": number, "timestamp": None, "price": "3900.00", "amount": amount, "side": "sell"}


# --- one book and one market's trades, as the library tells them --------------------------------------------------------


def _book(bid: str, ask: str, *, nonce: int = 1, at_ms: int | None = None, levels: int = 1) -> dict[str, Any]:
    bids = [[float(bid) - number * 0.01, 1.0] for number in range(levels)]
    return {"bids": bids, "asks": [[float(ask), 2.0]], "nonce": nonce, "timestamp": at_ms}


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (_book("3900.00", "3900.10"), ""),
        (_book("3900.10", "3900.10"), "crossed"),
        (_book("3900.00", "3900.10", at_ms=1_000), "old"),
        (_book("3900.00", "3900.10", at_ms=95_000), ""),
        ({"bids": [], "asks": [[3900.1, 1.0]]}, "none"),
        (None, "none"),
    ],
)
def test_a_book_that_cannot_be_true_is_not_known(told: Any, fault: str) -> None:
    book = WatchedBook(PAXG)
    assert book.take(told, 0, 100 * SECOND) == fault
    assert bool(book.read().bids) is (fault == "")
    assert book.read().at == 100 * SECOND


def test_a_book_s_own_time_is_read_by_the_exchange_s_clock() -> None:
    book = WatchedBook(PAXG)
    assert book.take(_book("3900.00", "3900.10", at_ms=130_000), 30_000, 105 * SECOND) == ""
    assert book.take(_book("3900.00", "3900.10", at_ms=130_000), 10_000, 131 * SECOND) == "old"


def test_no_more_than_the_best_levels_are_told() -> None:
    book = WatchedBook(PAXG)
    book.take(_book("3900.00", "3900.10", levels=LEVELS + 20), 0, SECOND)
    assert len(book.read().bids) == LEVELS


def test_levels_between_two_ticks_of_ours_are_one() -> None:
    book = WatchedBook(PAXG)
    told = _book("3900.00", "3900.10") | {"bids": [[3900.004, 1.0], [3900.001, 0.5]]}
    book.take(told, 0, SECOND)
    assert book.read().bids == ((390_000, 15_000),)


def test_a_trade_between_two_ticks_reaches_no_farther_into_a_queue_than_it_went() -> None:
    prints = MarketPrints(PAXG)
    sold = prints.read({"id": "1", "price": "3900.004", "amount": "1", "side": "sell"}, 0, SECOND)
    bought = prints.read({"id": "2", "price": "3900.006", "amount": "1", "side": "buy"}, 0, SECOND)
    assert sold is not None
    assert bought is not None
    assert (sold.price, bought.price) == (390_001, 390_000)


@pytest.mark.parametrize("wrong", [{"price": None}, {"amount": "NaN"}, {"amount": "0.00001"}, {"timestamp": 1_000}])
def test_a_trade_that_cannot_be_read_or_lies_far_back_is_not_told(wrong: dict[str, Any]) -> None:
    prints = MarketPrints(PAXG)
    prints.begin(100 * SECOND)
    told = {"id": "1", "timestamp": 99_000, "price": "3900", "amount": "1", "side": "sell"}
    assert prints.read(told | wrong, 0, 100 * SECOND) is None
    good = prints.read(told | {"id": "2"}, 0, 100 * SECOND)
    assert good == Trade(GOLD, 99 * SECOND, 390_000, 10_000)
