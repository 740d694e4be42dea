"""The market data store: what is written is read back, and writing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.clock import DAY, MINUTE, SECOND, from_iso
from engine.core.errors import DataError, StoreError, UserError
from engine.domain.market import Bars, QuoteColumns, Timeframe
from engine.storage.columns import WriteResult
from engine.storage.market import TICK, Coverage, MarketStore, open_market
from tests.engine.storage.conftest import BOTH, new_url

_numbers = count()

START = from_iso("2020-01-02T00:00")


@pytest.fixture(scope="module", params=BOTH)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketStore]:
    """A store the invariants share, each example under a source of its own."""
    with open_market(new_url(request.param, request, tmp_path_factory)) as opened:
        yield opened


@pytest.fixture
def market(url: str) -> Iterator[MarketStore]:
    with open_market(url) as opened:
        yield opened


def bars(number: int, start: int = START, step: int = MINUTE, seed: int = 1) -> Bars:
    """Bars of a random walk, the spread known of every second one."""
    random = np.random.default_rng(seed)
    close = 1500 + random.normal(size=number).cumsum()
    spread = np.where(np.arange(number) % 2, 0.25, np.nan)
    at = start + np.arange(number, dtype=np.int64) * step
    return Bars(at, close - 0.1, close + 1.0, close - 1.0, close, random.integers(0, 99, number).astype(float), spread)


def quotes(at: list[int], bid: float = 1500.0) -> QuoteColumns:
    times = np.array(at, dtype=np.int64)
    return QuoteColumns(times, bid + np.arange(len(at)), bid + np.arange(len(at)) + 0.2)


def assert_same(found: Bars | QuoteColumns, expected: Bars | QuoteColumns) -> None:
    for field in fields(expected):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), strict=True)


def test_bars_are_read_back_to_the_last_bit(market: MarketStore) -> None:
    given_bars = bars(5000)
    assert market.write_bars("XAUUSD", "M1", "mt4", given_bars) == WriteResult(5000, 0, 0)
    assert_same(market.read_bars("XAUUSD", "M1"), given_bars)


def test_importing_twice_changes_nothing(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "mt4", bars(3000))
    before = market.coverage()
    assert market.write_bars("XAUUSD", "M1", "mt4", bars(3000)) == WriteResult(0, 3000, 0)
    assert market.coverage() == before
    assert_same(market.read_bars("XAUUSD", "M1"), bars(3000))


def test_an_overlapping_file_adds_only_what_is_new(market: MarketStore) -> None:
    whole = bars(6000)
    market.write_bars("XAUUSD", "M1", "mt4", whole[1000:4000])
    assert market.write_bars("XAUUSD", "M1", "mt4", whole[3500:]) == WriteResult(2000, 500, 0)
    assert market.write_bars("XAUUSD", "M1", "mt4", whole) == WriteResult(1000, 5000, 0)
    assert_same(market.read_bars("XAUUSD", "M1"), whole)


def test_rows_with_other_values_are_counted_and_not_overwritten(market: MarketStore) -> None:
    first = bars(2000)
    other = replace(first, close=np.where(np.arange(2000) % 10 == 0, 1.0, first.close))
    market.write_bars("XAUUSD", "M1", "mt4", first)
    assert market.write_bars("XAUUSD", "M1", "mt4", other) == WriteResult(0, 1800, 200)
    assert_same(market.read_bars("XAUUSD", "M1"), first)


def test_rows_with_other_values_are_overwritten_when_asked_for(market: MarketStore) -> None:
    first = bars(2000)
    other = replace(bars(2500), close=np.full(2500, 1.0))
    market.write_bars("XAUUSD", "M1", "mt4", first)
    assert market.write_bars("XAUUSD", "M1", "mt4", other, replace=True) == WriteResult(500, 0, 2000)
    assert_same(market.read_bars("XAUUSD", "M1"), other)


@pytest.mark.parametrize("timeframe", ["M1", "H1", "D1"])
def test_a_range_has_its_start_and_not_its_end(market: MarketStore, timeframe: str) -> None:
    step = Timeframe.of(timeframe).span
    whole = bars(4000, step=step)
    market.write_bars("XAUUSD", timeframe, "mt4", whole)
    start, end = START + 1234 * step, START + 3456 * step
    assert_same(market.read_bars("XAUUSD", timeframe, start, end), whole[1234:3456])
    assert_same(market.read_bars("XAUUSD", timeframe, start - 1, end + 1), whole[1234:3457])
    assert_same(market.read_bars("XAUUSD", timeframe, end=start), whole[:1234])
    assert_same(market.read_bars("XAUUSD", timeframe, start=end), whole[3456:])


def test_what_is_not_stored_is_read_as_nothing(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "mt4", bars(10))
    assert_same(market.read_bars("XAGUSD", "M1"), Bars.empty())
    assert_same(market.read_bars("XAUUSD", "M5"), Bars.empty())
    assert_same(market.read_bars("XAUUSD", "M1", START + 10 * DAY), Bars.empty())
    assert_same(market.read_bars("XAUUSD", "M1", source="other"), Bars.empty())


def test_writing_nothing_stores_nothing(market: MarketStore) -> None:
    assert market.write_bars("XAUUSD", "M1", "mt4", Bars.empty()) == WriteResult(0, 0, 0)
    assert market.coverage() == []


def test_sources_stay_apart_and_the_fuller_one_is_read(market: MarketStore) -> None:
    few, many = bars(100, seed=1), bars(200, seed=2)
    market.write_bars("XAUUSD", "M1", "a", few)
    market.write_bars("XAUUSD", "M1", "b", many)
    assert_same(market.read_bars("XAUUSD", "M1", source="a"), few)
    assert_same(market.read_bars("XAUUSD", "M1"), many)


def test_the_coverage_names_every_series(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "m1", "mt4", bars(3000))
    market.write_bars("XAGUSD", "H1", "mt5", bars(30, step=60 * MINUTE))
    market.write_quotes("XAUUSD", "lean", quotes([START, START + 7]))
    assert market.coverage() == [
        Coverage("XAGUSD", "H1", "mt5", START, START + 29 * 60 * MINUTE, 30),
        Coverage("XAUUSD", "M1", "mt4", START, START + 2999 * MINUTE, 3000),
        Coverage("XAUUSD", TICK, "lean", START, START + 7, 2),
    ]


def test_the_spans_are_the_outermost_times_of_every_block(market: MarketStore) -> None:
    hours = [START + at * 20 * MINUTE for at in (0, 1, 2, 6, 8, 30)]
    market.write_quotes("XAUUSD", "ticks", quotes(hours))
    spans = [(hours[0], hours[2]), (hours[3], hours[4]), (hours[5], hours[5])]
    assert market.spans("XAUUSD", TICK, "ticks").tolist() == [list(span) for span in spans]
    assert market.spans("XAUUSD", TICK, "others").tolist() == []


def test_quotes_of_one_moment_all_stay(market: MarketStore) -> None:
    given_quotes = quotes([START, START, START, START + SECOND, START + 2 * 3600 * SECOND])
    assert market.write_quotes("XAUUSD", "lean", given_quotes) == WriteResult(5, 0, 0)
    assert market.write_quotes("XAUUSD", "lean", given_quotes) == WriteResult(0, 5, 0)
    assert_same(market.read_quotes("XAUUSD"), given_quotes)
    assert_same(
        market.read_quotes("XAUUSD", START + 1, START + 2 * SECOND),
        QuoteColumns(*(getattr(given_quotes, name)[3:4] for name in ("at", "bid", "ask"))),
    )


def test_bars_out_of_order_are_refused_with_their_row(market: MarketStore) -> None:
    doubled = replace(bars(5), at=bars(5).at[[0, 1, 1, 2, 3]])
    with pytest.raises(DataError, match="row 2 does not follow"):
        market.write_bars("XAUUSD", "M1", "mt4", doubled)
    assert market.coverage() == []


def test_quotes_that_go_back_in_time_are_refused(market: MarketStore) -> None:
    with pytest.raises(DataError, match="row 1 does not follow"):
        market.write_quotes("XAUUSD", "lean", quotes([START, START - 1]))


def test_an_unknown_timeframe_is_refused(market: MarketStore) -> None:
    with pytest.raises(UserError, match="M7"):
        market.read_bars("XAUUSD", "M7")


def test_market_data_lies_in_a_file_of_its_own_beside_the_books(tmp_path: Path) -> None:
    open_market(str(tmp_path / "books.db")).close()
    assert (tmp_path / "books.market.db").exists()
    assert not (tmp_path / "books.db").exists()


def test_a_store_reopened_has_what_was_written(url: str) -> None:
    with open_market(url) as market:
        market.write_bars("XAUUSD", "M1", "mt4", bars(2000))
    with open_market(url) as market:
        assert_same(market.read_bars("XAUUSD", "M1"), bars(2000))


MOMENTS = st.lists(st.integers(-200, 200).map(lambda hours: START + hours * 5 * MINUTE), max_size=30)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(st.tuples(MOMENTS, st.integers(0, 2)), min_size=1, max_size=4))
def test_any_batches_of_bars_leave_the_first_value_of_every_moment(
    shared: MarketStore, batches: list[tuple[list[int], int]]
) -> None:
    source, stored = f"batch {next(_numbers)}", dict[int, float]()
    for moments, value in batches:
        at = np.array(sorted(set(moments)), dtype=np.int64)
        result = shared.write_bars("XAUUSD", "M5", source, Bars(at, *(np.full(len(at), float(value)) for _ in range(6))))
        known = [moment for moment in at.tolist() if moment in stored]
        same = sum(stored[moment] == value for moment in known)
        assert result == WriteResult(len(at) - len(known), same, len(known) - same)
        stored = {**dict.fromkeys(at.tolist(), float(value)), **stored}
    found = shared.read_bars("XAUUSD", "M5", source=source)
    assert dict(zip(found.at.tolist(), found.close.tolist(), strict=True)) == stored
    assert found.at.tolist() == sorted(stored)


def test_an_import_that_the_disk_refuses_stores_nothing_of_it(tmp_path: Path) -> None:
    with open_market(str(tmp_path / "books.db")) as market:
        market.write_bars("XAUUSD", "M1", "mt4", bars(1000))
        link = market._blocks._link  # type: ignore[attr-defined]  # both kinds of blocks have a link
        pages = link.rows("PRAGMA page_count")[0][0]
        link.rows(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(StoreError, match="full"):
            market.write_bars("XAUUSD", "M1", "mt4", bars(50_000))
        assert_same(market.read_bars("XAUUSD", "M1"), bars(1000))
