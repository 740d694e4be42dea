"""Faults 39 to 45: prices that are old, wrong, missing, late, too many, or another thing's."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import DAY, MINUTE, SECOND, SystemClock, from_iso
from engine.core.errors import BrokerError, FeedError
from engine.core.steady import SteadyClock
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, ClosePosition, SubmitOrder
from engine.domain.market import Quote, Timeframe
from engine.host import Host
from engine.live import opening
from engine.ports.outside import LiveQuote
from engine.profile import VenueSection
from engine.signals.desk import Mode
from tests.catalogue.rig import at_exchange, at_tws, exchanged, session_at
from tests.catalogue.rig import played as at_a_tws
from tests.catalogue.timed import LEVEL, Machine, timed
from tests.live.rig import GOLD, Ticker, on_paper, paper_request, played
from tests.peers.exchange import Exchange
from tests.peers.exchange.faults import crossed
from tests.peers.faults import Answer
from tests.peers.tws import Peer

TUESDAY = from_iso("2024-06-11T12:00:30")
BUY = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)
LIMIT = SubmitOrder(GOLD, "buy", "limit", 1, price=390_000, stop_loss=389_000)
MANY = 30_000

UNHURRIED = {"timeout": 30.0}
"""Of a venue whose answers are not late because the machine is busy."""


@pytest.mark.parametrize(
    ("silences", "signals"), [((20, 200), 0), ((200, 20), 1), ((20, 20), 1)], ids=["goes stale", "is fresh again", "stays fresh"]
)
def test_fault_39_no_signal_is_made_on_a_bar_that_ends_with_a_stale_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silences: tuple[int, int], signals: int
) -> None:
    @played
    async def scenario(folder: Path, patch: pytest.MonkeyPatch) -> None:
        async with timed(folder, patch, TUESDAY, Mode.AUTO, timeframe="M5") as desk:
            for bid, silence in zip((LEVEL - 100, LEVEL + 900), silences, strict=True):
                end = desk.machine.wall // (5 * MINUTE) * 5 * MINUTE + 5 * MINUTE
                await desk.waits(end - desk.machine.wall - silence * SECOND)
                await desk.seen(bid)
                await desk.waits(end - desk.machine.wall)
            assert len(desk.told(f.SignalEmitted)) == signals
            await desk.waits(2 * MINUTE)
            (denied,) = [fact for fact in desk.do(BUY) if isinstance(fact, f.OrderDenied)]
            assert "s old" in denied.reason

    scenario(tmp_path, monkeypatch)


@at_a_tws
async def test_fault_40_at_tws_nonsense_and_spikes_are_counted_and_never_seen_by_the_engine(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        seen: set[tuple[int, int]] = set()
        # listens in on the line
        desk.session.pipeline.on_quote = _noting(desk.session.pipeline.on_quote, seen)  # type: ignore[method-assign]
        feed: Any = desk.session.feed
        for bid, ask in (("4001", "3990"), ("0", "4000"), ("-1", "4000"), ("NaN", "4000"), ("4600", "4600.3")):
            before = feed.quarantined
            await peer.quote(GOLD, bid, ask)
            await desk.until(lambda before=before: feed.quarantined > before, f"{bid} {ask} was kept out")
        await peer.quote(GOLD, "4002.00", "4002.30")
        await desk.until(lambda: (400_200, 400_230) in seen)
        assert all(400_000 <= bid <= ask <= 400_230 for bid, ask in seen)
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert desk.facts(f.OrderFilled)[0].price == 400_230


@exchanged
async def test_fault_40_at_an_exchange_crossed_books_and_spikes_are_never_seen_by_the_engine(
    exchange: Exchange, folder: Path
) -> None:
    async with at_exchange(exchange, folder) as desk:
        await desk.ready()
        seen: set[tuple[int, int]] = set()
        # listens in on the line
        desk.session.pipeline.on_quote = _noting(desk.session.pipeline.on_quote, seen)  # type: ignore[method-assign]
        feed: Any = desk.session.feed
        await exchange.quote("PAXGUSDT", "4600.00", "4600.10", depth=100)
        await desk.until(lambda: feed.quarantined, "a spike was kept out")
        before = feed.quarantined
        exchange.faults.on("bookTicker", crossed())
        await exchange.quote("PAXGUSDT", "4001.00", "4001.10", depth=100)
        await desk.until(lambda: feed.quarantined > before, "a crossed book was kept out")
        await exchange.quote("PAXGUSDT", "4002.00", "4002.10", depth=100)
        await desk.until(lambda: (400_200, 400_210) in seen)
        assert all(0 < bid <= ask <= 400_210 for bid, ask in seen)


@played
async def test_fault_40_what_a_feed_lets_through_the_engine_keeps_out_itself(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        for bid, ask in ((400_100, 400_000), (0, 400_000), (-5, 400_000)):
            desk.feed.say(bid, ask)
        desk.feed.say(400_020, 400_050)
        book = desk.session.pipeline.book
        await desk.until(lambda: book.last[GOLD].bid == 400_020)
        assert book.quarantined == {GOLD: 3}
        assert desk.session.pipeline.ledger.position(GOLD) == 2


@played
async def test_fault_41_quotes_that_come_twice_or_late_make_the_same_bar(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with timed(folder, patch, TUESDAY) as desk:
        bars: list[Any] = []
        desk.session.pipeline.on_bar.append(lambda _symbol, bar, _worth: bars.append(bar))
        await desk.minutes(LEVEL)
        late = Quote(GOLD, desk.machine.now() - 3 * MINUTE, LEVEL - 50, LEVEL - 20)
        await desk.waits(SECOND)
        for quote in (late, late, late._replace(at=late.at - MINUTE)):
            count = desk.session.quotes
            desk.market._waiting.put_nowait(LiveQuote(quote))
            await desk.until(lambda count=count: desk.session.quotes > count)
        await desk.minutes(LEVEL + 10)
        assert [bar.at for bar in bars] == [TUESDAY // MINUTE * MINUTE + number * MINUTE for number in range(1, len(bars) + 1)]
        assert bars[1].low == (LEVEL - 50) / 100
        assert desk.told(f.AlertRaised) == []


@played
async def test_fault_41_a_gap_in_bars_is_said_asked_for_once_and_nothing_is_proposed_before_it_is_filled(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY, Mode.AUTO) as desk:
        await desk.minutes(LEVEL - 100)
        await desk.waits(10 * MINUTE)
        desk.market.refusal = FeedError("history is out of reach")
        asked = len(desk.market.asked)
        await desk.minutes(LEVEL + 900)
        assert desk.told(f.SignalEmitted) == []
        (said,) = desk.told(f.AlertRaised)
        assert said.cause == "break in bars"
        await desk.until(lambda: len(desk.market.asked) == asked + 1)
        desk.market.refusal = None
        await desk.minutes(LEVEL)
        await desk.until(lambda: not desk.session.pipeline.broken)
        assert len(desk.market.asked) == asked + 2
        lane = desk.session.pipeline.lanes[GOLD]
        assert lane.features.count >= 200


def test_fault_42_history_is_asked_for_so_slowly_that_tws_never_says_162(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        machine = Machine(SystemClock().now())
        monkeypatch.setattr(opening, "SteadyClock", lambda: SteadyClock(machine))
        async with asyncio.timeout(180), Peer(clock=machine, always_open=True) as peer:
            peer.venue.pacing.enforced = True
            async with at_tws(peer, tmp_path, venue=UNHURRIED) as desk:
                feed: Any = desk.session.feed
                waited: list[float] = []

                async def sleep(seconds: float) -> None:
                    waited.append(seconds)
                    machine.pass_time(int(seconds * SECOND) + 1)

                feed._sleep = sleep
                until = machine.now() // MINUTE * MINUTE
                spans = [(until - (200 + number) * MINUTE, until) for number in range(70)]
                before = len(peer.received("reqHistoricalData"))
                for since, end in (*spans, spans[-1], spans[-1]):
                    await desk.session.feed.history(GOLD, Timeframe.of("M1"), since, end)
                assert len(peer.received("reqHistoricalData")) == before + 72
                assert waited
                assert machine.now() > until + 10 * MINUTE
                assert not [sent for sent in peer.sent("error") if "162" in str(sent)]

    asyncio.run(play())


@at_a_tws
async def test_fault_42_a_refusal_of_history_is_not_asked_again_at_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, venue=UNHURRIED) as desk:
        await desk.ready()
        before = len(peer.received("reqHistoricalData"))
        refusal = "Historical Market Data Service error message: pacing violation"
        peer.faults.on("reqHistoricalData", Answer(162, refusal), times=None)
        until = desk.session.clock.now()
        with pytest.raises(BrokerError, match="162"):
            await desk.session.feed.history(GOLD, Timeframe.of("M1"), until - 150 * MINUTE, until)
        assert len(peer.received("reqHistoricalData")) == before + 1


def test_fault_43_delayed_prices_are_labelled_and_nothing_is_traded_on_them(tmp_path: Path) -> None:
    async def play() -> None:
        delayed = Peer(clock=SystemClock(), always_open=True, market_data="delayed")
        async with asyncio.timeout(180), delayed as peer, at_tws(peer, tmp_path) as desk:
            await desk.until(lambda: "delayed" in desk.session.obstacles(GOLD)[0])
            (denied,) = [fact for fact in desk.do(BUY) if isinstance(fact, f.OrderDenied)]
            assert "delayed" in denied.reason
            view = desk.session.picture()
            assert view.venue is not None
            assert "delayed" in dict(view.venue.blocked)[GOLD]
            assert [quote.bid for quote in view.quotes] == [400_000]
            assert desk.wire.seen == []

    asyncio.run(play())


@played
async def test_fault_44_every_quote_of_a_flood_is_taken_and_every_order_event_is_on_record(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch, orders_per_minute=1_000) as desk:
        await desk.ready()
        before, names = desk.session.quotes, []
        for number in range(MANY):
            desk.feed.say(400_000 + number % 7, 400_030 + number % 7)
        while desk.session.quotes < before + MANY:
            names += [it.order for it in desk.do(LIMIT) if isinstance(it, f.OrderIntended) and it.role == "entry"]
            await asyncio.sleep(0)
            if desk.session.pipeline.register[names[-1]].state.value == "ACCEPTED":
                desk.do(CancelOrder(names[-1]))
            await asyncio.sleep(0.01)
        register = desk.session.pipeline.register
        for name in names:
            if register[name].is_live:
                desk.do(CancelOrder(name))
        await desk.until(lambda: not any(register[name].is_live for name in names))
        assert len(names) > 3
        assert desk.session.quotes == before + MANY
        for name in names:
            told = [type(fact).__name__ for fact in desk.facts if isinstance(fact, f.OrderFact) and fact.order == name]
            wanted = ["OrderIntended", "OrderSent", "OrderAccepted", "CancelRequested", "OrderCancelled"]
            assert sorted(told, key=wanted.index) == wanted


def test_fault_44_the_window_gets_the_newest_quote_and_every_order_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Ticker()
    monkeypatch.setattr(opening, "feed_at", lambda _address, _around: feed)
    ended: Future[BaseException] = Future()
    host = Host(paper_request(tmp_path, orders_per_minute=1_000), ended.set_result)
    try:
        host.start().result(60)
        host._loop.call_soon_threadsafe(_flood, feed)
        while not (frame := host.take().result(10)).view.quotes:
            pass
        placed = [record.fact for _ in range(20) for record in host.submit(LIMIT).result(10)]
        names = {fact.order for fact in placed if isinstance(fact, f.OrderIntended) and fact.role == "entry"}
        accepted: list[str] = []
        end = SystemClock().monotonic() + 60 * SECOND
        while not names <= set(accepted) and SystemClock().monotonic() < end:
            frame = host.take().result(10)
            accepted += [record.fact.order for record in frame.records if isinstance(record.fact, f.OrderAccepted)]
            assert len(frame.view.quotes) == 1
        assert len(names) == 20
        assert names <= set(accepted)
        assert len(accepted) == len(set(accepted))
    finally:
        host.stop()
    assert not ended.done()


@played
async def test_fault_45_no_signal_is_made_across_a_split_or_into_another_contract(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY, Mode.AUTO, duplicate_window_s=0) as desk:
        await desk.minutes(LEVEL - 100)
        desk.market.refusal = FeedError("history is out of reach")
        await desk.minutes(2 * LEVEL, 2 * LEVEL - 500, 2 * LEVEL + 2_000)
        assert desk.told(f.SignalEmitted) == []
        (said,) = desk.told(f.AlertRaised)
        assert "jumped from 3999 to 8000 between two bars" in said.reason


@played
async def test_fault_45_history_with_a_split_in_it_counts_from_the_split_on(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with timed(folder, patch, TUESDAY, history_scale=2.0) as desk:
        lane = desk.session.pipeline.lanes[GOLD]
        assert lane.features.count == 100
        assert lane.atr == 100
        await desk.minutes(LEVEL)
        assert desk.told(f.AlertRaised) == []


def test_fault_45_a_contract_that_is_no_longer_listed_is_not_traded_and_a_position_stays_on_the_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        machine = Machine(SystemClock().now())
        monkeypatch.setattr(opening, "SteadyClock", lambda: SteadyClock(machine))
        async with asyncio.timeout(180), Peer(clock=machine, always_open=True) as peer, at_tws(peer, tmp_path) as desk:
            await desk.ready()
            name = desk.buy()
            await desk.until(lambda: desk.state(name) == "FILLED" and desk.session.pipeline.protection.at_venue(GOLD) == 2)
            gone = Answer(200, "No security definition has been found for the request")
            for kind in ("reqContractDetails", "reqMktData"):
                peer.faults.on(kind, gone, times=None)
            await peer.drop()
            await desk.until(lambda: "No security definition" in desk.session.feed.trouble)
            for _ in range(5):
                machine.pass_time(30 * SECOND)
                desk.session.clock.now()
            (denied,) = [fact for fact in desk.do(BUY) if isinstance(fact, f.OrderDenied)]
            assert "s old" in denied.reason
            assert desk.position == 2
            assert desk.facts(f.SignalEmitted) == []

    asyncio.run(play())


def test_fault_45_after_a_roll_history_prices_and_orders_are_all_of_the_new_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        machine = Machine(from_iso("2026-01-12T15:00"))
        monkeypatch.setattr(opening, "SteadyClock", lambda: SteadyClock(machine))
        async with asyncio.timeout(180), Peer(clock=machine, always_open=True) as peer:
            address = {"ib": VenueSection(host=peer.host, port=peer.port, timeout=30.0)}
            months = {str(it.con_id): it.local_symbol for it in peer.venue.market.catalogue.all if it.symbol == "GC"}
            asked: list[set[str]] = []
            history: list[set[str]] = []
            for _ in range(2):
                before = len(peer.received())
                async with session_at(tmp_path, "ib", address, "GC") as desk:
                    await desk.until(lambda desk=desk: not any(desk.session.obstacles("GC")))
                    name = desk.buy(1, symbol="GC", stop_loss=desk.session.pipeline.book.last["GC"].bid - 500)
                    await desk.until(lambda desk=desk, name=name: desk.state(name) == "FILLED")
                    desk.do(ClosePosition("GC"))
                    await desk.until(lambda desk=desk: desk.position == 0)
                    assert desk.facts(f.SignalEmitted) == []
                kinds = ("reqHistoricalData", "reqMktData", "placeOrder")
                since = [it for it in peer.received()[before:] if it.kind in kinds]
                assert {it.kind for it in since} == set(kinds)
                told = [(it.kind == kinds[0], months[text]) for it in since for text in it.fields if text in months]
                asked.append({month for is_history, month in told if not is_history})
                history.append({month for is_history, month in told if is_history})
                machine.pass_time(39 * DAY)
        assert asked == [{"GCG6"}, {"GCJ6"}]
        assert history == [{"GCG6", "GCJ6"}, {"GCJ6", "GCM6"}]  # the one after it too, for the days on which both were traded

    asyncio.run(play())


def _noting(take: Any, seen: set[tuple[int, int]]) -> Any:
    def noted(quote: Quote) -> None:
        seen.add((quote.bid, quote.ask))
        take(quote)

    return noted


def _flood(feed: Ticker) -> None:
    for number in range(MANY):
        feed.say(400_000 + number % 7, 400_030 + number % 7)
