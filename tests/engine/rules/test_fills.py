"""What a quote fills, and at which price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.fills import limit_price, limit_reached, market_price, progress, stop_price, stop_reached, trail_stop

BUY, SELL = 1, -1
PRICES = st.integers(1, 1_000_000)
SIDES = st.sampled_from([BUY, SELL])


def test_a_sell_stop_triggers_at_or_below_its_price_and_a_buy_stop_at_or_above() -> None:
    assert [stop_reached(SELL, now, 100) for now in (101, 100, 99)] == [False, True, True]
    assert [stop_reached(BUY, now, 100) for now in (99, 100, 101)] == [False, True, True]


def test_a_limit_fills_on_touch() -> None:
    assert [limit_reached(BUY, now, 100, 0) for now in (101, 100, 99)] == [False, True, True]
    assert [limit_reached(SELL, now, 100, 0) for now in (99, 100, 101)] == [False, True, True]


def test_a_limit_that_must_be_passed_needs_the_market_beyond_it() -> None:
    assert [limit_reached(BUY, now, 100, 2) for now in (100, 99, 98)] == [False, False, True]
    assert [limit_reached(SELL, now, 100, 2) for now in (100, 101, 102)] == [False, False, True]


def test_a_stop_on_the_path_deals_at_its_own_price() -> None:
    assert stop_price(SELL, 110, 90, 100, True, 0) == 100
    assert stop_price(BUY, 90, 110, 100, True, 0) == 100


def test_a_stop_that_a_jump_passed_deals_at_the_touch() -> None:
    assert stop_price(SELL, 110, 90, 100, False, 0) == 90
    assert stop_price(BUY, 90, 110, 100, False, 0) == 110


def test_slippage_worsens_stops_and_market_orders_on_either_side() -> None:
    assert (stop_price(SELL, 110, 90, 100, True, 3), stop_price(BUY, 90, 110, 100, True, 3)) == (97, 103)
    assert (market_price(SELL, 100, 3), market_price(BUY, 100, 3)) == (97, 103)


def test_a_limit_deals_at_its_price_on_a_path_and_at_the_better_touch_after_a_jump() -> None:
    assert limit_price(BUY, 110, 90, 100, True) == 100
    assert limit_price(BUY, 110, 90, 100, False) == 90
    assert limit_price(SELL, 90, 110, 100, False) == 110


@given(SIDES, PRICES, PRICES, PRICES, st.booleans())
def test_a_reached_limit_never_deals_worse_than_its_price(side: int, before: int, now: int, limit: int, path: bool) -> None:
    if limit_reached(side, now, limit, 0):
        assert (limit - limit_price(side, before, now, limit, path)) * side >= 0


@given(SIDES, PRICES, PRICES, PRICES, st.booleans(), st.integers(0, 50))
def test_a_triggered_stop_never_deals_better_than_where_the_market_went(
    side: int, before: int, now: int, stop: int, path: bool, slippage: int
) -> None:
    if stop_reached(side, now, stop) and not (path and stop_reached(side, before, stop)):
        price = stop_price(side, before, now, stop, path, slippage)
        assert (price - stop) * side >= slippage
        assert (price - now) * side <= slippage


@given(PRICES, PRICES, st.data())
def test_progress_grows_along_the_way(before: int, now: int, data: st.DataObject) -> None:
    low, high = min(before, now), max(before, now)
    first, second = data.draw(st.integers(low, high)), data.draw(st.integers(low, high))
    ahead, further = sorted((first, second), key=lambda price: abs(price - before))
    assert 0 <= progress(before, now, ahead) <= progress(before, now, further) <= 1 << 20


def test_a_trailing_stop_stays_its_distance_behind_the_touch() -> None:
    assert (trail_stop(SELL, 0, False, 1_000, 20, 0), trail_stop(BUY, 0, False, 1_000, 20, 0)) == (980, 1_020)
    assert (trail_stop(SELL, 0, False, 1_000, 0, 15_500), trail_stop(BUY, 0, False, 1_000, 0, 15_499)) == (984, 1_015)


def test_a_trailing_stop_is_at_least_a_tick_away() -> None:
    assert trail_stop(SELL, 0, False, 1_000, 0, 1) == 999


@given(SIDES, PRICES, st.lists(PRICES, min_size=1), st.integers(0, 500), st.integers(0, 50_000))
def test_a_trailing_stop_never_moves_away_from_the_market(side: int, stop: int, way: list[int], trail: int, ppm: int) -> None:
    for touch in way:
        moved = trail_stop(side, stop, True, touch, trail, ppm)
        assert (stop - moved) * side >= 0
        assert moved == stop or (moved - touch) * side >= 1
        stop = moved
