"""Futures of a live session: the contract that is left, what is said and refused before, and the roll of what is held."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.ib.feed import IbFeed
from engine.config import AccountSection, Config, LimitsSection
from engine.core.clock import HOUR, SystemClock
from engine.domain import facts as f
from engine.domain.intents import ChooseProtection, Halt, Intent, Roll, SubmitOrder
from engine.domain.market import Timeframe
from engine.domain.order import Role
from engine.domain.shipped import shipped_instrument
from engine.live import contracts
from engine.live.contracts import _left_at
from engine.live.opening import live_session
from engine.live.session import LiveSession
from engine.market.contracts import Contract, contracts_from, front
from engine.market.rolling import rolling_of
from engine.profile import InstrumentSection, Profile, SessionSection, VenueSection
from engine.request import Request
from engine.signals.desk import Mode
from tests.peers.faults import Answer
from tests.peers.tws import Peer

PATIENCE_S = 30
GC = shipped_instrument("GC")


@dataclass(frozen=True)
class Months:
    """Two contracts of today, and in how many business days the first of them has its first notice."""

    out: Contract
    into: Contract
    notice_in: int


def months() -> Months:
    rolling = rolling_of(GC, 0)
    assert rolling is not None
    now = SystemClock().now()
    out = front(rolling.trading_day(now), rolling.rule, rolling.is_business)
    return Months(out, rolling.follower(out), rolling.days_left(out, now))


NOW = months()
OUT, INTO = f"GC{NOW.out.code}", f"GC{NOW.into.code}"


def begin_today() -> None:
    """The trading day may have changed since this module was read."""
    global NOW, OUT, INTO
    NOW = months()
    OUT, INTO = f"GC{NOW.out.code}", f"GC{NOW.into.code}"


def local(contract: Contract) -> str:
    """What IB calls it."""
    return f"GC{contract.code[0]}{contract.code[-1]}"


@dataclass
class Desk:
    session: LiveSession
    peer: Peer
    facts: list[f.Fact]

    def do(self, intent: Intent) -> list[f.Fact]:
        return [record.fact for record in self.session.do(intent)]

    def told(self, kind: type[Any]) -> list[Any]:
        return [it for it in self.facts if isinstance(it, kind)]

    def on_record(self, kind: type[Any]) -> list[Any]:
        """What the database has of it."""
        return [it.fact for it in self.session.journal.records() if isinstance(it.fact, kind)]

    @property
    def stops(self) -> list[int | None]:
        """The prices of stops that stand."""
        return [it.stop for it in self.session.pipeline.register.all_live() if it.role is Role.STOP]

    @property
    def report(self) -> str:
        venue = self.session.picture().venue
        assert venue is not None
        return "\n".join(venue.report)

    async def until(self, holds: Any, what: str = "") -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            pytest.fail(
                f"waited in vain for {what}: {self.session.obstacles('GC')}, {[str(it) for it in self.told(f.Fact)][-12:]}"
            )

    async def quotes(self) -> None:
        """Both contracts stand somewhere: the later one costs 20 more."""
        await self.peer.quote(local(NOW.out), "4000.0", "4000.2")
        await self.peer.quote(local(NOW.into), "4020.0", "4020.2")


@asynccontextmanager
async def desk_at(peer: Peer, folder: Path, broker: str = "ib", patience: float = 25.0, **section: Any) -> AsyncIterator[Desk]:
    venue = VenueSection(host=peer.host, port=peer.port, client_id=1, timeout=5.0)
    profile = Profile(
        venues={"ib": venue},
        instruments={"GC": InstrumentSection(**section)},
        session=SessionSection(patience=patience, reconcile_every=30.0, look_every=0.1, history_bars=200),
    )
    request = Request(
        db=f"sqlite:///{(folder / 'books.db').as_posix()}",
        models=folder / "models",
        instrument=GC,
        timeframe=Timeframe.of("M1"),
        config=Config(account=AccountSection(balance=10_000_000), limits=LimitsSection(sessions="ignore", duplicate_window_s=0)),
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed="ib",
        broker=broker,
        profile=profile,
    )
    faults: list[Exception] = []
    stop = asyncio.Event()
    async with live_session(request, faults.append) as opened:
        facts = [it.fact for it in opened.session.journal.records()]
        opened.session.pipeline.subscribers.append(lambda it: facts.append(it.fact))
        running = asyncio.ensure_future(opened.session.run(stop))
        desk = Desk(opened.session, peer, facts)
        try:
            yield desk
        finally:
            stop.set()
            await running
    assert faults == []


def at_tws(scenario: Any) -> Any:
    """A test of a scenario with a TWS of today that is always open."""

    async def play(folder: Path) -> None:
        async with asyncio.timeout(120), Peer(clock=SystemClock(), always_open=True) as peer:
            await scenario(peer, folder)

    def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        logging.getLogger("ib_async").setLevel(logging.CRITICAL)
        monkeypatch.setattr("engine.live.rolling.is_market_open", lambda *_: True)
        begin_today()
        asyncio.run(play(tmp_path))

    test.__name__ = scenario.__name__
    return test


def test_at_every_hour_of_two_years_the_contract_that_is_not_left_yet_is_the_one_in_front() -> None:
    early, now = [rolling_of(GC, days) for days in (0, 3)], SystemClock().now()
    for at in range(now, now + 2 * 365 * 24 * HOUR, 7 * HOUR):
        for rolling in early:
            assert rolling is not None
            dealt = rolling.in_front(at)
            assert at < _left_at(rolling, dealt)
            before = next(it for it in contracts_from(dealt.year - 1, rolling.rule) if rolling.follower(it) == dealt)
            assert at >= _left_at(rolling, before)


@at_tws
async def test_the_contract_that_is_dealt_in_is_on_record_and_named_days_before_it_is_left(peer: Peer, folder: Path) -> None:
    early = NOW.notice_in - 1
    async with desk_at(peer, folder, days=early, warn_days=5) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.told(f.ContractChosen), "the contract")
        assert [it.contract for it in desk.told(f.ContractChosen)] == [NOW.out.code]
        await desk.until(lambda: not any(desk.session.obstacles("GC")), "trading")
        assert f"{OUT} is left on" in desk.report
        assert f"in 1 business day: {INTO} is dealt in then" in desk.report


@at_tws
async def test_nothing_is_opened_in_a_named_contract_that_was_left_and_the_next_one_is_named(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, days=NOW.notice_in, month=NOW.out.code) as desk:
        await desk.quotes()
        await desk.until(lambda: "was left on" in desk.session.obstacles("GC")[0], "the objection")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        (denied,) = [it for it in desk.do(SubmitOrder("GC", "buy", "market", 1)) if isinstance(it, f.OrderDenied)]
        assert f"{OUT} was left on" in denied.reason
        assert f"trade {INTO} instead" in denied.reason
        assert not peer.received("placeOrder")


@at_tws
async def test_a_position_is_rolled_at_its_owners_word_with_its_stop_moved_by_the_spread(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 2, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 2, "the position")
        await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        desk.do(ChooseProtection("GC", "attach"))
        await desk.until(lambda: len(peer.orders) == 1 and desk.stops, "the stop")
        (stop,) = desk.stops
        assert stop is not None
        assert f"what is held is rolled into {INTO} at your word" in desk.report
        assert not [it for it in desk.do(Roll("GC")) if isinstance(it, f.IntentRefused)]
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        (begun,), (over,) = desk.told(f.RollBegun), desk.told(f.RollEnded)
        assert (begun.out, begun.into, begun.quantity, begun.spread, begun.by) == (NOW.out.code, NOW.into.code, 2, 200, "owner")
        assert begun.stop == stop + 200
        assert over.is_whole, over.reason
        assert (over.contract, over.quantity) == (NOW.into.code, 2)
        await desk.until(lambda: desk.stops == [stop + 200], "the new stop")
        assert (peer.position(local(NOW.out)), peer.position(local(NOW.into))) == (Decimal(0), Decimal(2))
        assert [it.contract for it in desk.told(f.ContractChosen)] == [NOW.out.code, NOW.into.code]


@at_tws
async def test_a_roll_is_opened_in_the_new_contract_however_late_the_feed_goes_over(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 1, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 1, "the position")
        await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        feed = desk.session.feed
        assert isinstance(feed, IbFeed)
        goes_over = feed.deal_in

        async def late(symbol: str, contract: str) -> None:
            await asyncio.sleep(2.5 * contracts.LOOK_S)  # the broker is there already: contracts are looked after meanwhile
            await goes_over(symbol, contract)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feed, "deal_in", late)
            assert not [it for it in desk.do(Roll("GC")) if isinstance(it, f.IntentRefused)]
            await desk.until(lambda: desk.told(f.RollEnded), "the end")
        (over,) = desk.told(f.RollEnded)
        assert (over.is_whole, over.contract) == (True, NOW.into.code), over.reason
        assert (peer.position(local(NOW.out)), peer.position(local(NOW.into))) == (Decimal(0), Decimal(1))


@at_tws
async def test_a_roll_whose_new_contract_has_no_price_is_not_begun(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 1, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 1, "the position")
        await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        peer.faults.on("reqMktData", Answer(354, "Requested market data is not subscribed."))
        assert not [it for it in desk.do(Roll("GC")) if isinstance(it, f.IntentRefused)]
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        assert not desk.told(f.RollBegun)
        (over,) = desk.told(f.RollEnded)
        assert (over.is_whole, over.quantity, over.contract) == (False, 1, NOW.out.code)
        assert "has no subscription" in over.reason
        assert peer.position(local(NOW.out)) == 1


@at_tws
async def test_a_halt_while_the_new_contract_is_looked_at_leaves_what_is_held(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 1, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 1, "the position")
        await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        looked_at = desk.session.feed.quote_of

        async def halted(symbol: str, contract: str) -> Any:
            desk.do(Halt())
            return await looked_at(symbol, contract)

        desk.session.feed.quote_of = halted
        assert not [it for it in desk.do(Roll("GC")) if isinstance(it, f.IntentRefused)]
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        (over,) = desk.told(f.RollEnded)
        assert (over.is_whole, over.quantity) == (False, 1)
        assert "trading is HALTED: what is closed could not be opened again" in over.reason
        assert not peer.received("placeOrder")


@at_tws
async def test_of_several_stops_the_closest_goes_over_all_that_is_rolled(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, "paper", days=NOW.notice_in - 1) as desk:
        await desk.quotes()
        await desk.until(lambda: not any(desk.session.obstacles("GC")), "trading")
        for stop in (39_000, 39_500):
            desk.do(SubmitOrder("GC", "buy", "market", 1, stop_loss=stop))
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 2, "the position")
        assert (await desk.session.rolls.foresee("GC")).stop == 39_700


@at_tws
async def test_a_roll_that_cannot_be_opened_leaves_nothing_held_and_says_so(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 1, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 1, "the position")
        await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
        await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
        refused = Answer(354, "Requested market data is not subscribed.")

        def cut_off(record: f.Record) -> None:
            if isinstance(record.fact, f.RollBegun):  # it was looked at before, and is not streamed after
                peer.faults.on("reqMktData", refused, times=None)
            elif isinstance(record.fact, f.PositionChanged) and not record.fact.quantity:  # from here on it waits in vain
                desk.session.rolls._patience_s = 0.5

        desk.session.pipeline.subscribers.append(cut_off)
        assert not [it for it in desk.do(Roll("GC")) if isinstance(it, f.IntentRefused)]
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        (over,) = desk.told(f.RollEnded)
        assert (over.is_whole, over.quantity, over.contract) == (False, 0, NOW.into.code)
        assert "was closed and nothing is held" in over.reason
        assert (peer.position(local(NOW.out)), peer.position(local(NOW.into))) == (Decimal(0), Decimal(0))
        assert not desk.stops


@at_tws
async def test_by_the_profile_a_position_is_rolled_on_the_day_and_again_nothing_is_done_after(peer: Peer, folder: Path) -> None:
    await peer.hold(local(NOW.out), 1, 4000)
    async with desk_at(peer, folder, days=NOW.notice_in, roll="auto") as desk:
        await desk.quotes()
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        (over,) = desk.told(f.RollEnded)
        assert over.is_whole, over.reason
        assert desk.told(f.RollBegun)[0].by == "profile"
        assert (peer.position(local(NOW.out)), peer.position(local(NOW.into))) == (Decimal(0), Decimal(1))
        (refused,) = [it for it in desk.do(Roll("XAUUSD")) if isinstance(it, f.IntentRefused)]
        assert "there is nothing to roll" in refused.reason


@at_tws
async def test_while_nothing_is_held_the_next_contract_is_gone_over_to_by_itself(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, "paper", days=NOW.notice_in - 1) as desk:
        await desk.until(lambda: desk.told(f.ContractChosen), "the contract")
        assert desk.told(f.ContractChosen)[0].contract == NOW.out.code
        await desk.quotes()
    async with desk_at(peer, folder, "paper", days=NOW.notice_in) as desk:
        await desk.until(lambda: len(desk.told(f.ContractChosen)) == 2, "the next contract")
        assert desk.told(f.ContractChosen)[-1].contract == NOW.into.code
        await desk.until(lambda: not any(desk.session.obstacles("GC")), "trading in it")
        await desk.until(lambda: desk.session.pipeline.book.last["GC"].bid == 40200, "its price")


@at_tws
async def test_on_paper_a_book_goes_on_in_the_contract_that_it_holds(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, "paper", days=NOW.notice_in - 1) as desk:
        await desk.quotes()
        await desk.until(lambda: not any(desk.session.obstacles("GC")), "trading")
        desk.do(SubmitOrder("GC", "buy", "market", 1, stop_loss=39000))
        await peer.quote(local(NOW.out), "4000.0", "4000.3")
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 1, "the fill")
    async with desk_at(peer, folder, "paper", days=NOW.notice_in, roll="off") as desk:
        await peer.quote(local(NOW.out), "4001.0", "4001.3")
        await desk.until(lambda: "was left on" in desk.session.obstacles("GC")[0], "prices of what is held")
        assert desk.session.contracts.dealt("GC") == NOW.out
        assert desk.session.pipeline.book.last["GC"].bid == 40010
        assert f"close what is held, or roll it into {INTO} by hand" in desk.report
        assert desk.session.pipeline.ledger.position("GC") == 1


@at_tws
async def test_a_roll_that_a_crash_broke_off_is_told_so_when_the_book_is_opened_again(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, "paper", days=NOW.notice_in - 1) as desk:
        desk.session.record(f.RollBegun("GC", NOW.out.code, NOW.into.code, 2, 200, 39_000, None, "owner"))
    for _ in range(2):
        async with desk_at(peer, folder, "paper", days=NOW.notice_in - 1) as desk:
            await desk.until(lambda: desk.on_record(f.RollEnded), "the end on record")
            (over,) = desk.on_record(f.RollEnded)
            assert (over.quantity, over.is_whole) == (0, False)
            assert "the program ended on the way" in over.reason
