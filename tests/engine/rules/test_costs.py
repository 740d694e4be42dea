"""What dealing and holding cost."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.costs import commission, financing, nights, notional, topped_up

STEPS = st.integers(1, 10_000)
PRICES = st.integers(1, 10_000_000)
TICK_VALUE = 10_000


def test_notional_beyond_64_bits_is_refused_instead_of_wrapped() -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        notional(10**10, 10**6, 10**6)
    assert notional(200_000, 100, TICK_VALUE) == 200_000_000_000


@given(PRICES, STEPS, st.integers(0, 100_000), st.integers(0, 5_000))
def test_commission_is_exact_and_rounded_half_up(price: int, steps: int, per_step: int, ppm: int) -> None:
    share = Fraction(price * steps * TICK_VALUE * ppm, 1_000_000)
    assert commission(price, steps, TICK_VALUE, per_step, ppm) == per_step * steps + floor(share + Fraction(1, 2))


def test_financing_is_charged_to_longs_and_shorts_at_their_own_rate() -> None:
    assert financing(10, 120_000, -40_000, 1) == 1_200_000
    assert financing(-10, 120_000, -40_000, 1) == -400_000
    assert financing(0, 120_000, -40_000, 3) == 0


def test_a_week_has_seven_nights_and_wednesday_carries_the_weekend() -> None:
    assert [nights(day, 2) for day in range(7)] == [1, 1, 3, 1, 1, 0, 0]
    assert [nights(day, 4) for day in range(7)] == [1, 1, 1, 1, 3, 0, 0]


def test_without_a_triple_night_every_night_of_the_week_counts_once() -> None:
    assert [nights(day, -1) for day in range(7)] == [1, 1, 1, 1, 1, 1, 1]


@given(st.lists(st.integers(0, 10**9), min_size=1), st.integers(0, 10**9))
def test_an_order_costs_its_executions_and_the_least_once(executions: list[int], least: int) -> None:
    before = charged = 0
    for own in executions:
        charged += topped_up(own, before, charged, least)
        before += own
        assert charged == max(before, least)


def test_a_rebate_is_paid_out_whatever_the_least_is() -> None:
    assert topped_up(-30, 0, 0, 100) == -30
