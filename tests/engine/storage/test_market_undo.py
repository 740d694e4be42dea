"""Undoing an import makes the store what it was before, to the last bit, on both kinds of database."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.clock import DAY, MINUTE
from engine.core.errors import UserError
from engine.domain.market import Bars, QuoteColumns
from engine.storage.columns import WriteResult
from engine.storage.market import TICK, MarketStore, open_market
from engine.storage.versions import Origin
from tests.engine.storage.test_market import START, assert_same, bars, quotes, shared

__all__ = ["shared"]

NOW = START + DAY
_numbers = count()


@pytest.fixture
def market(url: str) -> Iterator[MarketStore]:
    with open_market(url) as opened:
        yield opened


def origin(number: int) -> Origin:
    return Origin("mt4", f"{number:064x}", "mt4-export", "UTC", NOW)


def digest(store: MarketStore) -> str:
    """SHA-256 over every value of every stored series."""
    found = hashlib.sha256()
    for each in store.coverage():
        found.update(repr(each).encode())
        data: Bars | QuoteColumns
        if each.timeframe == TICK:
            data = store.read_quotes(each.symbol, source=each.source)
        else:
            data = store.read_bars(each.symbol, each.timeframe, source=each.source)
        for field in fields(data):
            found.update(getattr(data, field.name).tobytes())
    return found.hexdigest()


def test_undoing_the_first_import_leaves_nothing(market: MarketStore) -> None:
    nothing = digest(market)
    market.write_bars("XAUUSD", "M1", "mt4", bars(4000), origin=origin(1))
    undone = market.undo(1, NOW)
    assert (undone.number, undone.result, undone.undone_at) == (1, WriteResult(4000, 0, 0), NOW)
    assert digest(market) == nothing
    assert market.coverage() == []
    assert market.imports() == []
    assert [entry.undone_at for entry in market.entries()] == [NOW]


def test_undoing_takes_out_what_was_added_between_rows_that_stay(market: MarketStore) -> None:
    whole = bars(5000)
    market.write_bars("XAUUSD", "M1", "mt4", whole[1000:3000], origin=origin(1))
    before = digest(market)
    market.write_bars("XAUUSD", "M1", "mt4", whole, origin=origin(2))
    market.undo(2, NOW)
    assert digest(market) == before
    assert_same(market.read_bars("XAUUSD", "M1"), whole[1000:3000])


def test_undoing_a_replacement_brings_the_former_values_back(market: MarketStore) -> None:
    whole = bars(3500)
    market.write_bars("XAUUSD", "M1", "mt4", whole[:3000], origin=origin(1))
    before = digest(market)
    other = replace(whole, close=np.where(np.arange(3500) % 7 == 0, 1.0, whole.close))
    assert market.write_bars("XAUUSD", "M1", "mt4", other, True, origin(2)) == WriteResult(500, 2571, 429)
    assert digest(market) != before
    market.undo(2, NOW)
    assert digest(market) == before
    assert market.revised() == []


def test_undoing_forgets_the_values_that_were_only_offered(market: MarketStore) -> None:
    market.write_bars("XAUUSD", "M1", "mt4", bars(100), origin=origin(1))
    market.write_bars("XAUUSD", "M1", "mt4", bars(100, seed=2), origin=origin(2))
    assert [entry.rows for entry in market.revised()] == [100]
    market.undo(2, NOW)
    assert market.revised() == []
    assert_same(market.read_bars("XAUUSD", "M1"), bars(100))


def test_undoing_a_repair_brings_the_removed_rows_back(market: MarketStore) -> None:
    whole = bars(3000)
    market.write_bars("XAUUSD", "M1", "mt4", whole, origin=origin(1))
    before = digest(market)
    assert market.remove_bars("XAUUSD", "M1", "mt4", whole.at[1400:1500], origin(2)) == 100
    with pytest.raises(UserError, match=r"import 1 cannot be undone: import 2 \(mt4\) builds on it"):
        market.undo(1, NOW)
    market.undo(2, NOW)
    assert digest(market) == before


def test_quotes_that_share_a_time_are_undone_one_by_one(market: MarketStore) -> None:
    market.write_quotes("XAUUSD", "ticks", quotes([START, START, START + 1]), origin=origin(1))
    before = digest(market)
    more = quotes([START, START, START, START + 1, START + 2], bid=1600.0)
    market.write_quotes("XAUUSD", "ticks", more, True, origin(2))
    assert len(market.read_quotes("XAUUSD")) == 5
    market.undo(2, NOW)
    assert digest(market) == before


def test_an_import_that_a_later_one_builds_on_is_not_undone(market: MarketStore) -> None:
    whole = bars(300)
    market.write_bars("XAUUSD", "M1", "mt4", whole[:200], origin=origin(1))
    market.write_bars("XAUUSD", "M1", "mt4", whole[100:], origin=origin(2))
    before = digest(market)
    with pytest.raises(UserError, match=r"import 2 .* builds on it; undo that first"):
        market.undo(1, NOW)
    assert digest(market) == before
    market.undo(2, NOW)
    market.undo(1, NOW)
    assert market.coverage() == []


def test_an_import_is_undone_under_a_later_one_that_never_met_it(market: MarketStore) -> None:
    whole = bars(4000)
    market.write_bars("XAUUSD", "M1", "mt4", whole[:2000], origin=origin(1))
    market.write_bars("XAUUSD", "M1", "mt4", whole[2000:], origin=origin(2))
    market.undo(1, NOW)
    assert_same(market.read_bars("XAUUSD", "M1"), whole[2000:])


def test_what_was_undone_can_be_imported_and_undone_again(market: MarketStore) -> None:
    for number in (1, 2):
        assert market.write_bars("XAUUSD", "M1", "mt4", bars(50), origin=origin(1)) == WriteResult(50, 0, 0)
        market.undo(number, NOW)
    assert market.coverage() == []


@pytest.mark.parametrize(("number", "says"), [(1, "was undone already"), (7, "there is no import 7")])
def test_what_cannot_be_undone_is_said(market: MarketStore, number: int, says: str) -> None:
    market.write_bars("XAUUSD", "M1", "mt4", bars(5), origin=origin(1))
    market.undo(1, NOW)
    with pytest.raises(UserError, match=says):
        market.undo(number, NOW)


def test_an_import_of_before_it_was_kept_what_one_adds_is_not_undone(tmp_path: Path) -> None:
    with open_market(str(tmp_path / "books.db")) as market:
        market.write_bars("XAUUSD", "M1", "mt4", bars(5), origin=origin(1))
    with closing(sqlite3.connect(tmp_path / "books.market.db")) as raw, raw:
        raw.execute("DELETE FROM additions")
    with open_market(str(tmp_path / "books.db")) as market:
        with pytest.raises(UserError, match="from before this program kept what an import adds"):
            market.undo(1, NOW)
        assert_same(market.read_bars("XAUUSD", "M1"), bars(5))


batches = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(1, 2_500), st.integers(1, 3), st.booleans()), min_size=1, max_size=4
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_any_imports_undone_one_after_the_other_give_every_state_back(
    shared: MarketStore, files: list[tuple[int, int, int, bool]]
) -> None:
    source = f"file {next(_numbers)}"
    before: dict[int, Bars] = {}
    for number, (start, length, seed, replaced) in enumerate(files):
        stored = shared.read_bars("XAUUSD", "M1", source=source)
        part = bars(6_000, seed=seed)[start : start + length]
        shared.write_bars("XAUUSD", "M1", source, part, replaced, origin(number))
        before[shared.entries()[-1].number] = stored
    for number, state in reversed(before.items()):
        shared.undo(number, NOW)
        assert_same(shared.read_bars("XAUUSD", "M1", source=source), state)
    assert not [entry for entry in shared.revised() if entry.source == source]


class Enough(Exception):
    """A watcher has seen enough."""


@pytest.mark.parametrize("calls", [1, 3])
def test_a_write_that_is_stopped_on_its_way_leaves_nothing(market: MarketStore, calls: int) -> None:
    market.write_bars("XAUUSD", "M1", "mt4", bars(500), origin=origin(1))
    before, seen = digest(market), list[float]()

    def watch(share: float) -> None:
        seen.append(share)
        if len(seen) == calls:
            raise Enough

    with pytest.raises(Enough):
        market.write_bars("XAUUSD", "M1", "mt4", bars(50_000, step=MINUTE), origin=origin(2), watch=watch)
    assert digest(market) == before
    assert len(market.entries()) == 1
    market.write_bars("XAUUSD", "M1", "mt4", bars(50_000), origin=origin(2), watch=seen.append)
    assert seen[calls:] == sorted(seen[calls:])
    assert seen[-1] == 1.0
