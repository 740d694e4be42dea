"""History from Interactive Brokers, as fast as it allows and no faster."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.ib.history import History
from engine.brokers.ib.listing import find
from engine.brokers.ib.pacing import Pacing
from engine.core.clock import HOUR, MINUTE, SECOND, ManualClock
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Timeframe
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, connected, refusal
from tests.peers.faults import Answer, Drop, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message
from tests.peers.tws.pacing import Pacing as Enforced
from tests.peers.tws.peer import A_THURSDAY

GOLD = INSTRUMENTS["XAUUSD"]
M1, M5 = Timeframe.of("M1"), Timeframe.of("M5")


@at_every_version()
async def test_bars_are_whole_and_at_their_time(peer: Peer) -> None:
    async with connected(peer) as venue:
        listed = await find(venue.link, GOLD)
        history = History(venue.link, Pacing(peer.clock))
        bars = await history.bars(listed, M5, A_THURSDAY - HOUR, A_THURSDAY - 2 * MINUTE)
    assert list(bars.at) == [A_THURSDAY - HOUR + 5 * MINUTE * number for number in range(11)]
    assert (bars.low <= bars.open).all()
    assert (bars.high >= bars.close).all()
    assert (bars.volume == 0).all()
    assert np.isnan(bars.spread).all()
    assert abs(Decimal(str(bars.close[-1])) - 4000) < 40


@at_the_newest_version()
async def test_fault_41_bars_that_come_twice_or_in_disorder_are_put_right(peer: Peer) -> None:
    def muddled(message: Message) -> Message:
        head, bars = message.fields[:4], message.fields[4:]
        rows = [bars[at : at + 8] for at in range(0, len(bars), 8)]
        mixed = [*reversed(rows), rows[0]]
        return Message(message.kind, (*head[:3], len(mixed), *(field for row in mixed for field in row)))

    async with connected(peer) as venue:
        listed = await find(venue.link, GOLD)
        history = History(venue.link, Pacing(peer.clock))
        peer.faults.on("historicalData", Replace(muddled))
        bars = await history.bars(listed, M1, A_THURSDAY - 10 * MINUTE, A_THURSDAY)
    assert list(bars.at) == [A_THURSDAY - 10 * MINUTE + MINUTE * number for number in range(10)]


@at_the_newest_version()
async def test_fault_42_a_storm_of_requests_is_never_refused_by_a_strict_tws(peer: Peer) -> None:
    peer.venue.pacing.enforced = True
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await peer.advance(seconds)

    async with connected(peer) as venue:
        listed = await find(venue.link, GOLD)
        history = History(venue.link, Pacing(peer.clock), sleep)
        for number in range(70):
            until = A_THURSDAY - number % 9 * HOUR
            assert len(await history.bars(listed, M5, until - HOUR, until))
    assert len(peer.received("reqHistoricalData")) == 70
    assert 600 <= sum(slept) < 700


@at_the_newest_version()
async def test_fault_42_a_refusal_is_told_and_not_asked_for_again(peer: Peer) -> None:
    async with connected(peer) as venue:
        listed = await find(venue.link, GOLD)
        peer.faults.on(
            "reqHistoricalData", Answer(162, "Historical Market Data Service error message:API historical data query cancelled")
        )
        history = History(venue.link, Pacing(peer.clock))
        assert "(error 162:" in await refusal(history.bars(listed, M5, A_THURSDAY - HOUR, A_THURSDAY))
    assert len(peer.received("reqHistoricalData")) == 1


@at_the_newest_version()
async def test_bars_that_do_not_come_are_an_error_and_not_no_bars(peer: Peer) -> None:
    async with connected(peer, timeout=0.2) as venue:
        listed = await find(venue.link, GOLD)
        peer.faults.on("historicalData", Drop())
        history = History(venue.link, Pacing(peer.clock))
        assert "did not tell M5 bars of XAUUSD" in await refusal(history.bars(listed, M5, A_THURSDAY - HOUR, A_THURSDAY))


@at_the_newest_version()
async def test_what_one_request_cannot_bring_is_refused_before_it_is_sent(peer: Peer) -> None:
    async with connected(peer) as venue:
        listed = await find(venue.link, GOLD)
        history = History(venue.link, Pacing(peer.clock))
        with pytest.raises(UserError, match="up to seven days"):
            await history.bars(listed, M5, A_THURSDAY - 200 * HOUR, A_THURSDAY)
        with pytest.raises(UserError, match="bars of D1"):
            await history.bars(listed, Timeframe.of("D1"), A_THURSDAY - HOUR, A_THURSDAY)
    assert not peer.received("reqHistoricalData")


@given(
    st.lists(
        st.tuples(st.sampled_from([1, 2]), st.sampled_from(["BID", "BID_ASK"]), st.integers(0, 20), st.integers(0, 5)),
        max_size=120,
    )
)
def test_the_pace_kept_is_one_that_tws_allows(requests: list[tuple[int, str, int, int]]) -> None:
    clock = ManualClock(A_THURSDAY)
    kept, tws = Pacing(clock), Enforced(clock)
    tws.enforced = True
    for contract, what, term, pause in requests:
        clock.set(clock.now() + pause * SECOND)
        while delay := kept.wait(contract, what, (str(term),)):
            clock.set(clock.now() + delay)
        assert not tws.violated(contract, what, (str(term),))
