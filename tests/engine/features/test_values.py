"""Single features against their textbook formulas, written with plain numpy."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from engine.core.clock import HOUR, MINUTE, from_iso
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars
from engine.features import specification as spec
from engine.features.batch import rows, rows_and_atr, with_spread
from tests.engine.features.markets import wandering_bars

COUNT = 700
BARS = wandering_bars(COUNT)
TABLE, ATR = rows_and_atr(BARS)


def column(name: str, table: np.ndarray = TABLE) -> np.ndarray:
    return table[spec.WARMUP :, spec.NAMES.index(name)]


def at_time(text: str) -> dict[str, float]:
    """The row of a bar that opens at `text` after a warm-up right before it."""
    bars = wandering_bars(spec.WARMUP + 1)
    moved = replace(bars, at=bars.at - bars.at[-1] + from_iso(text))
    return dict(zip(spec.NAMES, rows(moved)[-1], strict=True))


@pytest.mark.parametrize("bars", spec.RETURNS)
def test_returns_are_counted_in_atrs(bars: int) -> None:
    moved = BARS.close[spec.WARMUP :] - BARS.close[spec.WARMUP - bars : -bars]
    assert np.allclose(column(f"return_{bars}"), moved / ATR[spec.WARMUP :], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("window", spec.RANGES)
def test_range_position_knows_the_high_and_low_of_its_window(window: int) -> None:
    high = np.lib.stride_tricks.sliding_window_view(BARS.high, window).max(axis=1)[spec.WARMUP - window + 1 :]
    low = np.lib.stride_tricks.sliding_window_view(BARS.low, window).min(axis=1)[spec.WARMUP - window + 1 :]
    expected = 2 * (BARS.close[spec.WARMUP :] - low) / (high - low) - 1
    assert np.allclose(column(f"range_position_{window}"), expected, atol=1e-9)


def test_bollinger_bands_are_two_deviations_around_the_mean() -> None:
    windows = np.lib.stride_tricks.sliding_window_view(BARS.close, spec.BOLLINGER)[spec.WARMUP - spec.BOLLINGER + 1 :]
    mean, deviation = windows.mean(axis=1), windows.std(axis=1)
    assert np.allclose(column("bollinger_position"), (BARS.close[spec.WARMUP :] - mean) / (2 * deviation), atol=1e-6)
    assert np.allclose(column("bollinger_width"), 4 * deviation / ATR[spec.WARMUP :], atol=1e-6)


def test_efficiency_is_net_move_over_the_way_gone() -> None:
    way = np.abs(np.diff(BARS.close))
    expected = [
        (BARS.close[bar] - BARS.close[bar - spec.EFFICIENCY]) / way[bar - spec.EFFICIENCY : bar].sum()
        for bar in range(spec.WARMUP, COUNT)
    ]
    assert np.allclose(column("efficiency"), expected, atol=1e-9)


def test_rsi_is_wilders_on_a_scale_from_minus_one_to_one() -> None:
    change = np.diff(BARS.close, prepend=BARS.close[0])
    gain = loss = 0.0
    for number, value in enumerate(change):
        weight = max(1 / spec.RSI_SLOW, 1 / (number + 1))
        gain += weight * (max(value, 0) - gain)
        loss += weight * (max(-value, 0) - loss)
    assert abs(column("rsi")[-1] - (gain - loss) / (gain + loss)) < 1e-12


def test_a_steady_rise_reads_as_a_trend() -> None:
    close = 1_800 + 0.5 * np.arange(COUNT)
    bars = replace(BARS, open=close - 0.5, high=close + 0.1, low=close - 0.6, close=close)
    last = dict(zip(spec.NAMES, rows(bars)[-1], strict=True))
    assert last["adx"] == pytest.approx(1.0)
    assert last["di"] == pytest.approx(1.0)
    assert last["rsi"] == pytest.approx(1.0)
    assert last["efficiency"] == pytest.approx(1.0)
    assert last["streak"] == spec.BOUND
    assert last["range_position_240"] > 0.99


def test_a_gap_and_a_pause_are_seen() -> None:
    bars = wandering_bars(spec.WARMUP + 1)
    at, open_ = bars.at.copy(), bars.open.copy()
    at[-1] += 49 * HOUR - MINUTE
    open_[-1] += 5.0
    row = rows(replace(bars, at=at, open=open_, high=np.maximum(bars.high, open_)))[-1]
    assert row[spec.NAMES.index("pause")] == pytest.approx(49.0)
    assert row[spec.NAMES.index("gap")] > 3.0


@pytest.mark.parametrize(
    ("text", "asia", "london", "new_york", "since_roll"),
    [
        ("2024-01-10T00:30:00Z", 1, 0, 0, 2.5),
        ("2024-01-10T12:30:00Z", 0, 1, 0, 14.5),
        ("2024-01-10T13:00:00Z", 0, 1, 1, 15.0),
        ("2024-01-10T21:59:00Z", 0, 0, 1, 24 - 1 / 60),
        ("2024-07-10T12:00:00Z", 0, 1, 1, 15.0),
        ("2024-07-10T07:00:00Z", 1, 1, 0, 10.0),
        ("2024-07-10T21:00:00Z", 0, 0, 0, 0.0),
        ("2024-03-20T12:00:00Z", 0, 1, 1, 15.0),  # New York is in summer time, London not yet
        ("2024-03-20T07:30:00Z", 1, 0, 0, 10.5),
        ("2024-10-30T21:00:00Z", 0, 0, 0, 0.0),  # London is back, New York still in summer
        ("2024-11-06T21:00:00Z", 0, 0, 1, 23.0),
    ],
)
def test_sessions_and_the_roll_follow_daylight_saving(
    text: str, asia: int, london: int, new_york: int, since_roll: float
) -> None:
    row = at_time(text)
    assert (row["asia"], row["london"], row["new_york"]) == (asia, london, new_york)
    assert row["since_roll"] == pytest.approx(since_roll)
    assert row["till_roll"] == pytest.approx(24 - since_roll)


def test_time_of_day_and_week_turn_in_circles() -> None:
    midnight, noon, monday = (at_time(f"2024-01-{day}Z") for day in ("10T00:00:00", "10T12:00:00", "08T00:00:00"))
    assert (midnight["hour_sin"], midnight["hour_cos"]) == pytest.approx((0, 1))
    assert (noon["hour_sin"], noon["hour_cos"]) == pytest.approx((0, -1))
    assert (monday["weekday_sin"], monday["weekday_cos"]) == pytest.approx((0, 1))


def test_a_missing_spread_becomes_the_instruments_own_and_others_whole_ticks() -> None:
    gold = instrument_of("XAUUSD")
    bars = replace(BARS[:3], spread=np.array([np.nan, 0.18000000001, 0.43]))
    assert with_spread(bars, gold).spread.tolist() == [20 * 0.01, 18 * 0.01, 43 * 0.01]


def test_no_bars_give_no_rows() -> None:
    assert rows(Bars.empty()).shape == (0, spec.COUNT)


def test_the_specification_lists_every_column_once_with_a_line_about_it() -> None:
    assert len(set(spec.NAMES)) == spec.COUNT >= 30
    assert all(len(line) > 10 for _, line in spec.FEATURES)


def test_changed_formulas_are_noticed_and_ask_for_a_new_version() -> None:
    """When this fails on purpose: raise `spec.VERSION` and put the new digest here."""
    told = np.round(TABLE[spec.WARMUP :: 37], 6) + 0.0
    digest = hashlib.sha256(told.tobytes()).hexdigest()[:16]
    assert (spec.VERSION, digest) == (1, "53581cb2646fbb72")
