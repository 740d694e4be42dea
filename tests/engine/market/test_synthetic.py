"""The simulated market: the same every time, open only when its market is, and with something in it to learn."""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

import numpy as np
import pytest

from engine.core.clock import DAY, HOUR, MINUTE, WEEK, from_iso, to_datetime
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS, instrument_of
from engine.domain.market import BAR_COLUMNS, Bars, BarSide, Quote, Timeframe
from engine.market.bars import BarBuilder
from engine.market.synthetic import SyntheticChunk, SyntheticMarket
from engine.market.synthetic.timetable import local_minute

GOLD = INSTRUMENTS["XAUUSD"]


@lru_cache(maxsize=8)
def weeks(symbol: str = "XAUUSD", seed: int = 7, count: int = 10) -> tuple[SyntheticChunk, ...]:
    market = SyntheticMarket(INSTRUMENTS[symbol], seed)
    return tuple(market.chunk(index) for index in range(count))


def joined(symbol: str = "XAUUSD", seed: int = 7, count: int = 10) -> Bars:
    return Bars.join([chunk.bars for chunk in weeks(symbol, seed, count)])


def same(one: SyntheticChunk, other: SyntheticChunk) -> bool:
    quotes = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("at", "bid", "ask"))
    return quotes and all(np.array_equal(getattr(one.bars, name), getattr(other.bars, name)) for name in BAR_COLUMNS)


def test_the_same_seed_gives_the_same_market():
    assert same(SyntheticMarket(GOLD, 3).chunk(1), SyntheticMarket(GOLD, 3).chunk(1))


def test_another_seed_gives_another_market():
    assert not same(SyntheticMarket(GOLD, 3).chunk(0), SyntheticMarket(GOLD, 4).chunk(0))


def test_a_week_does_not_depend_on_what_was_read_before_it():
    straight, astray = SyntheticMarket(GOLD, 5), SyntheticMarket(GOLD, 5)
    wanted = [straight.chunk(index) for index in range(4)]
    read = {index: astray.chunk(index) for index in (3, 1, 1, 0, 2)}
    assert all(same(wanted[index], read[index]) for index in range(4))


def test_a_week_follows_on_from_the_one_before():
    first, second = weeks()[:2]
    assert first.at[-1] < second.at[0]
    assert abs(second.bars.open[0] / first.bars.close[-1] - 1) < 0.01


@pytest.mark.parametrize("symbol", INSTRUMENTS)
def test_every_listed_instrument_has_a_market(symbol):
    chunk = SyntheticMarket(INSTRUMENTS[symbol], 1).chunk(0)
    assert len(chunk) == 12 * len(chunk.bars) > 0
    assert chunk.bid.min() > 0


def test_quotes_come_in_order_and_the_ask_is_above_the_bid():
    chunk = weeks()[0]
    assert np.all(np.diff(chunk.at) > 0)
    assert np.all(chunk.ask > chunk.bid)
    assert chunk.at.dtype == chunk.bid.dtype == chunk.ask.dtype == np.int64


@pytest.mark.parametrize("symbol", ["XAUUSD", "EURUSD"])
def test_quotes_come_only_while_the_market_is_open(symbol):
    chunk, sessions = weeks(symbol, count=2)[1], INSTRUMENTS[symbol].sessions
    assert all(sessions.is_open(int(at)) for at in chunk.at[::5])
    week = range(from_iso("2026-01-12"), from_iso("2026-01-12") + WEEK, MINUTE)
    assert chunk.bars.at.tolist() == [at for at in week if sessions.is_open(at)]


def test_gold_rests_for_an_hour_at_the_roll_in_winter_and_in_summer():
    for start, utc_hour in (("2026-01-12", 22), ("2026-07-06", 21)):
        at = SyntheticMarket(GOLD, 1, start=from_iso(start)).chunk(0).bars.at
        tuesday = at[(at >= from_iso(start) + DAY) & (at < from_iso(start) + 2 * DAY)]
        assert {to_datetime(int(minute)).hour for minute in tuesday} == set(range(24)) - {utc_hour}


def test_clocks_changed_within_a_chunk_are_followed():
    sunday = from_iso("2026-03-08")  # New York went to summer time at 07:00 UTC
    hours = sunday + HOUR * np.array([6, 7])
    assert local_minute(hours, "America/New_York").tolist() == [60, 180]


@pytest.mark.parametrize("side", BarSide)
def test_bars_are_what_the_bar_builder_makes_of_the_quotes(side):
    instrument = replace(GOLD, bar_side=side)
    chunk = SyntheticMarket(instrument, 11, quotes_per_bar=5).chunk(0)
    builder = BarBuilder(instrument, Timeframe.of("M1"))
    for number in range(200):
        for row in range(5 * number, 5 * number + 5):
            builder.push(Quote(GOLD.symbol, int(chunk.at[row]), int(chunk.bid[row]), int(chunk.ask[row])))
        built = builder.close()
        assert built._replace(volume=0.0) == chunk.bars.row(number)._replace(volume=0.0)


def test_the_price_stays_plausible_for_two_years():
    market = SyntheticMarket(GOLD, 1, quotes_per_bar=1)
    closes = np.concatenate([market.chunk(index).bars.close for index in range(104)])
    assert 1_800 < closes.min() < closes.max() < 6_000


@pytest.mark.parametrize(("symbol", "low", "high"), [("XAUUSD", 0.12, 0.22), ("XAGUSD", 0.20, 0.36), ("EURUSD", 0.05, 0.10)])
def test_volatility_is_that_of_the_real_market(symbol, low, high):
    returns = np.diff(np.log(joined(symbol).close))
    assert low < np.sqrt(np.sum(returns**2) * 52 / 10) < high


def test_volatility_comes_in_clusters_and_returns_have_fat_tails():
    returns = np.diff(np.log(joined().close))
    size = np.abs(returns)
    lags = [float(np.corrcoef(size[:-lag], size[lag:])[0, 1]) for lag in range(1, 21)]
    assert min(lags) > 0.1
    assert np.mean(returns**4) / np.mean(returns**2) ** 2 > 6


def test_jumps_are_likelier_at_scheduled_news():
    bars = joined()
    moves = np.abs(np.diff(np.log(bars.close)))
    large = moves > 8 * np.median(moves)
    news = np.isin(local_minute(bars.at[1:], "America/New_York"), (510, 600))
    assert large[news].mean() > 10 * large[~news].mean()


def test_the_spread_widens_three_to_six_times_at_the_roll():
    bars = joined()
    minute = local_minute(bars.at, "America/New_York")
    usual = np.median(bars.spread[(minute > 9 * 60) & (minute < 12 * 60)])
    roll = np.median(bars.spread[(minute >= 16 * 60 + 58) & (minute <= 18 * 60 + 1)])
    assert 3 < roll / usual < 6.5


def test_the_spread_is_wider_in_asia_than_in_the_overlap_of_london_and_new_york():
    bars = joined()
    minute = local_minute(bars.at, "Europe/London")
    asia, overlap = (minute < 5 * 60), (minute > 13 * 60) & (minute < 16 * 60)
    assert bars.spread[asia].mean() > 1.2 * bars.spread[overlap].mean()


def next_move(bars: Bars, ahead: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (20 minutes into a session or later) and the move of the next `ahead` minutes in usual minutes' moves."""
    rows = np.arange(60, len(bars) - ahead)
    inside = bars.at[rows + ahead] - bars.at[rows - 60] == (60 + ahead) * MINUTE
    rows = rows[inside]
    usual = np.array([np.mean(np.abs(np.diff(bars.close[row - 30 : row + 1]))) for row in rows])
    return rows, (bars.close[rows + ahead] - bars.close[rows]) / usual


def t_value(sample: np.ndarray, spacing: int) -> float:
    """The t-value of a mean whose samples overlap `spacing` minutes."""
    return float(sample.mean() / sample.std() * np.sqrt(len(sample) / spacing))


@pytest.mark.parametrize("seed", [7, 8])
def test_the_price_goes_on_in_the_direction_of_a_burst_of_volume(seed):
    bars = joined(seed=seed)
    rows, ahead = next_move(bars, 15)
    volume = np.array([bars.volume[row - 4 : row + 1].mean() / bars.volume[row - 59 : row + 1].mean() for row in rows])
    direction = np.sign(bars.close[rows] - bars.close[rows - 10])
    burst = volume > np.quantile(volume, 0.9)
    gain = (ahead * direction)[burst]
    assert t_value(gain, 15) > 3
    assert np.mean(gain > 0) > 0.53


@pytest.mark.parametrize("seed", [7, 8])
def test_the_price_comes_back_to_its_mean_in_quiet_hours_only(seed):
    bars = joined(seed=seed, count=16)
    rows, ahead = next_move(bars, 30)
    mean = np.array([np.average(bars.close[row - 59 : row + 1], weights=bars.volume[row - 59 : row + 1]) for row in rows])
    away = bars.close[rows] - mean
    far = np.abs(away) > np.quantile(np.abs(away), 0.6)
    back = -ahead * np.sign(away)
    minute = local_minute(bars.at[rows], "America/New_York")
    quiet, busy = (minute > 22 * 60) | (minute < 60), (minute > 8 * 60) & (minute < 12 * 60)
    assert t_value(back[far & quiet], 30) > 3
    assert back[far & quiet].mean() > back[far & busy].mean()


def test_what_cannot_be_simulated_is_said_in_one_sentence():
    unknown = replace(GOLD, symbol="XPTUSD", character=None)
    with pytest.raises(UserError, match="XPTUSD has no simulated market"):
        SyntheticMarket(unknown, 1)
    with pytest.raises(UserError, match="1 to 600 quotes, not 0"):
        SyntheticMarket(GOLD, 1, quotes_per_bar=0)
    with pytest.raises(UserError, match="no week -1"):
        SyntheticMarket(GOLD, 1).chunk(-1)
    with pytest.raises(UserError, match="from 0 up, not -3"):
        SyntheticMarket(GOLD, -3)


def test_a_coarse_tick_is_priced_as_well():
    coarse = replace(instrument_of("XAUUSD"), tick_size=Decimal("0.3"))
    bars = SyntheticMarket(coarse, 1).chunk(0).bars
    assert np.allclose(bars.close / 0.3, np.rint(bars.close / 0.3))


def test_the_simulated_market_keeps_the_holidays_of_its_instrument():
    at = joined().at
    king, half_past_two, evening = (from_iso(f"2026-01-{text}") for text in ("19T00:00", "19T19:30", "19T23:00"))
    assert ((at >= king) & (at < half_past_two)).any()
    assert not ((at >= half_past_two) & (at < evening)).any()
    easter = SyntheticMarket(GOLD, 1, start=from_iso("2026-03-30")).chunk(0).bars.at
    shut, opens = from_iso("2026-04-02T21:00"), from_iso("2026-04-05T22:00")  # from Thursday over Good Friday to Sunday
    assert not ((easter >= shut) & (easter < opens)).any()
    assert easter.max() > opens
