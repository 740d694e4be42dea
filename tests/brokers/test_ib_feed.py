"""The live feed of Interactive Brokers: it goes on over every loss, and says what it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from random import Random
from typing import Any

import numpy as np
import pytest

from engine.brokers.ib.feed import BESIDE, IbFeed
from engine.core.clock import DAY, HOUR, MINUTE
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Timeframe
from engine.ports.outside import LiveQuote
from tests.brokers.ib_adapter import address, alone, at_every_version, at_the_newest_version, refusal
from tests.brokers.ib_trading import soon
from tests.peers.faults import Answer
from tests.peers.tws import Peer
from tests.peers.tws.peer import A_THURSDAY

BOTH = ["XAUUSD", "GC"]


@asynccontextmanager
async def feeding(peer: Peer, symbols: tuple[str, ...] = ("XAUUSD",), **terms: Any) -> AsyncIterator[IbFeed]:
    """The feed, connected until the block ends."""
    instruments = {symbol: INSTRUMENTS[symbol] for symbol in symbols}
    kinds: dict[str, Any] = {"clock": peer.clock, "random": Random(2), "sleep": soon, "heartbeat_s": 60, **terms}
    feed = IbFeed(address(peer), instruments, **kinds)
    try:
        await feed.connect()
        yield feed
    finally:
        await feed.close()


async def until_bid(quotes: AsyncIterator[LiveQuote], bid: int) -> LiveQuote:
    """The next quote with this bid."""
    async for live in quotes:
        if live.quote.bid == bid:
            return live
    raise AssertionError("the quotes ended")


@at_every_version()
async def test_quotes_of_several_instruments_come_on_one_line(peer: Peer) -> None:
    async with (
        feeding(peer, ("XAUUSD", "GC", "EURUSD"), months={"GC": "G26"}) as feed,
        aclosing(feed.quotes(BOTH)) as q,
    ):
        seen = {(await anext(q)).quote.symbol for _ in range(2)}
        assert seen == set(BOTH)
        await peer.quote("XAUUSD", "4001", "4001.3")
        live = await until_bid(q, 400100)
        assert (live.quote.ask, live.is_tradeable, feed.trouble, feed.kind) == (400130, True, "", "ib")
        assert peer.clients == [1 + BESIDE]
    await alone(peer)


@at_every_version()
async def test_fault_04_after_a_lost_connection_each_instrument_is_subscribed_to_once(peer: Peer) -> None:
    async with feeding(peer, ("XAUUSD", "XAGUSD")) as feed, aclosing(feed.quotes(["XAUUSD", "XAGUSD"])) as quotes:
        for _ in range(2):
            await anext(quotes)
        await peer.drop()
        await peer.quote("XAUUSD", "4002", "4002.3")
        assert (await until_bid(quotes, 400200)).is_tradeable
        assert feed.trouble == ""
        await peer.quote("XAGUSD", "50.5", "50.52")
        await until_bid(quotes, 50500)
        assert len(peer.received("reqMktData")) == 4


@at_the_newest_version()
async def test_a_slow_reader_gets_the_newest_quote(peer: Peer) -> None:
    async with feeding(peer) as feed, aclosing(feed.quotes(["XAUUSD"])) as quotes:
        await anext(quotes)
        for number in range(50):
            await peer.quote("XAUUSD", 4010 + number, 4100)
        link = feed._link
        assert link is not None
        await link.ask_alone("the time", link.ib.reqCurrentTimeAsync)
        await soon(0)
        assert (await anext(quotes)).quote.bid == 405900


@at_every_version(market_data="delayed")
async def test_fault_43_delayed_quotes_are_labelled(peer: Peer) -> None:
    async with feeding(peer) as feed, aclosing(feed.quotes(["XAUUSD"])) as quotes:
        assert not (await anext(quotes)).is_tradeable


@at_the_newest_version(market_data="none")
async def test_a_missing_subscription_is_said_and_tried_again_until_it_is_there(peer: Peer) -> None:
    async with feeding(peer) as feed, aclosing(feed.quotes(["XAUUSD"])) as quotes:
        first = asyncio.ensure_future(anext(quotes))
        while "no subscription" not in feed.trouble:
            await asyncio.sleep(0.001)
        peer.venue.market_data = "live"
        assert (await first).is_tradeable
        assert feed.trouble == ""


@at_the_newest_version()
async def test_quotes_while_tws_has_lost_ib_are_not_tradeable(peer: Peer) -> None:
    async with feeding(peer) as feed, aclosing(feed.quotes(["XAUUSD"])) as quotes:
        await anext(quotes)
        await peer.lose_connectivity()
        while not feed.trouble:
            await asyncio.sleep(0.001)
        assert "(error 1100)" in feed.trouble
        await peer.restore_connectivity(1101)
        await peer.quote("XAUUSD", "4003", "4003.3")
        assert (await until_bid(quotes, 400300)).is_tradeable
        assert feed.trouble == ""


@at_every_version()
async def test_history_longer_than_a_request_comes_whole_and_each_bar_once(peer: Peer) -> None:
    async with feeding(peer, sleep=peer.advance) as feed:
        m1 = await feed.history("XAUUSD", Timeframe.of("M1"), A_THURSDAY - 2 * DAY, A_THURSDAY)
        h1 = await feed.history("XAUUSD", Timeframe.of("H1"), A_THURSDAY - 20 * DAY, A_THURSDAY + DAY)
    assert (np.diff(m1.at) >= MINUTE).all()
    assert (np.diff(h1.at) >= HOUR).all()
    assert (int(m1.at[0]), int(m1.at[-1])) == (A_THURSDAY - 2 * DAY, A_THURSDAY - MINUTE)
    assert int(h1.at[-1]) == A_THURSDAY - HOUR
    assert len(m1) == 2 * 23 * 60
    assert len(peer.received("reqHistoricalData")) == 3 + 3


@at_the_newest_version()
async def test_a_span_without_bars_is_empty_and_a_refusal_is_not(peer: Peer) -> None:
    async with feeding(peer) as feed:
        peer.faults.on(
            "reqHistoricalData", Answer(162, "Historical Market Data Service error message:HMDS query returned no data: XAUUSD")
        )
        assert len(await feed.history("XAUUSD", Timeframe.of("M5"), A_THURSDAY - HOUR, A_THURSDAY)) == 0
        peer.faults.on("reqHistoricalData", Answer(162, "Historical Market Data Service error message:no permissions"))
        assert "no permissions" in await refusal(feed.history("XAUUSD", Timeframe.of("M5"), A_THURSDAY - 2 * HOUR, A_THURSDAY))


@at_the_newest_version()
async def test_what_interactive_brokers_does_not_have_is_an_error_at_once(peer: Peer) -> None:
    async with feeding(peer) as feed:
        with pytest.raises(UserError, match="not traded through Interactive Brokers"):
            await anext(feed.quotes(["PAXGUSDT"]))
        with pytest.raises(UserError, match="not an instrument of this session"):
            await anext(feed.quotes(["GC"]))


@at_the_newest_version()
async def test_fault_01_a_feed_that_is_refused_goes_on_trying(peer: Peer) -> None:
    await peer.refuse()
    feed = IbFeed(address(peer), {"XAUUSD": INSTRUMENTS["XAUUSD"]}, clock=peer.clock, random=Random(2), sleep=soon)
    try:
        assert "nobody listens" in await refusal(feed.connect())
        await peer.listen()
        async with aclosing(feed.quotes(["XAUUSD"])) as quotes:
            assert (await anext(quotes)).is_tradeable
    finally:
        await feed.close()
    await feed.close()
