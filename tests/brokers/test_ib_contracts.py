"""Futures at Interactive Brokers: which month is dealt in, and bars that go on over its contracts."""

from __future__ import annotations

from contextlib import aclosing
from decimal import Decimal
from typing import Any, cast

import numpy as np
import pytest

from engine.brokers.ib.broker import IbOptions
from engine.core.clock import DAY, HOUR, ManualClock, from_iso
from engine.core.errors import BrokerError, ConfigError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Timeframe
from engine.domain.order import State
from engine.market.contracts import Contract
from engine.market.rolling import Rolling, rolling_of
from engine.ports.outside import DealsInContracts
from engine.profile import load_profile
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, refusal
from tests.brokers.ib_trading import order, trading
from tests.brokers.test_ib_depth import asked, book_of, first, reading
from tests.brokers.test_ib_feed import feeding, until_bid
from tests.peers.faults import Answer
from tests.peers.tws import Peer

GC = INSTRUMENTS["GC"]
H1 = Timeframe.of("H1")
Z25, G26 = Contract.of("Z25"), Contract.of("G26")
A_WEEK_LATER = from_iso("2025-11-26T15:00:00")
"""Two sessions after December was left, by the calendar, for February."""


def by_calendar(days: int | None = None) -> Rolling:
    rolling = rolling_of(GC, days)
    assert rolling is not None
    return Rolling(GC, rolling.rule.__class__(rolling.rule.months, "days", rolling.rule.days), rolling.is_business)


def mid(peer: Peer, contract: str, at: int) -> float:
    """Where the contract's own price path stood."""
    return float(peer.venue.market.paths[peer.contract(contract).con_id].mid(at / 1e9))


def past_mid(peer: Peer, name: str, at: int) -> float:
    """The same of a contract that may be over."""
    catalogue = peer.venue.market.catalogue
    contract = next(it for it in (*catalogue.past, *catalogue.all) if it.local_symbol == name)
    return float(peer.venue.market.paths[contract.con_id].mid(at / 1e9))


@at_every_version(clock=ManualClock(A_WEEK_LATER))
async def test_bars_before_the_roll_are_the_older_contracts_moved_by_what_they_differed_in(peer: Peer) -> None:
    async with feeding(peer, ("GC",), rolling={"GC": by_calendar()}, sleep=peer.advance) as feed:
        bars = await feed.history("GC", H1, A_WEEK_LATER - 6 * DAY, A_WEEK_LATER)
        assert (feed.contract_of("GC"), isinstance(feed, DealsInContracts)) == ("G26", True)
    joint = from_iso("2025-11-23T23:00:00")
    before, after = bars.at < joint, bars.at >= joint
    last = int(bars.at[before][-1])
    own = [mid(peer, "GCG6", int(at) + HOUR) for at in bars.at[after]]
    assert np.abs(bars.close[after] - own).max() < 0.5
    shift = mid(peer, "GCG6", last + HOUR) - mid(peer, "GCZ5", last + HOUR)
    older = [mid(peer, "GCZ5", int(at) + HOUR) + shift for at in bars.at[before]]
    assert abs(shift) > 5
    assert np.abs(bars.close[before] - older).max() < 0.5
    assert (np.diff(bars.at) >= HOUR).all()


@at_the_newest_version(clock=ManualClock(A_WEEK_LATER))
async def test_contracts_that_are_over_are_asked_for_too(peer: Peer) -> None:
    begun = from_iso("2025-07-23T00:00:00")
    async with feeding(peer, ("GC",), rolling={"GC": by_calendar()}, sleep=peer.advance) as feed:
        bars = await feed.history("GC", Timeframe.of("H4"), begun, A_WEEK_LATER)
        assert not feed.lacks
    assert int(bars.at[0]) - begun < 4 * HOUR
    joint = from_iso("2025-07-27T22:00:00")
    august, december = (
        [past_mid(peer, month, int(at) + 4 * HOUR) for at in bars.at[bars.at < joint]] for month in ("GCQ5", "GCZ5")
    )
    assert len(august) > 10
    assert np.abs(np.diff(bars.close[: len(august)]) - np.diff(august)).max() < 1, "it moves as August did"
    over = bars.open[len(august)] - bars.close[len(august) - 1]
    assert over == pytest.approx(past_mid(peer, "GCZ5", int(bars.at[len(august)])) - december[-1], abs=1), (
        "and over the joint as December did"
    )


@at_the_newest_version(clock=ManualClock(A_WEEK_LATER))
async def test_a_contract_that_tws_does_not_know_any_more_lets_the_series_begin_later(peer: Peer) -> None:
    peer.venue.market.catalogue.past.clear()
    async with feeding(peer, ("GC",), rolling={"GC": by_calendar()}, sleep=peer.advance) as feed:
        bars = await feed.history("GC", Timeframe.of("H4"), from_iso("2025-07-07T00:00:00"), A_WEEK_LATER)
        (why,) = feed.lacks
    assert why.startswith("GC: bars begin at 2025-07-")
    assert "knows no such contract" in why
    assert len(bars)


@at_the_newest_version(clock=ManualClock(A_WEEK_LATER))
async def test_a_month_that_is_not_in_front_yet_counts_from_the_session_at_hand(peer: Peer) -> None:
    async with feeding(peer, ("GC",), months={"GC": "202604"}, rolling={"GC": by_calendar()}, sleep=peer.advance) as feed:
        bars = await feed.history("GC", H1, A_WEEK_LATER - 3 * DAY, A_WEEK_LATER)
        assert feed.contract_of("GC") == "J26"
    assert abs(bars.close[-1] - mid(peer, "GCJ6", A_WEEK_LATER)) < 0.5
    opened = from_iso("2025-11-25T23:00:00")
    before, at = bars.close[bars.at < opened][-1], bars.open[bars.at >= opened][0]
    shift = mid(peer, "GCJ6", opened - HOUR) - mid(peer, "GCG6", opened - HOUR)
    assert abs(shift) > 5
    assert before == pytest.approx(mid(peer, "GCJ6", opened - HOUR), abs=0.5), "as the one that comes saw it"
    assert at == pytest.approx(mid(peer, "GCJ6", opened), abs=0.5)


@at_the_newest_version()
async def test_by_volume_the_contract_that_is_traded_more_is_in_front(peer: Peer) -> None:
    async with feeding(peer, ("GC",), sleep=peer.advance) as feed:
        await feed.history("GC", H1, peer.clock.now() - DAY, peer.clock.now())
        assert feed.contract_of("GC") == "Z25"
    peer.venue.market.paths[peer.contract("GCZ5").con_id].thinness = 90
    peer.venue.market.paths[peer.contract("GCG6").con_id].thinness = 1
    async with feeding(peer, ("GC",), sleep=peer.advance) as feed:
        await feed.history("GC", H1, peer.clock.now() - DAY, peer.clock.now())
        assert feed.contract_of("GC") == "G26"


@at_the_newest_version()
async def test_without_volumes_contracts_follow_each_other_by_the_calendar(peer: Peer) -> None:
    async with feeding(peer, ("GC",), sleep=peer.advance) as feed:
        peer.faults.on("reqHistoricalData", Answer(162, "Historical Market Data Service error message:no permissions"))
        peer.faults.on("reqHistoricalData", Answer(162, "Historical Market Data Service error message:no permissions"))
        bars = await feed.history("GC", H1, peer.clock.now() - DAY, peer.clock.now())
        assert feed.contract_of("GC") == "Z25"
        assert len(bars)
        (why,) = feed.lacks
        assert "contracts follow each other by the calendar" in why


@at_every_version()
async def test_the_feed_deals_in_another_month_when_it_is_told_to(peer: Peer) -> None:
    async with (
        feeding(peer, ("GC",), months={"GC": "Z25"}) as feed,
        aclosing(cast(Any, feed.quotes(["GC"]))) as quotes,
        reading(feed, "GC") as told,
    ):
        await anext(quotes)
        await first(told, book_of("GC"))
        await feed.deal_in("GC", "G26")
        await peer.quote("GCG6", "4055", "4055.2")
        assert (await until_bid(quotes, 40550)).is_tradeable
        await first(told, lambda it: book_of("GC")(it) and it.bids[0][0] == 40550)
        assert feed.contract_of("GC") == "G26"
        await asked(peer, "cancelMktData")
        assert "knows no such contract" in await refusal(feed.deal_in("GC", "F27"))
        assert feed.contract_of("GC") == "G26"


@at_every_version()
async def test_orders_are_for_the_month_that_is_dealt_in(peer: Peer) -> None:
    async with trading(peer, ("GC",), options=IbOptions(months={"GC": "20251229"}, heartbeat_s=60)) as desk:
        assert (desk.broker.contract_of("GC"), isinstance(desk.broker, DealsInContracts)) == ("Z25", True)
        desk.submit(order("NG-1", quantity=1, symbol="GC", limit=39000))
        await desk.reaches("NG-1", State.ACCEPTED)
        with pytest.raises(BrokerError, match=r"order NG-1 for GCZ25 may still work; cancel it first"):
            await desk.broker.deal_in("GC", "G26")
        desk.cancel("NG-1")
        await desk.reaches("NG-1", State.CANCELLED)
        await desk.broker.deal_in("GC", "G26")
        desk.submit(order("NG-2", quantity=1, symbol="GC"))
        await desk.reaches("NG-2", State.FILLED)
        assert (peer.position("GCZ5"), peer.position("GCG6")) == (Decimal(0), Decimal(1))


@pytest.mark.parametrize(("said", "means"), [("Z26", "Z26"), ("z26", "Z26"), ("202612", "Z26"), ("20261229", "Z26"), ("", "")])
def test_a_profile_names_a_month_in_any_usual_writing(tmp_path: Any, said: str, means: str) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(f'[instruments.GC]\nmonth = "{said}"\nroll = "auto"\n[venues.ib]\nticks = true\n')
    profile = load_profile(path)
    assert (profile.instrument("GC").month, profile.instrument("GC").roll) == (means, "auto")
    assert (profile.instrument("MGC").month, profile.instrument("MGC").roll) == ("", "ask")
    assert profile.venue("ib").address("ib").ticks


@pytest.mark.parametrize("said", ["202613", "Y26", "December", "19991229"])
def test_a_month_that_is_none_is_refused_with_its_place(tmp_path: Any, said: str) -> None:
    path = tmp_path / "desk.toml"
    path.write_text(f'[instruments.GC]\nmonth = "{said}"\n')
    with pytest.raises(ConfigError, match=rf"instruments\.GC\.month = '{said}' is not accepted: .*as in Z25"):
        load_profile(path)
