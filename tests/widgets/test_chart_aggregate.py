from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import DAY, HOUR, MINUTE, from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.market import TIMEFRAMES, Bar, Bars
from widgets.chart.aggregate import Rollup, aggregate

START = from_iso("2026-03-05T00:00Z")


def minutes(gaps: list[int], seed: int = 0) -> Bars:
    """Bars at START plus the running sum of `gaps` minutes."""
    draw = np.random.default_rng(seed)
    n = len(gaps)
    opened, closed = draw.uniform(1900, 2000, n), draw.uniform(1900, 2000, n)
    high, low = np.maximum(opened, closed) + draw.uniform(0, 5, n), np.minimum(opened, closed) - draw.uniform(0, 5, n)
    at = START + np.cumsum(np.array(gaps, np.int64)) * MINUTE
    return Bars(at, opened, high, low, closed, draw.integers(1, 100, n).astype(float), np.full(n, 0.2))


gaps = st.lists(st.sampled_from([1, 1, 1, 1, 2, 7, 61, 1441]), min_size=1, max_size=300)


@given(gaps, st.sampled_from(sorted(TIMEFRAMES)))
def test_folding_conserves_prices_and_volume(steps, timeframe):
    bars = minutes(steps)
    folded = aggregate(bars, timeframe)
    assert folded.volume.sum() == bars.volume.sum()
    assert folded.high.max() == bars.high.max()
    assert folded.low.min() == bars.low.min()
    assert (folded.open[0], folded.close[-1]) == (bars.open[0], bars.close[-1])
    assert (np.diff(folded.at) > 0).all()
    assert (folded.high >= np.maximum(folded.open, folded.close)).all()
    assert (folded.low <= np.minimum(folded.open, folded.close)).all()


@given(gaps, st.sampled_from(["M5", "H1", "H4", "D1"]))
def test_folding_in_two_stages_gives_the_same_bars(steps, timeframe):
    bars = minutes(steps)
    at_once, staged = aggregate(bars, timeframe), aggregate(aggregate(bars, "M5"), timeframe)
    assert at_once.at.tolist() == staged.at.tolist()
    assert at_once.high.tolist() == staged.high.tolist()
    assert at_once.close.tolist() == staged.close.tolist()


@given(gaps, st.sampled_from(["M5", "H1", "H4", "D1"]), st.integers(0, 300))
def test_a_rollup_ends_with_the_bars_of_folding_at_once(steps, timeframe, known):
    bars = minutes(steps)
    known = min(known, len(bars))
    folded, rollup = Rollup.start(bars[:known], timeframe)
    shown = [folded.row(i) for i in range(len(folded))]
    for index in range(max(known - 1, 0), len(bars)):
        minute = bars.row(index)
        for growing in (minute._replace(close=minute.open, volume=1.0), minute):
            bar, is_new = rollup.push(growing)
            if is_new:
                shown.append(bar)
            else:
                shown[-1] = bar
    wanted = aggregate(bars, timeframe)
    assert [(b.at, b.open, b.high, b.low, b.close, b.volume) for b in shown] == [
        (b.at, b.open, b.high, b.low, b.close, b.volume) for b in map(wanted.row, range(len(wanted)))
    ]


def test_days_begin_at_five_in_new_york_in_winter_and_summer():
    bars = minutes([1] + [60] * (24 * 7))
    opens = [to_iso(int(at)) for at in aggregate(bars, "D1").at]
    assert "2026-03-06T22:00:00Z" in opens
    assert "2026-03-09T21:00:00Z" in opens


def test_the_longer_day_of_october_keeps_six_four_hour_bars():
    start = from_iso("2026-10-31T21:00Z")
    at = start + np.arange(25 * 60, dtype=np.int64) * MINUTE
    flat = np.ones(len(at))
    opens = aggregate(Bars(at, flat, flat, flat, flat, flat, flat), "H4").at
    assert (np.diff(opens) == 4 * HOUR).all()
    assert len(opens) == 6
    assert opens[-1] + 5 * HOUR - start == DAY + HOUR


def test_nothing_folds_to_nothing():
    assert len(aggregate(Bars.empty(), "H4")) == 0


def test_an_unknown_timeframe_is_named_in_the_refusal():
    with pytest.raises(UserError, match="W7"):
        aggregate(Bars.empty(), "W7")


def test_a_first_minute_opens_a_bar():
    bar, is_new = Rollup("M5").push(Bar(START + 3 * MINUTE, 1, 2, 0.5, 1.5, 10, 0.1))
    assert is_new
    assert (bar.at, bar.volume) == (START, 10)
