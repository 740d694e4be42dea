"""How an order walks a book."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.depth import walk

BUY, SELL = 1, -1
LEVELS = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 50), st.integers(0, 60)), min_size=1, max_size=8)


def walked(levels: list[tuple[int, int, int]], side: int, worst: int, wanted: int) -> list[int]:
    """`levels` are (price, size, taken)."""
    prices, sizes, taken = (np.array(column, np.int64) for column in zip(*levels, strict=True))
    return [int(each) for each in walk(prices, sizes, taken, side, worst, wanted)]


def test_the_best_level_is_taken_first_and_no_more_than_is_wanted() -> None:
    assert walked([(100, 3, 0), (101, 4, 0), (102, 9, 0)], BUY, 200, 8) == [3, 4, 1]
    assert walked([(100, 3, 0), (99, 4, 0)], SELL, 1, 5) == [3, 2]


def test_levels_beyond_the_limit_are_left() -> None:
    assert walked([(100, 3, 0), (101, 4, 0)], BUY, 100, 8) == [3, 0]
    assert walked([(100, 3, 0), (99, 4, 0)], SELL, 100, 8) == [3, 0]


def test_what_was_taken_is_there_no_more() -> None:
    assert walked([(100, 3, 2), (101, 4, 9)], BUY, 200, 8) == [1, 0]


@given(LEVELS, st.sampled_from([BUY, SELL]), st.integers(1, 120), st.integers(0, 400))
def test_a_walk_takes_what_is_there_and_nothing_else(
    levels: list[tuple[int, int, int]], side: int, worst: int, wanted: int
) -> None:
    steep, price = [], 50
    for step, size, taken in levels:
        price += step * side
        steep.append((price, size, taken))
    deal = walked(steep, side, worst, wanted)
    within = [max(0, size - taken) if (worst - price) * side >= 0 else 0 for price, size, taken in steep]
    assert sum(deal) == min(wanted, sum(within))
    assert all(0 <= one <= most for one, most in zip(deal, within, strict=True))
