from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import DAY, HOUR, MINUTE, from_iso
from widgets.chart.paint.lines import keep_apart
from widgets.chart.scales import crosshair_time, price_ticks, time_ticks
from widgets.chart.viewport import TimeView, YScale


def test_hours_of_bangkok_are_shown_and_its_midnight_is_the_date():
    at = from_iso("2026-03-05T10:00Z") + np.arange(600, dtype=np.int64) * MINUTE
    texts = [tick.text for tick in time_ticks(at, 0, 600, 2.0, MINUTE, "Asia/Bangkok")]
    assert texts[0] == "2026"
    assert texts[1:4] == ["18:00", "19:00", "20:00"]
    assert "6 Mar" in texts
    assert "00:00" not in texts


def test_labels_stay_on_round_hours_when_the_clock_changes():
    at = from_iso("2026-03-08T00:00Z") + np.arange(24 * 12, dtype=np.int64) * 5 * MINUTE
    ticks = time_ticks(at, 1, len(at), 4.0, 5 * MINUTE, "America/New_York")
    by_text = {tick.text: int(at[tick.index]) for tick in ticks}
    assert by_text["8 Mar"] == from_iso("2026-03-08T05:00Z")
    assert by_text["06:00"] == from_iso("2026-03-08T10:00Z")
    assert all(tick.text.endswith(":00") for tick in ticks if tick.rank == 0)


def test_a_weekend_takes_no_room_and_monday_is_marked():
    friday = from_iso("2026-03-06T00:00Z") + np.arange(21, dtype=np.int64) * HOUR
    at = np.concatenate([friday, friday + 3 * DAY])
    ticks = time_ticks(at, 1, len(at), 30.0, HOUR, "UTC")
    assert [(tick.index, tick.text) for tick in ticks if tick.rank] == [(21, "9 Mar")]


def test_years_and_months_outrank_days_over_decades():
    at = from_iso("1990-01-01T00:00Z") + np.arange(36 * 365, dtype=np.int64) * DAY
    ticks = time_ticks(at, 0, len(at), 0.1, DAY, "Europe/London")
    assert {tick.rank for tick in ticks} == {3}
    assert len(ticks) <= 18


@given(st.floats(0.01, 50), st.integers(2, 3000), st.sampled_from([MINUTE, 5 * MINUTE, HOUR, DAY]))
def test_labels_never_touch(bar_pixels, count, span):
    at = from_iso("2026-01-28T00:00Z") + np.arange(count, dtype=np.int64) * span
    ticks = time_ticks(at, 0, count, bar_pixels, span, "America/New_York")
    places = np.array([tick.index * bar_pixels for tick in ticks])
    assert (np.diff(places) >= 50).all()


@given(st.floats(0.5, 5000), st.floats(0.02, 5000), st.integers(2, 20))
def test_price_labels_are_round_even_and_within_the_range(low, span, most):
    step, ticks = price_ticks(low, low + span, most, 0.01)
    assert step >= 0.01
    assert len(ticks) <= most * 2 + 1
    assert all(low - step * 1e-6 <= tick <= low + span + step * 1e-6 for tick in ticks)
    assert all(abs(tick / step - round(tick / step)) < 1e-6 for tick in ticks)


def test_price_labels_are_never_finer_than_a_tick():
    step, ticks = price_ticks(1900.0, 1900.03, 10, 0.01)
    assert step == 0.01
    assert len(ticks) in (3, 4)


@given(st.lists(st.floats(0, 500), max_size=12))
def test_labels_kept_apart_stay_in_order_and_do_not_overlap(heights):
    moved = keep_apart(sorted(heights), 16, 0, 500)
    assert all(b - a >= 16 - 1e-9 for a, b in pairwise(moved))
    if heights:
        assert moved[-1] <= 500


@given(st.floats(0.2, 5), st.floats(0, 800))
def test_zooming_keeps_what_is_under_the_pointer(factor, x):
    view = TimeView(width=800, count=100_000, bar=7, right=50_000)
    before = view.place(x)
    view.zoom(factor, x)
    assert abs(view.place(x) - before) < 1e-6


@given(st.lists(st.tuples(st.sampled_from(["pan", "zoom"]), st.floats(-5000, 5000)), max_size=30))
def test_the_view_can_never_lose_all_bars(moves):
    view = TimeView(width=800, count=3000)
    view.end()
    for what, amount in moves:
        if what == "pan":
            view.pan(amount)
        else:
            view.zoom(1 + abs(amount) / 5000 if amount > 0 else 1 / (1 + abs(amount) / 5000), 400)
        start, stop = view.range()
        assert stop > start


def test_a_scale_maps_there_and_back():
    scale = YScale(100, 200, 10, 400)
    assert scale.y(200) == 10
    assert scale.y(100) == 410
    assert scale.value(scale.y(133.7)) == 133.7


def test_a_day_carries_the_date_it_trades_not_the_evening_it_opens():
    sunday_evening = from_iso("2026-03-08T21:00Z")
    at = sunday_evening + np.arange(5, dtype=np.int64) * DAY
    assert crosshair_time(sunday_evening, "Asia/Bangkok", DAY) == "Mon 9 Mar 2026"
    ticks = time_ticks(at, 1, 5, 130.0, DAY, "Asia/Bangkok")
    assert [tick.text for tick in ticks] == ["10 Mar", "11 Mar", "12 Mar", "13 Mar"]


def test_a_bar_of_the_day_is_named_with_its_time_in_the_zone():
    assert crosshair_time(from_iso("2026-03-08T21:05Z"), "Asia/Bangkok", MINUTE) == "Mon 9 Mar 2026 04:05"
