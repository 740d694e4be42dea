"""Quotes streamed through the real ccxt from the loopback exchange, also when it says nothing, nonsense or goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.stream import QuoteStream
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import SECOND, ManualClock, SystemClock
from engine.core.errors import UserError
from engine.domain.market import Quote
from tests.brokers.exchange_adapter import connected, played, venue_of
from tests.peers.exchange import Exchange, changed, crossed, stale, too_heavy
from tests.peers.faults import Drop

pytestmark = pytest.mark.xdist_group("ccxt")


class Heard:
    """What the stream told and how long it waited before it came back."""

    def __init__(self) -> None:
        self.quotes: list[Quote] = []
        self.waits: list[float] = []
        self._told = asyncio.Event()

    def tell(self, quote: Quote) -> None:
        self.quotes.append(quote)
        self._told.set()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for a quote that makes it so."""
        while not condition():
            self._told.clear()
            await self._told.wait()

    def prices(self) -> list[tuple[int, int]]:
        return [(it.bid, it.ask) for it in self.quotes]


@asynccontextmanager
async def streaming(exchange: Exchange, venue: ExchangeVenue, **more: Any) -> Any:
    """A stream of gold that is subscribed, and what it tells."""
    heard = Heard()
    stream = QuoteStream(venue, ["PAXGUSDT"], heard.tell, random=Random(1), sleep=heard.sleep, poll_s=0.01, **more)
    running = asyncio.ensure_future(stream.run())
    try:
        await exchange.until(lambda: exchange.hub.has("paxgusdt@depth@100ms" if more.get("by_book") else "paxgusdt@bookTicker"))
        yield stream, heard
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def soon(condition: Callable[[], object]) -> None:
    """Waits for what the stream does between two looks."""
    while not condition():
        await asyncio.sleep(0.001)


async def quoted(exchange: Exchange, heard: Heard, bid: str, ask: str) -> None:
    """The exchange quotes, and the stream has told it."""
    await exchange.quote("PAXGUSDT", bid, ask)
    ticks = int(Decimal(bid) * 100), int(Decimal(ask) * 100)
    await heard.until(lambda: heard.prices()[-1:] == [ticks])


@connected
async def test_a_quote_is_told_in_ticks_and_steps_as_it_changes(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue) as (stream, heard):
        assert stream.age("PAXGUSDT") is None
        assert not stream.is_fresh("PAXGUSDT")
        before = SystemClock().now()
        await quoted(exchange, heard, "3901.00", "3901.10")
        await quoted(exchange, heard, "3901.05", "3901.10")
        first, second = heard.quotes
        assert (first.symbol, first.bid, first.ask, first.bid_size, first.ask_size) == (
            "PAXGUSDT",
            390_100,
            390_110,
            10_000,
            10_000,
        )
        assert before <= first.at <= second.at
        assert stream.is_fresh("PAXGUSDT")
        assert not first.path


@connected
async def test_what_is_told_is_the_newest_when_several_changes_come_at_once(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue) as (_, heard):
        for number in range(50):
            exchange.desk.matching.street(
                "PAXGUSDT", [(Decimal(3900) + number, Decimal(1))], [(Decimal(3901) + number, Decimal(1))]
            )
        await heard.until(lambda: heard.prices()[-1:] == [(394_900, 395_000)])
        assert len(heard.quotes) <= 50


@connected
async def test_an_instrument_that_is_not_traded_there_is_refused(exchange: Exchange, venue: ExchangeVenue) -> None:
    with pytest.raises(UserError, match="Binance spot does not trade XAUUSD"):
        QuoteStream(venue, ["PAXGUSDT", "XAUUSD"], lambda quote: None, random=Random(1))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (crossed(), "crossed"),
        (changed(b="0.00000000"), "unreadable"),
        (changed(b="-3900.00000000"), "not above zero"),
        (changed(a="NaN"), "unreadable"),
        (changed(a=None), "unreadable"),
        (changed(b="4500.00000000", a="4500.10000000"), "spike"),
        (changed(b="390000.00000000", a="390000.10000000"), "implausible"),
    ],
    ids=["crossed", "zero", "negative", "nan", "none", "spike", "implausible"],
)
def test_fault_40_a_quote_that_cannot_be_is_kept_back_and_counted(fault: Any, kind: str) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        async with streaming(exchange, venue) as (stream, heard):
            await quoted(exchange, heard, "3901.00", "3901.10")
            exchange.faults.on("bookTicker", fault)
            await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
            await soon(lambda: stream.kept_back["PAXGUSDT"])
            await quoted(exchange, heard, "3903.00", "3903.10")
            assert stream.kept_back == {"PAXGUSDT": {kind: 1}}
            assert heard.prices() == [(390_100, 390_110), (390_300, 390_310)]

    scenario()


@connected
async def test_a_jump_that_three_quotes_agree_on_is_believed(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue) as (stream, heard):
        await quoted(exchange, heard, "3901.00", "3901.10")
        for number, bid in enumerate(("4500.00", "4500.10"), 1):
            await exchange.quote("PAXGUSDT", bid, "4501.00")
            await soon(lambda number=number: stream.kept_back["PAXGUSDT"]["spike"] == number)
        await quoted(exchange, heard, "4500.20", "4501.00")
        assert heard.prices() == [(390_100, 390_110), (450_020, 450_100)]


@pytest.mark.parametrize("close", [Exchange.drop_sockets, Exchange.close_sockets], ids=["dropped", "closed with 1001"])
def test_a_lost_socket_is_connected_anew_after_a_wait(close: Callable[[Exchange], None]) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        async with streaming(exchange, venue) as (stream, heard):
            await quoted(exchange, heard, "3901.00", "3901.10")
            close(exchange)
            await soon(lambda: heard.waits and exchange.hub.has("paxgusdt@bookTicker"))
            assert "cannot be reached" in stream.trouble
            await quoted(exchange, heard, "3902.00", "3902.10")
            assert (stream.counts["lost"], len(heard.waits), stream.trouble) == (1, 1, "")

    scenario()


@connected
async def test_fault_1_waits_grow_to_a_cap_are_jittered_and_short_again_after_a_quote(
    exchange: Exchange, venue: ExchangeVenue
) -> None:
    async with streaming(exchange, venue) as (_, heard):
        await quoted(exchange, heard, "3901.00", "3901.10")
        await exchange.stop()
        await soon(lambda: len(heard.waits) >= 9)
        caps = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert all(cap / 2 <= wait <= cap for wait, cap in zip(heard.waits, caps, strict=False))
        assert len({wait / cap for wait, cap in zip(heard.waits, caps, strict=False)}) == len(caps)
        await exchange.start()
        await exchange.until(lambda: exchange.hub.has("paxgusdt@bookTicker"))
        await quoted(exchange, heard, "3902.00", "3902.10")
        failures = len(heard.waits)
        exchange.drop_sockets()
        await soon(lambda: len(heard.waits) > failures)
        assert heard.waits[failures] <= 0.5


def at_the_clock(scenario: Callable[[Exchange, ExchangeVenue, ManualClock], Awaitable[None]]) -> Callable[[], None]:
    """A test whose venue goes by a clock that the test sets."""

    async def play(exchange: Exchange) -> None:
        clock = ManualClock(exchange.now_ms() * 1_000_000)
        venue = venue_of(exchange, clock=clock)
        await venue.connect()
        try:
            await scenario(exchange, venue, clock)
        finally:
            await venue.close()

    return played(play)


@at_the_clock
async def test_fault_39_a_stream_that_stalls_in_silence_is_noticed_by_the_clock_and_made_anew(
    exchange: Exchange, venue: ExchangeVenue, clock: ManualClock
) -> None:
    async with streaming(exchange, venue) as (stream, heard):
        await quoted(exchange, heard, "3901.00", "3901.10")
        exchange.stall()
        await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
        clock.set(clock.now() + 121 * SECOND)
        await exchange.until(lambda: exchange.asked("GET depth"))
        await soon(lambda: stream.counts["stall"])
        assert heard.prices()[-1] == (390_200, 390_210)
        await soon(lambda: len(heard.waits) == 1 and len(exchange.asked("SUBSCRIBE")) == 2)
        exchange.resume()
        await quoted(exchange, heard, "3903.00", "3903.10")
        assert stream.is_fresh("PAXGUSDT")


@at_the_clock
async def test_a_quiet_market_is_asked_and_its_last_quote_told_again(
    exchange: Exchange, venue: ExchangeVenue, clock: ManualClock
) -> None:
    async with streaming(exchange, venue) as (stream, heard):
        await quoted(exchange, heard, "3901.00", "3901.10")
        clock.set(clock.now() + 30 * SECOND)
        await heard.until(lambda: len(heard.quotes) == 2)
        assert heard.prices() == [(390_100, 390_110)] * 2
        assert (heard.quotes[1].at, stream.age("PAXGUSDT")) == (clock.now(), 0)
        assert (stream.counts["stall"], len(exchange.asked("GET depth"))) == (0, 1)


@at_the_clock
async def test_fault_39_a_quote_that_nobody_confirms_is_stale(
    exchange: Exchange, venue: ExchangeVenue, clock: ManualClock
) -> None:
    async with streaming(exchange, venue) as (stream, heard):
        await quoted(exchange, heard, "3901.00", "3901.10")
        exchange.stall()
        exchange.storm(too_heavy(6000, 600))
        clock.set(clock.now() + 119 * SECOND)
        await soon(lambda: stream.trouble)
        assert "was asked too often" in stream.trouble
        assert stream.is_fresh("PAXGUSDT")
        clock.set(clock.now() + 2 * SECOND)
        assert not stream.is_fresh("PAXGUSDT")
        assert len(heard.quotes) == 1


@connected
async def test_a_gap_in_the_book_is_subscribed_again_on_the_same_connection(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue, by_book=True) as (stream, heard):
        await heard.until(lambda: heard.prices() == [(390_000, 390_010)])
        await quoted(exchange, heard, "3900.00", "3900.20")
        exchange.faults.on("depthUpdate", Drop())
        await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
        await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
        await heard.until(lambda: heard.prices()[-1] == (390_200, 390_210))
        await quoted(exchange, heard, "3903.00", "3903.10")
        assert (stream.counts, heard.waits) == ({"gap": 1}, [])


@connected
async def test_a_book_that_says_it_is_old_is_kept_back(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue, by_book=True) as (stream, heard):
        await heard.until(lambda: heard.prices() == [(390_000, 390_010)])
        exchange.faults.on("depthUpdate", stale())
        await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
        await soon(lambda: stream.kept_back["PAXGUSDT"]["old"] == 1)
        await quoted(exchange, heard, "3902.00", "3902.10")
        assert heard.prices() == [(390_000, 390_010), (390_200, 390_210)]


@connected
async def test_a_book_without_a_side_is_no_quote(exchange: Exchange, venue: ExchangeVenue) -> None:
    async with streaming(exchange, venue, by_book=True) as (stream, heard):
        await heard.until(lambda: heard.prices() == [(390_000, 390_010)])
        await exchange.book("PAXGUSDT", [], [(Decimal("3900.10"), Decimal(1))])
        await soon(lambda: stream.kept_back["PAXGUSDT"]["unreadable"] == 1)
        await quoted(exchange, heard, "3902.00", "3902.10")


@connected
async def test_a_stream_that_is_cancelled_while_it_disconnects_leaves_nothing_open(
    exchange: Exchange, venue: ExchangeVenue
) -> None:
    heard, closing, clients = Heard(), asyncio.Event(), list[Any]()
    stream = QuoteStream(venue, ["PAXGUSDT"], heard.tell, random=Random(1), sleep=heard.sleep)
    make = venue.new_client

    def watched() -> Any:
        client = make()
        close = client.close
        clients.append(client)

        async def slowly() -> None:
            closing.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            await close()

        client.close = slowly
        return client

    venue.new_client = watched  # type: ignore[method-assign]  # the test counts what it makes
    running = asyncio.ensure_future(stream.run())
    await exchange.until(lambda: exchange.hub.has("paxgusdt@bookTicker"))
    exchange.drop_sockets()
    await closing.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert [client.session for client in clients] == [None]
