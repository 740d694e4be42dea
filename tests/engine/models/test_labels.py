"""Triple-barrier labels say what the simulated broker would have done with the trade."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.market import Ints
from engine.rules.labels import STOPPED, TARGET, TIMED_OUT, UNKNOWN, label
from engine.rules.paths import corners

QUIET = (1_000, 1_000, 1_000, 1_000)


def first(
    side: int, *later: tuple[int, int, int, int], spread: int = 0, distance: int = 10, horizon: int = 50
) -> tuple[int, int]:
    """(outcome, end) of the trade decided on a quiet bar that closes at 1,000, with a target twice as far as the stop."""
    bids = np.array([QUIET, *later], np.int64)
    outcome, end = label(side, bids, np.full(len(bids), spread, np.int64), np.full(len(bids), distance, np.int64), 2.0, horizon)
    return int(outcome[0]), int(end[0])


@pytest.mark.parametrize(
    ("side", "bar", "outcome"),
    [
        (1, (1_000, 1_020, 995, 1_010), TARGET),
        (1, (1_000, 1_005, 990, 1_000), STOPPED),
        (-1, (1_000, 1_005, 980, 985), TARGET),
        (-1, (1_000, 1_010, 995, 1_000), STOPPED),
        (1, (1_000, 1_019, 991, 1_000), UNKNOWN),
        (-1, (1_000, 1_009, 981, 1_000), UNKNOWN),
    ],
)
def test_a_barrier_counts_when_it_is_touched(side: int, bar: tuple[int, int, int, int], outcome: int) -> None:
    assert first(side, bar)[0] == outcome


@pytest.mark.parametrize(
    ("bar", "long", "short"),
    [
        ((1_000, 1_020, 975, 1_000), TARGET, STOPPED),  # the high is nearer: it comes first
        ((1_000, 1_025, 980, 1_000), STOPPED, TARGET),  # the low is nearer
        ((1_000, 1_020, 980, 1_000), TARGET, STOPPED),  # a tie: the high
    ],
)
def test_within_a_bar_the_nearer_extreme_comes_first(bar: tuple[int, int, int, int], long: int, short: int) -> None:
    assert first(1, bar)[0] == long
    assert first(-1, bar)[0] == short


def test_a_gap_through_the_stop_at_the_open_stops_before_anything_else() -> None:
    assert first(1, (985, 1_030, 984, 1_030)) == (STOPPED, 1)


def test_a_long_pays_the_spread_before_it_reaches_its_target() -> None:
    reaches_the_target_of_the_bid = (1_000, 1_021, 1_000, 1_010)
    assert first(1, reaches_the_target_of_the_bid, spread=0)[0] == TARGET
    assert first(1, reaches_the_target_of_the_bid, spread=2)[0] == UNKNOWN


def test_a_short_is_stopped_by_the_ask() -> None:
    assert first(-1, (1_000, 1_008, 999, 1_000), spread=1)[0] == UNKNOWN
    assert first(-1, (1_000, 1_008, 999, 1_000), spread=2)[0] == STOPPED


def test_the_bar_decided_on_cannot_fill_the_trade() -> None:
    bids = np.array([(1_000, 1_100, 900, 1_000), QUIET], np.int64)
    outcome, end = label(1, bids, np.zeros(2, np.int64), np.full(2, 10, np.int64), 2.0, 50)
    assert (outcome[0], end[0]) == (UNKNOWN, 1)


def test_a_trade_is_given_up_at_its_horizon() -> None:
    assert first(1, QUIET, QUIET, QUIET, horizon=3) == (TIMED_OUT, 3)
    assert first(1, QUIET, QUIET, horizon=3) == (UNKNOWN, 2)


def test_a_barrier_in_the_last_bar_of_the_horizon_still_counts() -> None:
    assert first(1, QUIET, (1_000, 1_020, 1_000, 1_000), horizon=2) == (TARGET, 2)


def test_without_a_distance_there_is_no_trade() -> None:
    assert first(1, (1_000, 1_020, 980, 1_000), distance=0) == (UNKNOWN, 1)


MOVES = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9), st.integers(0, 9), st.integers(-9, 9)), min_size=2, max_size=40)


def walked(side: int, bids: Ints, spread: int, row: int, distance: int, horizon: int) -> tuple[int, int]:
    """The same answer, found by walking every quote of every bar."""
    last = len(bids) - 1
    reference = bids[row, 3] + (spread if side > 0 else 0)
    for bar in range(row + 1, min(row + horizon, last) + 1):
        for bid in corners(*(int(value) for value in bids[bar])):
            gained = side * ((bid if side > 0 else bid + spread) - reference)
            if gained <= -distance:
                return STOPPED, bar
            if gained >= 2 * distance:
                return TARGET, bar
    return (TIMED_OUT, row + horizon) if row + horizon <= last else (UNKNOWN, last)


@settings(deadline=None, max_examples=60)
@given(MOVES, st.sampled_from([1, -1]), st.integers(0, 5), st.integers(1, 15), st.integers(1, 20))
def test_labels_are_what_a_walk_along_the_quotes_finds(
    moves: list[tuple[int, int, int, int]], side: int, spread: int, distance: int, horizon: int
) -> None:
    close, bars = 1_000, []
    for gap, up, down, change in moves:
        open_ = close + gap
        close = open_ + change
        bars.append((open_, max(open_, close) + up, min(open_, close) - down, close))
    bids, count = np.array(bars, np.int64), len(bars)
    outcome, end = label(side, bids, np.full(count, spread, np.int64), np.full(count, distance, np.int64), 2.0, horizon)
    for row in range(count):
        assert (outcome[row], end[row]) == walked(side, bids, spread, row, distance, horizon)
