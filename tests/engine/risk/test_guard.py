"""The watch over equity: what trips, what it does, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.core.clock import DAY, from_iso, to_iso
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import cash
from engine.domain.order import Role
from engine.risk.guard import ACTIVE, HALTED, REDUCING, Guard
from tests.engine.rig import MONDAY, WIDE, Rig

BID = 200_000
DAILY = replace(WIDE, daily_loss=Decimal("0.02"))
DRAWDOWN = replace(WIDE, drawdown=Decimal("0.05"))


def long(limits=DAILY, quantity: int = 100, **rest) -> Rig:  # type: ignore[no-untyped-def]  # terms as of Rig
    """Long a lot at 2000.20 with the stop far away: a fall of 20.00 costs 2 % of the account."""
    rig = Rig(limits=limits, **rest)
    rig.warm()
    rig.buy(quantity, stop_loss=BID - 20_000)
    rig.quote(BID)
    return rig


def states(rig: Rig) -> list[tuple[str, str]]:
    return [(fact.state, fact.cause) for fact in rig.facts(f.TradingStateChanged)]


def test_the_daily_loss_trips_at_its_cap_and_not_a_tick_before() -> None:
    rig = long()
    rig.quote(BID - 1_979)
    assert states(rig) == []
    rig.quote(BID - 1_980)
    assert states(rig) == [(REDUCING, "daily_loss")]
    assert "the day's loss is 2.00 % of 100,000.00, the cap is 2" in rig.line.guard.reason
    rig.quote(BID - 3_000)
    assert len(states(rig)) == 1


def test_tripping_cancels_entries_and_leaves_the_protection() -> None:
    rig = long()
    rig.buy(1, type="limit", price=BID - 9_000, stop_loss=BID - 9_500)
    rig.quote(BID - 2_500)
    assert rig.working(Role.ENTRY) == []
    assert len(rig.working(Role.STOP)) == 1
    assert "the day's loss" in rig.facts(f.CancelRequested)[-1].reason


def test_a_loss_that_a_stop_realised_in_one_jump_trips_too() -> None:
    rig = Rig(limits=DAILY)
    rig.warm()
    rig.buy(100, stop_loss=BID - 500)
    rig.buy(1, type="limit", price=BID - 9_000, stop_loss=BID - 9_500)
    rig.quote(BID)
    rig.quote(BID - 2_500)
    assert rig.held == 0
    assert states(rig) == [(REDUCING, "daily_loss")]
    assert rig.working(Role.ENTRY) == []


def test_while_reducing_only_reducing_orders_pass() -> None:
    rig = long()
    rig.quote(BID - 2_500)
    assert isinstance(rig.buy(1)[-1], f.IntentRefused)
    assert rig.facts(f.OrderDenied)[-1].limits[0] == "trading_state"
    rig.do(i.ClosePosition("XAUUSD", 40))
    rig.quote(BID - 2_500)
    assert rig.held == 60


@pytest.mark.parametrize(
    ("start", "roll"),
    [
        ("2024-06-03T12:00", "2024-06-03T21:00"),
        ("2024-01-15T12:00", "2024-01-15T22:00"),
        ("2024-03-08T15:00", "2024-03-08T22:00"),  # the last day before New York moves its clocks
        ("2024-03-11T15:00", "2024-03-11T21:00"),
        ("2024-11-01T15:00", "2024-11-01T21:00"),
        ("2024-11-04T15:00", "2024-11-04T22:00"),
    ],
)
def test_the_day_starts_anew_at_five_in_the_afternoon_in_new_york(start: str, roll: str) -> None:
    rig = long(start=from_iso(start))
    rig.quote(BID - 2_500)
    at = from_iso(roll)
    rig.pass_time(at - 1)
    assert rig.line.guard.state == REDUCING
    rig.pass_time(at)
    assert rig.line.guard.state == ACTIVE
    assert [to_iso(record.at) for record in rig.journal.kept if isinstance(record.fact, f.DayStarted)] == [to_iso(at)]
    assert rig.line.guard.day_start == rig.line.equity()
    assert rig.facts(f.DayStarted)[-1].equity == rig.line.equity() < cash("98000")


def test_a_new_day_measures_its_loss_from_its_own_start() -> None:
    rig = long()
    rig.quote(BID - 1_500)
    rig.pass_time(from_iso("2024-06-03T22:00"))
    rig.quote(BID - 3_000)
    assert states(rig) == []
    rig.quote(BID - 3_600)
    assert states(rig) == [(REDUCING, "daily_loss")]


def test_a_weekend_without_quotes_starts_no_day() -> None:
    rig = long(start=from_iso("2024-06-07T19:00"))
    rig.pass_time(from_iso("2024-06-09T22:00"))
    assert len(rig.facts(f.DayStarted)) == 1


def test_the_drawdown_halts_and_stays_halted_over_the_day() -> None:
    rig = long(DRAWDOWN)
    rig.quote(BID - 5_000)
    assert states(rig) == [(HALTED, "drawdown")]
    rig.pass_time(MONDAY + DAY)
    assert rig.line.guard.state == HALTED
    rig.quote(BID - 4_999)
    assert "drawdown limit still holds" in rig.refusal(i.Resume())


def test_the_drawdown_is_measured_from_the_peak_at_a_bar_s_close() -> None:
    rig = long(DRAWDOWN)
    rig.quote(BID + 4_000)
    rig.quote(BID + 3_000)
    rig.close_bar()
    assert rig.line.guard.peak == rig.line.equity() == cash("102980")
    rig.quote(BID - 2_100)
    assert states(rig) == []
    rig.quote(BID - 2_150)
    assert states(rig) == [(HALTED, "drawdown")]


def test_a_drawdown_beats_the_daily_loss_when_both_are_passed_at_once() -> None:
    rig = long(replace(DRAWDOWN, daily_loss=Decimal("0.02")))
    rig.quote(BID - 2_500)
    rig.quote(BID - 6_000)
    assert states(rig) == [(REDUCING, "daily_loss"), (HALTED, "drawdown")]


def test_after_a_halt_the_owner_resumes_by_hand() -> None:
    rig = long()
    rig.do(i.Halt(reason="lunch"))
    assert (rig.line.guard.state, rig.line.guard.reason) == (HALTED, "lunch")
    rig.pass_time(MONDAY + DAY)
    assert rig.line.guard.state == HALTED
    assert [type(fact) for fact in rig.do(i.Resume("back"))] == [f.TradingStateChanged]
    assert (rig.line.guard.state, rig.line.guard.reason) == (ACTIVE, "back")


def test_nothing_is_resumed_that_never_stopped_nor_while_the_day_s_loss_holds() -> None:
    rig = long()
    assert "ACTIVE already" in rig.refusal(i.Resume())
    rig.quote(BID - 2_500)
    assert "trading day rolls" in rig.refusal(i.Resume())


def test_a_day_that_hit_its_limit_stays_reducing_even_when_the_price_comes_back() -> None:
    rig = long()
    rig.quote(BID - 2_500)
    rig.quote(BID)
    assert "trading day rolls" in rig.refusal(i.Resume())
    rig.do(i.Halt())
    assert "trading day rolls" in rig.refusal(i.Resume())


def test_a_halted_account_that_falls_on_is_halted_once() -> None:
    rig = long(replace(DRAWDOWN, daily_loss=Decimal("0.02")))
    rig.do(i.Halt())
    rig.quote(BID - 9_000)
    assert states(rig) == [(HALTED, "owner")]


def test_the_largest_drawdown_is_remembered() -> None:
    guard = Guard(WIDE)
    guard.apply(f.AccountOpened("paper", "USD", 1_000))
    for worth in (1_100, 990, 1_050, 1_200, 1_140):
        guard.mark(worth)
    assert guard.max_drawdown == pytest.approx(110 / 1_100)
    assert guard.peak == 1_200
