"""Live prices from Interactive Brokers: every quote in order, and nothing that makes no sense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.brokers.ib.listing import find, search
from engine.brokers.ib.quotes import QuoteStream
from engine.brokers.ib.venue import IbVenue
from engine.core.errors import BrokerError, UserError
from engine.domain.instrument import INSTRUMENTS
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, connected, refusal
from tests.peers.faults import Duplicate, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message
from tests.peers.tws.peer import A_THURSDAY

GOLD = INSTRUMENTS["XAUUSD"]


@asynccontextmanager
async def streaming(
    peer: Peer, symbol: str = "XAUUSD", month: str = "", **terms: Any
) -> AsyncIterator[tuple[IbVenue, QuoteStream]]:
    """A stream of the instrument's quotes, closed with its connection when the block ends."""
    async with connected(peer) as venue:
        stream = QuoteStream(venue.link, await find(venue.link, INSTRUMENTS[symbol], month), peer.clock, **terms)
        stream.start()
        try:
            await settled(venue)
            yield venue, stream
        finally:
            stream.close()


async def settled(venue: IbVenue) -> None:
    """Returns when everything that the peer has sent so far has arrived."""
    await venue.link.ask_alone("the time", venue.link.ib.reqCurrentTimeAsync)


async def taken(venue: IbVenue, stream: QuoteStream) -> list[tuple[int, int]]:
    """Bid and ask, in ticks, of all quotes that wait."""
    await settled(venue)
    stream.close()
    return [(it.quote.bid, it.quote.ask) async for it in stream]


@at_every_version()
async def test_quotes_come_in_ticks_and_lot_steps_with_the_clocks_time(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        first = await anext(stream)
        await peer.advance(1)
        await peer.quote("XAUUSD", "4001.10", "4001.40", bid_size=250, ask_size="37.5")
        await settled(venue)
        last = await anext(stream)
    assert (first.quote.bid, first.quote.ask, first.quote.at) == (399985, 400015, A_THURSDAY)
    assert (last.quote.symbol, last.quote.bid, last.quote.ask, last.quote.path) == ("XAUUSD", 400110, 400140, False)
    assert (last.quote.bid_size, last.quote.ask_size) == (250, 37)
    assert last.quote.at == A_THURSDAY + 1_000_000_000
    assert (first.is_tradeable, last.is_tradeable) == (True, True)
    assert not stream.quarantined


@at_every_version()
async def test_a_futures_quote_is_of_the_month_asked_for(peer: Peer) -> None:
    async with streaming(peer, "GC", "G26") as (_, stream):
        shown = peer.venue.market.quotes[peer.contract("GCG6").con_id]
        quote = (await anext(stream)).quote
        assert (quote.bid, quote.ask, quote.bid_size) == (shown.bid * 10, shown.ask * 10, 5)


@at_every_version()
async def test_fault_40_quotes_that_make_no_sense_are_kept_out_and_counted(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        for bid, ask in (("4001", "4000"), ("0", "4000"), ("-1", "4000"), ("NaN", "4000"), ("4", "5")):
            before = stream.quarantined
            await peer.quote("XAUUSD", bid, ask)
            await settled(venue)
            assert stream.quarantined > before
        await peer.quote("XAUUSD", "4002", "4002.3")
        found = await taken(venue, stream)
    assert found[-1] == (400200, 400230)
    assert all(0 < bid < ask for bid, ask in found)


@at_every_version()
async def test_a_side_that_is_emptied_ends_the_quote_until_it_is_back(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        await peer.quote("XAUUSD", "4001", "4001.3", bid_size=0)
        await settled(venue)
        assert stream.quarantined == 1
        await peer.quote("XAUUSD", "4001.1", "4001.3", bid_size=20)
        assert await taken(venue, stream) == [(399985, 400015), (400110, 400130)]


@at_the_newest_version()
async def test_a_book_that_is_crossed_between_two_ticks_only_is_no_fault(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        await peer.quote("XAUUSD", "4010", "4010.3")
        found = await taken(venue, stream)
    assert found == [(399985, 400015), (401000, 401030)]
    assert not stream.quarantined


@at_every_version(market_data="delayed")
async def test_fault_43_delayed_quotes_are_labelled_and_not_tradeable(peer: Peer) -> None:
    async with streaming(peer, accepts_delayed=True) as (_, stream):
        streamed = await anext(stream)
        assert streamed.quote.bid == 399985
        assert not streamed.is_tradeable
        assert stream.is_delayed


@at_every_version(market_data="delayed")
async def test_delayed_quotes_are_not_taken_by_who_did_not_ask_for_them(peer: Peer) -> None:
    async with streaming(peer) as (_, stream):
        assert "delayed data is not enabled (error 10168" in await refusal(anext(stream))
        assert not stream.is_tradeable


@at_every_version(market_data="none")
async def test_a_missing_subscription_is_said(peer: Peer) -> None:
    async with streaming(peer, accepts_delayed=True) as (_, stream):
        assert "has no subscription to this market data (error 354" in await refusal(anext(stream))


@at_every_version()
async def test_fault_04_a_stream_that_was_lost_is_renewed_once(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        for _ in range(2):
            await peer.lose_connectivity()
            await settled(venue)
            assert not stream.is_tradeable
            peer.faults.on("error", Duplicate())
            await peer.restore_connectivity(1101)
            await settled(venue)
        assert len(peer.received("reqMktData")) == 3
        await peer.quote("XAUUSD", "4003", "4003.3")
        assert stream.is_tradeable
        assert (await taken(venue, stream))[-1] == (400300, 400330)


@at_every_version()
async def test_fault_03_a_stream_that_was_kept_goes_on(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        await peer.lose_connectivity()
        await peer.restore_connectivity(1102)
        await peer.quote("XAUUSD", "3999.85", "4000.25")
        assert (await taken(venue, stream))[-1] == (399985, 400025)
        assert len(peer.received("reqMktData")) == 1
        assert not peer.received("reqAccountSummary")


@at_the_newest_version()
async def test_fault_44_a_slow_reader_loses_the_oldest_quotes_only(peer: Peer) -> None:
    async with streaming(peer, capacity=4) as (venue, stream):
        for number in range(20):
            await peer.quote("XAUUSD", 4000 + number, "4100")
        found = await taken(venue, stream)
    assert [bid for bid, _ in found] == [401600, 401700, 401800, 401900]
    assert stream.conflated == 18


@at_the_newest_version()
async def test_every_quote_of_a_burst_arrives_in_its_order(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        for number in range(300):
            peer.venue.market.set(peer.contract("XAUUSD"), 4000 + number, 4301, None, None)
            for session in peer.venue.sessions:
                for each in session.streams.values():
                    each.on_quote()
        found = await taken(venue, stream)
    assert [bid for bid, _ in found[-300:]] == [400000 + 100 * number for number in range(300)]
    assert not stream.conflated


@at_every_version()
async def test_the_end_of_the_connection_ends_the_stream_after_what_waits(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        await peer.drop()
        await asyncio.wait_for(venue.link.lost(), 60)
        assert (await anext(stream)).quote.bid == 399985
        assert "closed the connection" in await refusal(anext(stream))
        assert not stream.is_tradeable


@at_every_version()
async def test_a_size_that_changes_alone_is_a_quote_and_an_emptied_one_is_none(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        for size in (40, 0, 60):
            await peer.quote("XAUUSD", "3999.85", "4000.15", bid_size=size)
        await settled(venue)
        stream.close()
        sizes = [it.quote.bid_size async for it in stream]
    assert sizes == [100, 40]
    assert stream.quarantined == 1


@at_the_newest_version()
async def test_a_reader_that_waits_is_woken_by_the_next_quote(peer: Peer) -> None:
    async with streaming(peer) as (_, stream):
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await peer.quote("XAUUSD", "4001", "4001.3")
        assert (await waiting).quote.ask == 400130


@at_the_newest_version()
async def test_nothing_is_subscribed_to_over_a_connection_that_is_over(peer: Peer) -> None:
    async with connected(peer) as venue:
        stream = QuoteStream(venue.link, await find(venue.link, GOLD), peer.clock)
        await venue.close()
        with pytest.raises(BrokerError, match="connect first"):
            stream.start()
        stream.close()


@at_the_newest_version()
async def test_a_reader_that_waits_is_told_of_the_end(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await venue.close()
        assert "was closed here" in await refusal(waiting)


@at_the_newest_version()
async def test_a_stream_that_is_closed_is_unsubscribed_and_can_be_had_again(peer: Peer) -> None:
    async with streaming(peer) as (venue, stream):
        second = QuoteStream(venue.link, await find(venue.link, GOLD), peer.clock)
        with pytest.raises(BrokerError, match="is subscribed to already"):
            second.start()
        stream.close()
        stream.close()
        await settled(venue)
        assert len(peer.received("cancelMktData")) == 1
        second.start()
        await settled(venue)
        assert (await anext(second)).quote.bid == 399985
        second.close()


@at_every_version()
async def test_contracts_are_found_with_their_terms(peer: Peer) -> None:
    async with connected(peer) as venue:
        gold = await find(venue.link, GOLD)
        future = await find(venue.link, INSTRUMENTS["MGC"], "Z25")
        pair = await find(venue.link, INSTRUMENTS["EURUSD"])
        names = {it.contract.symbol for it in await search(venue.link, "GOLD") if it.contract is not None}
    assert (gold.contract.conId, gold.contract.exchange, str(gold.tick), gold.name) == (69067924, "SMART", "0.01", "XAUUSD")
    assert (gold.step is None) == (peer.venue.version < 164)
    assert (future.name, future.expiry, future.contract.multiplier) == ("MGCZ5", peer.contract("MGCZ5").expiry, "10")
    assert (pair.name, str(pair.tick), "LMT" in pair.order_types) == ("EUR.USD", "0.00005", True)
    assert names == {"XAUUSD", "GC", "MGC"}


@at_the_newest_version()
async def test_a_contract_that_is_several_or_none_is_said_in_a_sentence(peer: Peer) -> None:
    async with connected(peer) as venue:
        assert "GC is 6 contracts at" in await refusal(find(venue.link, INSTRUMENTS["GC"]))
        assert "knows no such contract (error 200" in await refusal(find(venue.link, INSTRUMENTS["GC"], "F25"))
        with pytest.raises(UserError, match="BTCUSDT is not traded through Interactive Brokers"):
            await find(venue.link, INSTRUMENTS["BTCUSDT"])


@at_the_newest_version()
async def test_a_contract_in_other_ticks_than_ours_is_refused(peer: Peer) -> None:
    def finer(message: Message) -> Message:
        return Message(message.kind, tuple("0.001" if str(it) == "0.01" else it for it in message.fields))

    async with connected(peer) as venue:
        peer.faults.on("contractDetails", Replace(finer))
        assert "is priced in 0.01 here and in 0.001" in await refusal(find(venue.link, GOLD))
