"""Live prices of the loopback exchange through the real ccxt, without a key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.feed import ExchangeFeed
from engine.core.clock import SystemClock
from engine.core.errors import BrokerError, UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import TIMEFRAMES, Bars
from engine.ports.outside import KeepsTrying
from tests.brokers.exchange_adapter import address, played
from tests.peers.exchange import Exchange

pytestmark = pytest.mark.xdist_group("ccxt")

NAMES = ["PAXGUSDT", "BTCUSDT"]


@asynccontextmanager
async def feeding(exchange: Exchange, **more: Any) -> AsyncIterator[ExchangeFeed]:
    feed = ExchangeFeed(address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), poll_s=0.01, paced=False, **more)
    try:
        await feed.connect()
        yield feed
    finally:
        await feed.close()


async def quoting(exchange: Exchange, quotes: Any, price: str) -> Any:
    """The first quote of gold at that price; the exchange quotes it as soon as it is listened to."""

    async def quote() -> None:
        await exchange.until(lambda: exchange.hub.has("paxgusdt@bookTicker"))
        await exchange.quote("PAXGUSDT", price, f"{price[:-1]}5")

    asking = asyncio.ensure_future(quote())
    async for each in quotes:
        if each.quote.symbol == "PAXGUSDT" and each.quote.bid == round(float(price) * 100):
            await asking
            return each
    raise AssertionError("the feed ended")


@played
async def test_prices_come_without_a_key_and_may_be_traded_on(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        assert feed.kind == "binance"
        live = await quoting(exchange, feed.quotes(NAMES), "3901.00")
        assert (live.quote.ask, live.is_tradeable, feed.trouble) == (390_105, True, "")
        assert all(request.key is None for request in exchange.requests)


@played
async def test_of_what_nobody_has_read_the_newest_of_each_instrument_is_left(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        quotes = feed.quotes(NAMES)
        await quoting(exchange, quotes, "3901.00")
        for cents in range(2, 7):
            await exchange.quote("PAXGUSDT", f"390{cents}.00", f"390{cents}.05")
            await exchange.quote("BTCUSDT", f"9000{cents}.00", f"9000{cents}.05")
        [stream] = feed._streams
        while {sieve.last.bid for sieve in stream._sieves.values() if sieve.last} != {390_600, 9_000_600}:
            await asyncio.sleep(0.001)
        read = {(await anext(quotes)).quote.bid for _ in NAMES}
        assert read == {390_600, 9_000_600}


@played
async def test_a_market_that_says_nothing_is_asked_for_its_first_price_and_the_stream_stays(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        quotes = feed.quotes(["PAXGUSDT"])
        first = await anext(quotes)
        assert exchange.asked("GET depth")
        assert await quoting(exchange, quotes, "3901.00") != first
        assert (feed.trouble, len(exchange.asked("SUBSCRIBE"))) == ("", 1)


@played
async def test_a_lost_link_is_mended_inside(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        quotes = feed.quotes(NAMES)
        await quoting(exchange, quotes, "3901.00")
        exchange.drop_sockets()
        await exchange.until(lambda: not exchange.hub.sockets)
        live = await quoting(exchange, quotes, "3902.00")
        assert live.is_tradeable


@played
async def test_history_is_asked_without_a_key(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        now = SystemClock().now()
        bars = await feed.history("PAXGUSDT", TIMEFRAMES["M1"], now - 3 * TIMEFRAMES["M1"].span, now)
        assert len(bars) <= 3


@played
async def test_closing_ends_the_quotes_and_may_be_done_twice(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        quotes = feed.quotes(NAMES)
        await quoting(exchange, quotes, "3901.00")
        waiting = asyncio.ensure_future(anext(quotes, None))
        await feed.close()
        assert await waiting is None
        await feed.close()


@played
async def test_an_instrument_that_is_not_traded_there_is_named(exchange: Exchange) -> None:
    async with feeding(exchange) as feed:
        with pytest.raises(UserError, match="does not trade XAUUSD"):
            await anext(feed.quotes(["XAUUSD"]))


@played
async def test_an_exchange_that_is_not_there_at_first_is_tried_on_and_streams_when_it_is_back(exchange: Exchange) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0.001)

    feed = ExchangeFeed(
        address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), poll_s=0.01, paced=False, sleep=sleep
    )
    assert isinstance(feed, KeepsTrying)
    await exchange.stop()
    try:
        with pytest.raises(BrokerError, match="cannot be reached"):
            await feed.connect()
        assert "cannot be reached" in feed.trouble
        with pytest.raises(BrokerError, match="cannot be reached"):
            await feed.history("PAXGUSDT", TIMEFRAMES["M1"], 0, TIMEFRAMES["M1"].span)
        quotes, depths = feed.quotes(NAMES), feed.depth(NAMES)
        first = asyncio.ensure_future(anext(depths))
        while len(waits) < 3:
            await asyncio.sleep(0.001)
        await exchange.start()
        live = await quoting(exchange, quotes, "3901.00")
        assert (live.is_tradeable, feed.trouble) == (True, "")
        assert (await first).symbol in NAMES
    finally:
        await feed.close()


@played
async def test_the_owner_s_word_tries_again_at_once(exchange: Exchange) -> None:
    async def for_ever(_seconds: float) -> None:
        await asyncio.Event().wait()

    feed = ExchangeFeed(address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), paced=False, sleep=for_ever)
    await exchange.stop()
    try:
        with pytest.raises(BrokerError):
            await feed.connect()
        await exchange.start()
        feed.resume()
        while feed.trouble:
            await asyncio.sleep(0.001)
        assert isinstance(await feed.history("PAXGUSDT", TIMEFRAMES["M1"], 0, TIMEFRAMES["M1"].span), Bars)
    finally:
        await feed.close()


@played
async def test_a_feed_that_never_came_is_closed_with_what_waits_for_it(exchange: Exchange) -> None:
    feed = ExchangeFeed(address(exchange), INSTRUMENTS, clock=SystemClock(), random=Random(1), paced=False)
    await exchange.stop()
    with pytest.raises(BrokerError):
        await feed.connect()
    waiting = [asyncio.ensure_future(anext(each, None)) for each in (feed.quotes(NAMES), feed.depth(NAMES))]
    await asyncio.sleep(0)
    await feed.close()
    assert await asyncio.gather(*waiting) == [None, None]


@played
async def test_an_exchange_that_is_not_there_is_a_sentence(exchange: Exchange) -> None:
    await exchange.stop()
    with pytest.raises(BrokerError, match="cannot be reached"):
        async with feeding(exchange):
            pass
