"""Depth, trades and ticks of Interactive Brokers: as TWS tells them, and nothing in their place where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.ib.client import BookRow
from engine.brokers.ib.depth import Row, change, is_sound, levels
from engine.brokers.ib.feed import IbFeed
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Depth, Trade
from engine.ports.outside import ShowsDepth
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version
from tests.brokers.test_ib_feed import feeding, until_bid
from tests.peers.faults import Answer
from tests.peers.tws import Peer

PATIENCE_S = 20
Told = Depth | Trade
Reading = AsyncGenerator[Told, None]


def reading(feed: IbFeed, *symbols: str) -> aclosing[Reading]:
    return aclosing(cast(Reading, feed.depth(list(symbols))))


async def first(told: Reading, holds: Callable[[Any], bool]) -> Any:
    """The next of what is told that holds."""
    async with asyncio.timeout(PATIENCE_S):
        async for each in told:
            if holds(each):
                return each
    raise AssertionError("nothing more is told")


def book_of(symbol: str) -> Callable[[Told], bool]:
    return lambda it: isinstance(it, Depth) and it.symbol == symbol and bool(it.bids)


def is_unknown(told: Told) -> bool:
    return isinstance(told, Depth) and not told.bids and not told.asks


async def asked(peer: Peer, kind: str, count: int = 1) -> None:
    """Returns when TWS was asked as often."""
    async with asyncio.timeout(PATIENCE_S):
        while len(peer.received(kind)) < count:
            await asyncio.sleep(0.001)


@at_every_version()
async def test_the_book_comes_in_ticks_and_lot_steps_the_best_first(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        assert isinstance(feed, ShowsDepth)
        await first(told, book_of("GC"))
        await peer.book("GCG6", [("4030.0", 3), ("4029.9", 7)], [("4030.2", 2), ("4030.4", 9)])
        book = await first(told, lambda it: isinstance(it, Depth) and it.bids[:1] == ((40300, 3),) and len(it.asks) == 2)
        assert (book.bids, book.asks) == (((40300, 3), (40299, 7)), ((40302, 2), (40304, 9)))
        assert not feed.lacks
        assert peer.received("reqMktDepth")[0].fields[-2] == "0", "one exchange's book"


@at_every_version()
async def test_a_book_of_several_venues_is_asked_for_where_the_contract_is_routed(peer: Peer) -> None:
    async with feeding(peer) as feed, reading(feed, "XAUUSD") as told:
        await first(told, book_of("XAUUSD"))
        await peer.book("XAUUSD", [("4000.00", 10), ("4000.00", 5), ("3999.99", 1)], [("4000.10", 8)])
        book = await first(told, lambda it: isinstance(it, Depth) and len(it.asks) == 1)
        assert book.bids == ((400000, 15), (399999, 1)), "two venues at one price are one level"
        assert peer.received("reqMktDepth")[0].fields[-2] == "1"
        assert not peer.received("reqTickByTickData"), "spot gold has no trades"


@at_every_version()
async def test_a_row_that_is_put_in_moves_those_below_it(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        await first(told, book_of("GC"))
        await peer.book("GCG6", [("4030.0", 3), ("4029.9", 7)], [("4030.2", 2)])
        await first(told, lambda it: isinstance(it, Depth) and len(it.asks) == 1)
        await peer.better("GCG6", "4030.1", 4)
        book = await first(told, lambda it: isinstance(it, Depth) and it.bids[0][0] == 40301)
        assert book.bids == ((40301, 4), (40300, 3), (40299, 7))


@at_every_version()
async def test_trades_of_others_come_each_and_in_their_order(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        await first(told, book_of("GC"))
        await asked(peer, "reqTickByTickData")
        sizes = [3, 1, 2]
        for size in sizes:
            await peer.trade("GCG6", "4031.5", size)
        found = [await first(told, lambda it: isinstance(it, Trade) and it.price == 40315) for _ in sizes]
        assert [it.size for it in found] == sizes


@at_every_version()
async def test_a_reset_empties_the_book_before_its_rows_come_again(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        before = await first(told, book_of("GC"))
        await peer.reset_depth("GCG6")
        after = await first(told, lambda it: isinstance(it, Depth) and bool(it.bids))
        assert (after.bids, after.asks) == (before.bids, before.asks), "not each row twice"
        assert len(peer.received("reqMktDepth")) == 1


@at_every_version()
async def test_fault_40_a_crossed_book_is_not_known_until_it_is_whole_again(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        await first(told, book_of("GC"))
        await peer.book("GCG6", [("4031.0", 3)], [("4030.2", 2)])
        await first(told, is_unknown)
        await peer.book("GCG6", [("4030.0", 3)], [("4030.2", 2)])
        book = await first(told, book_of("GC"))
        assert (book.bids, book.asks) == (((40300, 3),), ((40302, 2),))


@at_every_version()
async def test_more_depth_than_tws_gives_is_done_without_said_once_and_quotes_go_on(peer: Peer) -> None:
    peer.venue.most_depths = 1
    symbols = ("XAUUSD", "XAGUSD")
    async with (
        feeding(peer, symbols) as feed,
        reading(feed, *symbols) as told,
        aclosing(cast(Any, feed.quotes(list(symbols)))) as quotes,
    ):
        have = (await first(told, lambda it: isinstance(it, Depth) and bool(it.bids))).symbol
        await asked(peer, "reqMktDepth", 4)
        (why,) = feed.lacks
        assert "tells the depth of no more instruments at once (error 309" in why
        assert feed.trouble == "", "what is lacking is no reason not to trade"
        other = next(symbol for symbol in symbols if symbol != have)
        bid, ask = ("51", "51.02") if other == "XAGUSD" else ("4005", "4005.3")
        await peer.quote(other, bid, ask)
        assert (await until_bid(quotes, INSTRUMENTS[other].exact_ticks(bid))).is_tradeable


@at_the_newest_version()
async def test_a_place_that_becomes_free_is_taken(peer: Peer) -> None:
    peer.venue.most_depths = 0
    async with feeding(peer) as feed, reading(feed, "XAUUSD") as told:
        coming = asyncio.ensure_future(first(told, book_of("XAUUSD")))
        await asked(peer, "reqMktDepth", 2)
        peer.venue.most_depths = 1
        assert (await coming).bids


@at_the_newest_version()
async def test_depth_without_a_subscription_is_said(peer: Peer) -> None:
    for _ in range(500):
        peer.faults.on("reqMktDepth", Answer(10092, "Deep market data is not supported for this combination"))
    async with feeding(peer) as feed, reading(feed, "XAUUSD") as told:
        coming = asyncio.ensure_future(anext(told))
        await asked(peer, "reqMktDepth", 3)
        (why,) = feed.lacks
        assert "has no depth of this contract (error 10092" in why
        coming.cancel()
        await asyncio.wait([coming])


@at_every_version()
async def test_fault_04_depth_is_not_known_while_ib_is_away_and_asked_for_again(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        await first(told, book_of("GC"))
        await asked(peer, "reqTickByTickData")
        await peer.lose_connectivity()
        await first(told, is_unknown)
        await peer.restore_connectivity(1101)
        await first(told, book_of("GC"))
        await asked(peer, "reqTickByTickData", 2)
        await peer.trade("GCG6", "4031.5", 3)
        assert (await first(told, lambda it: isinstance(it, Trade) and it.price == 40315)).size == 3
        assert (len(peer.received("reqMktDepth")), len(peer.received("reqTickByTickData"))) == (2, 2)


@at_every_version()
async def test_fault_03_after_an_outage_the_book_is_asked_for_anew_though_tws_has_kept_the_data(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed, reading(feed, "GC") as told:
        await first(told, book_of("GC"))
        await peer.book("GCG6", [("4030.0", 3), ("4029.9", 7)], [("4030.2", 2), ("4030.4", 9)])
        await first(told, lambda it: isinstance(it, Depth) and len(it.asks) == 2)
        await peer.lose_connectivity()
        await first(told, is_unknown)
        await peer.restore_connectivity(1102)
        await peer.book("GCG6", [("4030.0", 3), ("4029.9", 8)], [("4030.2", 2), ("4030.4", 5)])
        book = await first(told, lambda it: book_of("GC")(it) and it.bids[-1][1] == 8 and it.asks[-1][1] == 5)
        assert (book.bids, book.asks) == (((40300, 3), (40299, 8)), ((40302, 2), (40304, 5)))
        assert (len(peer.received("reqMktDepth")), len(peer.received("cancelMktDepth"))) == (2, 1)


@at_every_version()
async def test_fault_02_a_lost_connection_empties_the_book_and_the_next_one_fills_it(peer: Peer) -> None:
    async with feeding(peer) as feed, reading(feed, "XAUUSD") as told:
        await first(told, book_of("XAUUSD"))
        await peer.drop()
        await first(told, is_unknown)
        assert (await first(told, book_of("XAUUSD"))).bids
        assert not feed.lacks


@at_the_newest_version()
async def test_depth_that_is_no_longer_read_is_unsubscribed(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "G26"}) as feed:
        async with reading(feed, "GC") as told:
            await first(told, book_of("GC"))
            await asked(peer, "reqTickByTickData")
        await asked(peer, "cancelMktDepth")
        await asked(peer, "cancelTickByTickData")
        with pytest.raises(UserError, match="not an instrument of this session"):
            feed.depth(["XAUUSD"])


@at_every_version()
async def test_quotes_tick_by_tick_are_every_quote(peer: Peer) -> None:
    async with feeding(peer, ticks=True) as feed, aclosing(cast(Any, feed.quotes(["XAUUSD"]))) as quotes:
        await anext(quotes)
        await peer.quote("XAUUSD", "4001", "4000")
        await peer.quote("XAUUSD", "4001", "4001.30", bid_size=7, ask_size=9)
        live = await until_bid(quotes, 400100)
        assert (live.quote.ask, live.quote.bid_size, live.quote.ask_size, live.is_tradeable) == (400130, 7, 9, True)
        assert feed.quarantined == 1
        assert not peer.received("reqMktData")


@at_every_version()
async def test_quotes_are_streamed_where_no_more_ticks_are_given(peer: Peer) -> None:
    peer.venue.most_ticks = 1
    symbols = ["XAUUSD", "XAGUSD"]
    async with feeding(peer, ("XAUUSD", "XAGUSD"), ticks=True) as feed, aclosing(cast(Any, feed.quotes(symbols))) as quotes:
        seen = {(await anext(quotes)).quote.symbol for _ in range(2)}
        assert seen == set(symbols)
        (why,) = feed.lacks
        assert "ticks one by one of no more instruments at once (error 10190" in why
        assert "streamed instead" in why
        assert (feed.trouble, len(peer.received("reqMktData"))) == ("", 1)
    await asked(peer, "cancelMktData")
    await asked(peer, "cancelTickByTickData")


@at_every_version(market_data="delayed")
async def test_fault_43_ticks_that_are_refused_are_delayed_quotes_where_only_those_are_had(peer: Peer) -> None:
    async with feeding(peer, ticks=True) as feed, aclosing(cast(Any, feed.quotes(["XAUUSD"]))) as quotes:
        assert not (await anext(quotes)).is_tradeable


GOLD = INSTRUMENTS["GC"]


@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 2), st.floats(4000, 4001), st.floats(1, 50)),
        max_size=40,
    )
)
def test_any_rows_leave_a_side_with_as_many_as_were_put_in_and_not_taken_out(rows: list[tuple[int, int, float, float]]) -> None:
    side: list[Row] = []
    count = 0
    for position, operation, price, size in rows:
        is_there = position < count
        count += (operation == 0) or (operation == 1 and not is_there)
        count -= operation == 2 and is_there
        change(side, BookRow(position, operation, 1, price, size))
    assert len(side) == count


@pytest.mark.parametrize(
    "rows",
    [[Row(float("nan"), 1)], [Row(4000, 0)], [Row(-1, 2)], [Row(1e9, 2)], [Row(4000, 2), Row(4000, float("inf"))]],
)
def test_fault_40_a_side_with_an_impossible_row_is_no_side(rows: list[Row]) -> None:
    assert levels(rows, GOLD) == ()


def test_a_book_gets_worse_row_by_row() -> None:
    assert is_sound([(100, 1), (99, 1)], [(101, 1), (103, 1)])
    assert is_sound([(100, 1)], [(100, 1)]), "locked is no fault"
    assert not is_sound([(99, 1), (100, 1)], [(101, 1)])
    assert not is_sound([(100, 1)], [(103, 1), (101, 1)])
    assert not is_sound([(102, 1)], [(101, 1)])
    assert not is_sound([], [(101, 1)])
