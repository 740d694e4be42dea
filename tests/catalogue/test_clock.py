"""Faults 53 to 55: a clock that is set, days that are longer or shorter, a machine that slept."""

from __future__ import annotations

import asyncio
import importlib
from itertools import pairwise
from pathlib import Path

import pytest

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.core.clock import HOUR, MINUTE, SECOND, SystemClock, from_iso, to_iso
from engine.core.errors import FeedError
from engine.domain import facts as f
from engine.domain.intents import SubmitOrder
from engine.signals.desk import Mode
from engine.storage import schedule
from engine.storage.database import locate, open_books
from engine.storage.retention import backups, made_at
from tests.catalogue.rig import at_exchange, minutes
from tests.catalogue.timed import LEVEL, Machine, Timed, timed, turns
from tests.live.rig import GOLD, played
from tests.peers.exchange import KEY, SECRET, Exchange

TUESDAY = from_iso("2024-06-11T12:00:30")
BUY = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)
RESTING = SubmitOrder(GOLD, "buy", "limit", 2, price=399_000, stop_loss=398_000)


def denial(desk: Timed) -> str:
    """Why nothing may be opened now."""
    (denied,) = [fact for fact in desk.do(BUY) if isinstance(fact, f.OrderDenied)]
    return denied.reason


async def holding(desk: Timed) -> None:
    """Returns with two units held, and their stop at the venue."""
    await desk.seen()
    await desk.until(lambda: not any(desk.session.obstacles(GOLD)))
    desk.do(BUY)
    await desk.until(lambda: desk.told(f.OrderAccepted))
    await desk.seen()
    await desk.until(lambda: desk.session.pipeline.protection.covered(GOLD) == 2)


async def rests(desk: Timed) -> int:
    """Places an order that rests, and returns how often it was sent when it does."""
    (name,) = [fact.order for fact in desk.do(RESTING) if isinstance(fact, f.OrderIntended) and fact.role == "entry"]
    await desk.until(lambda: name in {fact.order for fact in desk.told(f.OrderAccepted)})
    return sum(fact.order == name for fact in desk.told(f.OrderSent))


@played
async def test_fault_53_a_clock_set_back_five_minutes_never_takes_the_record_back(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY) as desk:
        await holding(desk)
        before = desk.session.clock.now()
        desk.machine.set_by(-5 * MINUTE)
        desk.machine.pass_time(10 * SECOND)
        assert before < desk.session.clock.now() < before + 10 * SECOND
        assert await rests(desk) == 1
        times = [record.at for record in desk.session.journal.records()]
        assert times == sorted(times)
        await desk.waits(12 * MINUTE)
        assert abs(desk.session.clock.now() - desk.machine.now()) <= SECOND


@played
async def test_fault_53_a_clock_set_back_neither_ages_nor_refreshes_a_price(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with timed(folder, patch, TUESDAY) as desk:
        await desk.seen()
        desk.machine.set_by(-5 * MINUTE)
        await desk.seen()
        assert desk.session.obstacles(GOLD)[0] == ""
        await desk.waits(5 * MINUTE)
        assert "s old" in desk.session.obstacles(GOLD)[0]


@played
async def test_fault_53_a_clock_set_ahead_five_minutes_is_followed_and_the_venue_asked_before_anything_is_opened(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY) as desk:
        await holding(desk)
        desk.machine.set_by(5 * MINUTE)
        assert "300 s ahead: the venue is asked first" in denial(desk)
        reconciled = desk.session.keeper.found.at
        await desk.until(lambda: desk.session.keeper.found.is_clean)
        assert desk.session.keeper.found.at > reconciled
        await desk.seen()
        assert await rests(desk) == 1


@pytest.mark.parametrize(
    ("start", "rolls"),
    [
        ("2024-03-08T12:00", ["03-08T22:00", "03-09T22:00", "03-10T21:00", "03-11T21:00"]),
        ("2024-11-01T12:00", ["11-01T21:00", "11-02T21:00", "11-03T22:00", "11-04T22:00"]),
        ("2024-11-28T12:00", ["11-28T22:00", "11-29T22:00", "11-30T22:00", "12-01T22:00"]),
    ],
    ids=["clocks go forward", "clocks go back", "half days of Thanksgiving"],
)
def test_fault_54_the_day_rolls_once_a_day_and_holding_is_charged_once_a_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str, rolls: list[str]
) -> None:
    @played
    async def scenario(folder: Path, patch: pytest.MonkeyPatch) -> None:
        async with timed(folder, patch, from_iso(start), instrument="XAUUSD") as desk:
            await holding(desk)
            for _ in range(24 * len(rolls)):
                await desk.waits(HOUR)
                await desk.seen()
            days = [to_iso(record.at)[5:16] for record in desk.session.journal.records() if isinstance(record.fact, f.DayStarted)]
            nights = [it for it in desk.session.journal.records() if isinstance(it.fact, f.FinancingCharged)]
            weekdays = [day for day in rolls if from_iso(f"2024-{day}") // (24 * HOUR) % 7 not in (2, 3)]
            assert days[: len(rolls)] == rolls
            assert len(days) == len(set(days))
            assert [to_iso(it.at)[5:16] for it in nights][: len(weekdays)] == weekdays
            assert len({to_iso(it.at) for it in nights}) == len(nights)

    scenario(tmp_path, monkeypatch)


@played
async def test_fault_55_after_three_hours_of_sleep_the_venue_is_asked_first_and_what_is_stale_is_dropped(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY) as desk:
        await holding(desk)
        desk.do(SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000, tif="GTD", expires=TUESDAY + HOUR))
        await desk.until(lambda: desk.told(f.OrderAccepted)[3:])
        reconciled = desk.session.keeper.found.at
        desk.machine.sleep(3 * HOUR)
        assert "the machine slept" in denial(desk)
        assert desk.told(f.OrderExpired)
        await desk.until(lambda: desk.session.keeper.found.is_clean)
        assert desk.session.keeper.found.at >= reconciled + 3 * HOUR
        assert "s old" in denial(desk)
        assert desk.session.pipeline.protection.covered(GOLD) == 2


@played
async def test_fault_55_a_card_that_waited_when_the_machine_slept_is_gone_when_it_wakes(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY, Mode.CONFIRM) as desk:
        await desk.minutes(LEVEL - 100, LEVEL + 900)
        (opened,) = desk.told(f.CardOpened)
        desk.machine.sleep(3 * HOUR)
        desk.market.say(LEVEL, LEVEL + 30)
        await desk.until(lambda: desk.told(f.CardDecided))
        (decided,) = desk.told(f.CardDecided)
        assert (decided.signal, decided.decision) == (opened.signal, "expired")


@played
async def test_fault_55_no_signal_is_made_across_the_hours_that_were_slept_through(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with timed(folder, patch, TUESDAY, Mode.AUTO) as desk:
        await desk.minutes(LEVEL - 100)
        desk.machine.sleep(3 * HOUR)
        desk.market.refusal = FeedError("history is out of reach")
        await desk.until(lambda: desk.session.pipeline.broken)
        await desk.minutes(LEVEL + 900, LEVEL - 900, LEVEL + 900)
        assert desk.told(f.SignalEmitted) == []
        (said,) = desk.told(f.AlertRaised)
        assert "missing from 2024-06-11T12:0" in said.reason
        desk.market.refusal, asked = None, len(desk.market.asked)
        await desk.minutes(LEVEL)
        await desk.until(lambda: not desk.session.pipeline.broken)
        assert len(desk.market.asked) == asked + 1
        await turns()
        await desk.minutes(LEVEL - 900, LEVEL + 1_900)
        assert desk.told(f.SignalEmitted)


@pytest.mark.parametrize("step_ms", [300_000, -300_000], ids=["ahead", "behind"])
def test_fault_53_at_an_exchange_whose_clock_steps_no_order_is_sent_twice_and_the_next_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_ms: int
) -> None:
    importlib.import_module("ccxt.pro")
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    ahead_ms = 0
    exchange = Exchange(clock_ms=lambda: SystemClock().now() // 1_000_000 + ahead_ms)

    async def play() -> None:
        nonlocal ahead_ms
        async with asyncio.timeout(180), exchange:
            exchange.history("PAXGUSDT", minutes(200))
            await exchange.quote("PAXGUSDT", "4000.00", "4000.10", depth=100)
            async with at_exchange(exchange, tmp_path) as desk:
                await desk.ready()
                ahead_ms = step_ms
                names = [desk.buy(1_000, type="limit", price=399_000)]
                await desk.until(lambda: desk.state(names[0]) in ("REJECTED", "ACCEPTED"))
                await desk.ready()
                names.append(desk.buy(1_000, type="limit", price=399_100))
                await desk.until(lambda: desk.state(names[1]) == "ACCEPTED")
                sent = [it for it in exchange.asked("POST order") if it.parameters["newClientOrderId"] in names]
                assert [it.code for it in sent] == [-1021, None]
                assert desk.state(names[0]) == "REJECTED"

    asyncio.run(play())


def test_fault_54_a_backup_is_made_once_when_it_is_due_whatever_clocks_and_machine_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = f"sqlite:///{tmp_path}/books.db", tmp_path / "backups"
    open_books(url).close()
    machine = Machine(from_iso("2024-03-09T12:00"))  # the night after it, clocks go forward in New York
    meanwhile = {2: lambda: machine.set_by(-5 * MINUTE), 4: lambda: machine.pass_time(20 * HOUR)}
    said: list[str] = []

    class Loop:
        to_thread = staticmethod(asyncio.to_thread)

        @staticmethod
        async def sleep(seconds: float) -> None:
            machine.pass_time(max(0, round(seconds * SECOND)))
            meanwhile.pop(len(said), lambda: None)()
            if len(said) == 7:
                raise asyncio.CancelledError

    monkeypatch.setattr(schedule, "asyncio", Loop)
    monkeypatch.setattr(schedule, "run_apart", lambda make, given, progress: make(*given, progress))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(schedule.keep_backups(url, folder, machine, said.append, 6 * HOUR, 28, 0))
    assert all(sentence.startswith("backed up to") for sentence in said)
    times = sorted(made_at(path) for path in backups(locate(url), folder))
    assert len(times) == len(said) == 7
    apart = [(later - earlier) // MINUTE for earlier, later in pairwise(times)]
    assert apart == [360, 355, 360, 26 * 60, 360, 360]
