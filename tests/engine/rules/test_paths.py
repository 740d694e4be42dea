"""A recorded bar as four quotes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import MINUTE
from engine.rules.paths import as_ticks, corners, unfold

PRICES = st.integers(1, 10_000_000)


def test_the_nearer_extreme_is_passed_first() -> None:
    assert corners(100, 110, 95, 105) == (100, 95, 110, 105)
    assert corners(100, 103, 80, 90) == (100, 103, 80, 90)


def test_a_tie_goes_to_the_high() -> None:
    assert corners(100, 110, 90, 95) == (100, 110, 90, 95)


def test_a_bar_without_range_stays_where_it_is() -> None:
    assert corners(7, 7, 7, 7) == (7, 7, 7, 7)


@given(st.lists(PRICES, min_size=4, max_size=4))
def test_the_corners_are_the_bar_s_own_prices(prices: list[int]) -> None:
    low, one, other, high = sorted(prices)
    first, second, third, last = corners(one, high, low, other)
    assert (first, last) == (one, other)
    assert {second, third} == {high, low}
    assert abs(second - one) <= abs(third - one)


def test_quotes_come_at_the_open_at_a_third_at_two_thirds_and_just_before_the_end() -> None:
    at = np.array([0, MINUTE], np.int64)
    ohlc = np.array([[10, 12, 9, 11], [11, 15, 10, 12]], np.int64)
    times, bids = np.empty(8, np.int64), np.empty(8, np.int64)
    unfold(at, ohlc, np.zeros(2, np.int64), MINUTE, times, bids)
    third = MINUTE // 3
    assert times.tolist() == [0, third, 2 * third, MINUTE - 1, MINUTE, MINUTE + third, MINUTE + 2 * third, 2 * MINUTE - 1]
    assert bids.tolist() == [10, 9, 12, 11, 11, 10, 15, 12]


def test_a_negative_spread_is_refused() -> None:
    one, block = np.zeros(1, np.int64), np.ones((1, 4), np.int64)
    with pytest.raises(ValueError, match="negative spread"):
        unfold(one, block, np.array([-1], np.int64), MINUTE, np.empty(4, np.int64), np.empty(4, np.int64))


def test_prices_become_ticks_by_rounding_to_the_nearest() -> None:
    assert as_ticks(np.array([1699.31, 0.01, 1899.994]), 0.01).tolist() == [169_931, 1, 189_999]
