from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.domain.market import Bar, Bars
from widgets.chart.pyramid import Pyramid
from widgets.chart.series import Series

values = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=200)


def bars_of(closes: list[float]) -> Bars:
    close = np.array(closes)
    at = np.arange(len(close), dtype=np.int64) * 60_000_000_000
    return Bars(at, close - 0.5, close + 1, close - 1, close, np.abs(close), np.full(len(close), np.nan))


@given(values, st.data())
def test_a_pyramid_gives_the_extremes_of_any_range(column, data):
    array = np.array(column)
    start = data.draw(st.integers(0, len(column) - 1))
    stop = data.draw(st.integers(start + 1, len(column)))
    assert Pyramid(array, len(array), np.minimum).over(start, stop) == array[start:stop].min()
    assert Pyramid(array, len(array), np.maximum).over(start, stop) == array[start:stop].max()


@given(values, values)
def test_a_pyramid_that_grew_equals_one_built_at_once(first, later):
    room = np.full(len(first) + len(later), np.inf)
    room[: len(first)] = first
    pyramid = Pyramid(room, len(first), np.minimum)
    for number, value in enumerate(later):
        room[len(first) + number] = value
        pyramid.last_changed(is_new=True)
        room[len(first) + number] = value + 1
        pyramid.last_changed(is_new=False)
    whole = np.array(first + [value + 1 for value in later])
    for start in range(0, len(whole), 7):
        assert pyramid.over(start, len(whole)) == whole[start:].min()


@given(values, st.floats(0.5, 40.0), st.data())
def test_folded_bars_have_the_extremes_of_their_parts(closes, bars_a_pixel, data):
    series = Series(bars_of(closes))
    start = data.draw(st.integers(0, len(closes) - 1))
    folded = series.folded(start, len(closes), bars_a_pixel)
    assert folded.group >= bars_a_pixel / 1.0001
    for row, first in enumerate(folded.first.tolist()):
        part = slice(first, min(first + folded.group, len(closes)))
        assert folded.high[row] == series.high[part].max()
        assert folded.low[row] == series.low[part].min()
        assert folded.volume[row] == series.volume[part].max()
        assert folded.open[row] == series.open[part][0]
        assert folded.close[row] == series.close[part][-1]


def test_a_series_grows_past_its_room_and_keeps_its_extremes():
    series = Series(bars_of([5.0]))
    for minute in range(1, 6000):
        price = float(minute % 977)
        series.append(Bar(minute * 60_000_000_000, price, price + 1, price - 1, price, 1.0, 0.0))
    assert series.count == 6000
    assert series.low_high(0, 6000) == (-1.0, 977.0)
    assert series.low_high(978, 1000) == (0.0, 23.0)


def test_the_last_bar_may_shrink_again():
    series = Series(bars_of([10.0, 11.0]))
    bar = series.row(1)
    series.update_last(bar._replace(high=50.0))
    assert series.low_high(0, 2)[1] == 50.0
    series.update_last(bar)
    assert series.low_high(0, 2)[1] == 12.0


def test_the_series_is_a_copy():
    bars = bars_of([1.0, 2.0])
    series = Series(bars)
    bars.high[1] = 99.0
    assert series.low_high(0, 2) == (0.0, 3.0)


def test_a_bar_out_of_order_is_refused():
    series = Series(bars_of([1.0, 2.0]))
    with pytest.raises(DataError, match="not after"):
        series.append(series.row(1))


def test_an_empty_series_has_no_last_bar_to_update():
    with pytest.raises(DataError, match="no last bar"):
        Series().update_last(Bar(0, 1, 1, 1, 1, 1, 1))
