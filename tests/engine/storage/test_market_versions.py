"""Duplicates and later corrections of market data: counted, kept, never overwritten silently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from engine.domain.market import Bars
from engine.storage.columns import WriteResult
from engine.storage.database import Database, locate
from engine.storage.market import MarketStore, open_market
from engine.storage.migrate import MARKET, move
from engine.storage.versions import Import, Origin, Revised
from tests.engine.storage.test_market import assert_same, bars, quotes

FILE = Origin("gold.csv", "aa", "mt4-export", "EET", 7)
LATER = Origin("gold.csv", "bb", "mt4-export", "EET", 8)


@pytest.fixture
def market(url: str) -> Iterator[MarketStore]:
    with open_market(url) as opened:
        yield opened


def corrected(given: Bars, every: int = 10) -> Bars:
    """The bars with another close, and no spread, in every tenth."""
    hit = np.arange(len(given)) % every == 0
    return replace(given, close=np.where(hit, given.close + 1, given.close), spread=np.where(hit, np.nan, given.spread))


def scaled(given: Bars, scale: float) -> Bars:
    """The bars with prices as another price scale reads them."""
    return replace(given, **{name: getattr(given, name) * scale for name in ("open", "high", "low", "close")})


def test_an_import_leaves_its_origin(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    assert market.imports() == [Import("XAUUSD", "M1", "gold.csv", FILE, WriteResult(3000, 0, 0))]
    assert market.revised() == []


def test_the_same_file_once_more_leaves_no_second_trace(market: MarketStore) -> None:
    for _ in range(2):
        market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
        market.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(3000)), origin=LATER)
    assert [entry.origin for entry in market.imports()] == [FILE, LATER]
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "offered", 300)]


def test_a_later_file_with_other_values_is_kept_beside_what_is_stored(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    later = corrected(bars(3000))
    assert market.write_bars("XAUUSD", "M1", "gold.csv", later, origin=LATER) == WriteResult(0, 2700, 300)
    assert_same(market.read_bars("XAUUSD", "M1"), bars(3000))
    offered = market.revision_bars("XAUUSD", "m1", "gold.csv", "offered")
    assert_same(offered, Bars(*(getattr(later, name)[::10] for name in Bars.__slots__)))


def test_other_values_of_a_known_file_are_kept_once(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    for scale in (1.01, 1.02, 1.01, 1.02):
        market.write_bars("XAUUSD", "M1", "gold.csv", scaled(corrected(bars(3000)), scale), origin=FILE)
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "offered", 6000)]
    assert [entry.result.changed for entry in market.imports()] == [0, 3000, 3000]
    offered = market.revision_bars("XAUUSD", "M1", "gold.csv", "offered")
    assert_same(offered, scaled(corrected(bars(3000)), 1.02))
    assert_same(market.read_bars("XAUUSD", "M1"), bars(3000))


def test_of_a_known_file_only_the_values_that_are_new_are_kept(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    market.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(3000)), origin=LATER)
    market.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(3000), 5), origin=LATER)
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "offered", 600)]


def test_what_was_replaced_is_not_offered_again_by_its_own_file(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    market.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(3000)), replace=True, origin=LATER)
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(3000), origin=FILE)
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "replaced", 300)]
    assert len(market.imports()) == 2


def test_what_is_replaced_is_kept_to_the_last_bit(market: MarketStore) -> None:
    first, later = bars(3000), corrected(bars(3000))
    market.write_bars("XAUUSD", "M1", "gold.csv", first, origin=FILE)
    market.write_bars("XAUUSD", "M1", "gold.csv", later, replace=True, origin=LATER)
    assert_same(market.read_bars("XAUUSD", "M1"), later)
    before = market.revision_bars("XAUUSD", "M1", "gold.csv", "replaced")
    assert_same(before, Bars(*(getattr(first, name)[::10] for name in Bars.__slots__)))
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "replaced", 300)]


def test_what_is_replaced_without_an_origin_is_kept_too(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "gold.csv", bars(100))
    market.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(100)), replace=True)
    assert market.revised() == [Revised("XAUUSD", "M1", "gold.csv", "replaced", 10)]
    assert market.imports() == []


def test_removed_bars_are_gone_from_the_series_and_kept_in_its_history(market: MarketStore) -> None:
    whole = bars(4000)
    market.write_bars("XAUUSD", "M1", "gold.csv", whole, origin=FILE)
    repair = Origin("repair", "cc", "repair", "UTC", 9)
    assert market.remove_bars("XAUUSD", "M1", "gold.csv", whole.at[1000:3000], repair) == 2000
    assert market.remove_bars("XAUUSD", "M1", "gold.csv", whole.at[1000:3000], repair) == 0
    left = market.read_bars("XAUUSD", "M1")
    assert left.at.tolist() == [*whole.at[:1000].tolist(), *whole.at[3000:].tolist()]
    assert_same(market.revision_bars("XAUUSD", "M1", "gold.csv", "removed"), whole[1000:3000])
    assert market.coverage()[0].rows == 2000


def test_quotes_of_one_moment_are_told_apart_in_the_history(market: MarketStore) -> None:
    at = [bars(1).at[0]] * 3
    market.write_quotes("XAUUSD", "ticks", quotes(at), origin=FILE)
    other = quotes(at)
    market.write_quotes("XAUUSD", "ticks", replace(other, bid=other.bid + np.array([0, 0.05, 0])), origin=LATER)
    assert market.revised() == [Revised("XAUUSD", "TICK", "ticks", "offered", 1)]


def test_market_data_of_the_first_schema_goes_on_with_its_rows(url: str) -> None:
    with open_market(url) as market:
        market.write_bars("XAUUSD", "M1", "gold.csv", bars(2000))
    place = locate(url)
    if place.path is not None:
        place = locate(f"sqlite:///{place.path.with_name('books.market.db')}")
    with Database(place) as database:
        move(database, MARKET, "0001")
    with open_market(url) as market:
        assert_same(market.read_bars("XAUUSD", "M1"), bars(2000))
        assert market.imports() == []
