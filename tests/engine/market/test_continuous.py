"""Futures: which contract is in front, and one series out of several, against cases worked by hand."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import DAY, to_iso
from engine.core.errors import DataError, UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Bars
from engine.market.continuous import join, session_start
from engine.market.contracts import Contract, RollRule, first_notice, front, fronts, last_day, rolls

SESSIONS = INSTRUMENTS["GC"].sessions
assert SESSIONS.holidays is not None
IS_BUSINESS = SESSIONS.holidays.is_business
GOLD = RollRule("GJMQZ", "days", 3)
Z25, G26, J26 = Contract.of("Z25"), Contract.of("G26"), Contract.of("J26")


def days(first: str, count: int) -> list[date]:
    return [date.fromisoformat(first) + timedelta(days=number) for number in range(count)]


def bars(first_day: int, closes: list[float]) -> Bars:
    close = np.array(closes)
    at = (first_day + np.arange(len(close), dtype=np.int64)) * DAY
    return Bars(at, close - 1, close + 2, close - 2, close, np.ones(len(close)), np.full(len(close), 0.5))


@pytest.mark.parametrize(
    ("code", "notice", "left"),
    [
        ("Z25", "2025-11-28", "2025-11-24"),  # Thanksgiving, the 27th, is no business day
        ("G26", "2026-01-30", "2026-01-27"),
        ("J26", "2026-03-31", "2026-03-26"),
        ("M27", "2027-05-28", "2027-05-25"),  # the 31st is Memorial Day
    ],
)
def test_the_first_notice_is_the_last_business_day_of_the_month_before(code: str, notice: str, left: str) -> None:
    contract = Contract.of(code)
    assert contract.code == code
    assert first_notice(contract, IS_BUSINESS) == date.fromisoformat(notice)
    assert last_day(contract, GOLD, IS_BUSINESS) == date.fromisoformat(left)


def test_by_days_the_next_listed_month_is_in_front_from_the_roll_on() -> None:
    assert front(date(2025, 11, 23), GOLD, IS_BUSINESS) == Z25
    assert front(date(2025, 11, 24), GOLD, IS_BUSINESS) == G26
    found = rolls(fronts(days("2025-11-20", 150), GOLD, IS_BUSINESS))
    assert [(roll.day.isoformat(), roll.out.code, roll.into.code) for roll in found] == [
        ("2025-11-24", "Z25", "G26"),
        ("2026-01-27", "G26", "J26"),
        ("2026-03-26", "J26", "M26"),
    ]


def test_october_is_passed_over_where_it_is_not_among_the_months() -> None:
    assert front(date(2025, 8, 20), GOLD, IS_BUSINESS) == Z25
    assert front(date(2025, 8, 20), RollRule("GJMQVZ"), IS_BUSINESS) == Contract(2025, 10)


def test_by_volume_the_day_after_a_later_contract_was_dealt_more_it_is_in_front() -> None:
    week = days("2025-11-17", 5)
    volume = {
        Z25: dict(zip(week, [900.0, 700.0, 400.0, 800.0, 100.0], strict=True)),
        G26: dict(zip(week, [100.0, 650.0, 500.0, 300.0, 900.0], strict=True)),
        J26: dict(zip(week, [10.0, 20.0, 30.0, 40.0, 950.0], strict=True)),
    }
    rule = RollRule("GJMQZ", "volume", 3)
    found = fronts(week, rule, IS_BUSINESS, volume)
    assert [each.code for each in found.values()] == ["Z25", "Z25", "Z25", "G26", "G26"]  # and never back to December
    assert fronts([*week, date(2025, 11, 22)], rule, IS_BUSINESS, volume)[date(2025, 11, 22)] == J26


def test_by_open_interest_a_contract_is_left_before_its_first_notice_at_the_latest() -> None:
    month = days("2025-11-17", 12)
    interest = {Z25: dict.fromkeys(month, 900.0), G26: dict.fromkeys(month, 100.0)}
    found = fronts(month, RollRule("GJMQZ", "open_interest", 3), IS_BUSINESS, interest)
    assert [(roll.day, roll.into) for roll in rolls(found)] == [(date(2025, 11, 24), G26)]


def test_a_rule_by_volume_needs_volume() -> None:
    with pytest.raises(DataError, match="contracts rolled by open interest need it by day"):
        fronts(days("2025-11-17", 3), RollRule("GJMQZ", "open_interest"), IS_BUSINESS)


def test_what_names_no_contract_is_refused() -> None:
    for code in ("", "A25", "Z2025", "Z-1"):
        with pytest.raises(UserError, match="is no contract; write the month's letter"):
            Contract.of(code)


OLD, MIDDLE, NEW = [100.0, 102.0, 104.0], [112.0, 114.0, 110.0, 111.0], [121.0, 122.0, 125.0]
SERIES = {Z25: bars(0, OLD), G26: bars(1, MIDDLE), J26: bars(3, NEW)}
BEGINS = [(0, Z25), (2 * DAY, G26), (4 * DAY, J26)]
"""G26 follows on day 2 (on day 1 it closed at 112, Z25 at 102), J26 on day 4 (on day 3 at 121, G26 at 110)."""


@pytest.mark.parametrize(
    ("adjustment", "closes"),
    [
        ("none", [100, 102, 114, 110, 122, 125]),
        ("difference", [121, 123, 125, 121, 122, 125]),  # G26 + 11, Z25 + 11 + 10
        ("ratio", [100 * 112 / 102 * 1.1, 112 * 1.1, 114 * 1.1, 121, 122, 125]),
    ],
)
def test_the_jumps_between_contracts_are_taken_out_backwards(adjustment: str, closes: list[float]) -> None:
    found = join(SERIES, BEGINS, adjustment)
    assert (found.bars.at // DAY).tolist() == [0, 1, 2, 3, 4, 5]
    assert found.bars.close == pytest.approx(closes)
    assert [(joint.out, joint.into, joint.close_out, joint.close_into) for joint in found.joints] == [
        (Z25, G26, 102.0, 112.0),
        (G26, J26, 110.0, 121.0),
    ]
    assert found.bars.volume.tolist() == [1.0] * 6


def test_a_ratio_keeps_returns_and_a_difference_keeps_moves() -> None:
    ratio, difference = (join(SERIES, BEGINS, how).bars.close for how in ("ratio", "difference"))
    assert ratio[1] / ratio[0] == pytest.approx(102 / 100)
    assert difference[1] - difference[0] == pytest.approx(2)


@given(st.lists(st.floats(50, 5000), min_size=4, max_size=4), st.floats(-40, 40))
def test_contracts_that_differ_by_a_constant_join_without_a_jump(closes: list[float], apart: float) -> None:
    near, far = bars(0, closes), bars(0, [close + apart for close in closes])
    found = join({Z25: near, G26: far}, [(0, Z25), (2 * DAY, G26)], "difference")
    assert found.bars.close == pytest.approx(far.close)


def test_contracts_that_share_no_bar_cannot_be_joined() -> None:
    apart = {Z25: bars(0, OLD), G26: bars(9, MIDDLE)}
    with pytest.raises(DataError, match="contracts Z25 and G26 share no bar before"):
        join(apart, [(0, Z25), (9 * DAY, G26)], "difference")
    with pytest.raises(DataError, match="there are no bars of contract J26"):
        join(apart, [(0, Z25), (9 * DAY, J26)], "none")


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        ("2025-11-24", "2025-11-23T23:00:00Z"),  # a Monday begins on Sunday evening
        ("2025-11-25", "2025-11-24T23:00:00Z"),
        ("2024-12-26", "2024-12-25T23:00:00Z"),
    ],
)
def test_a_trading_day_begins_the_evening_before(day: str, opened: str) -> None:
    assert to_iso(session_start(SESSIONS, date.fromisoformat(day))) == opened
