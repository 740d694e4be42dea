"""What is stored, how its sources agree, and mending it: on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from engine.core.clock import DAY, HOUR, MINUTE, from_iso
from engine.core.errors import UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import BAR_COLUMNS, Bars, QuoteColumns, Timeframe
from engine.domain.revision import changed
from engine.domain.shipped import shipped_definition
from engine.market.calendar import OpenTimes
from engine.market.clocks import parse_clock
from engine.services.instruments import save
from engine.services.library import import_file, references
from engine.services.repair import Means, Repair, repair, resampled
from engine.services.stored import gap_lines, stored
from engine.storage.market import open_market
from engine.storage.versions import Origin, Revised
from tests.engine.market.histories import gold, mt4, recorded, write
from tests.engine.storage.conftest import BOTH, new_url
from tests.postgres import postgres_url

__all__ = ["postgres_url"]

FIRST = from_iso("2024-07-01T00:00")
XAUUSD = instrument_of("XAUUSD")


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return new_url(request.param, request, tmp_path_factory)


def minutes(days: int = 5, step: int = MINUTE, closed: bool = False) -> Bars:
    """Gold in its sessions from Monday 2024-07-01; with the closed minutes filled flat where `closed`."""
    at = np.arange(FIRST, FIRST + days * DAY, step)
    is_open = OpenTimes.of(XAUUSD.sessions, int(at[0]), int(at[-1])).is_open(at)
    moves = np.where(is_open, np.random.default_rng(1).integers(-9, 10, len(at)), 0)
    close = np.round(2000 + np.cumsum(moves) / 100, 2)
    edge = np.where(is_open, 0.05, 0.0)
    bars = Bars(at, close, close + edge, close - edge, close, np.where(is_open, 7.0, 0.0), np.full(len(at), np.nan))
    return bars if closed else rows(bars, is_open)


def rows(bars: Bars, chosen: object) -> Bars:
    return Bars(*(getattr(bars, name)[chosen] for name in BAR_COLUMNS))


def origin(name: str, clock: str = "UTC") -> Origin:
    return Origin(name, name, "csv", clock, 1)


def put(url: str, name: str, bars: Bars, timeframe: str = "M1", clock: str = "UTC") -> None:
    with open_market(url) as store:
        store.write_bars("XAUUSD", timeframe, name, bars, origin=origin(name, clock))


def test_a_whole_week_is_whole_and_a_hole_in_it_is_found_to_the_minute(url: str) -> None:
    whole = minutes()
    put(url, "whole", whole)
    put(url, "broken", rows(whole, (whole.at < FIRST + 30 * HOUR) | (whole.at >= FIRST + 33 * HOUR)))
    (broken, complete), overlaps = stored(url)
    assert (complete.coverage, complete.holes, complete.rows) == (1.0, (), len(whole))
    assert [(hole.start - FIRST, hole.end - FIRST, hole.missing) for hole in broken.holes] == [(30 * HOUR, 33 * HOUR, 3 * HOUR)]
    assert list(gap_lines(broken)) == ["XAUUSD M1 broken: 2024-07-02 06:00 to 2024-07-02 09:00 UTC, 3.0 h of market time"]
    assert complete.clocks == ("UTC",)
    assert [(each.differ, each.only_one, each.only_other) for each in overlaps] == [(0, 0, 180)]


def test_two_sources_are_compared_where_both_have_bars(url: str) -> None:
    first = minutes()
    second = replace(first, close=np.where(np.arange(len(first)) % 4 == 0, np.round(first.close + 0.5, 2), first.close))
    put(url, "a", first)
    put(url, "b", second[1000:])
    (overlap,) = stored(url, "xauusd", "m1")[1]
    assert (overlap.one, overlap.other, overlap.shared) == ("a", "b", len(first) - 1000)
    assert overlap.differ == (len(first) - 1000 + 3) // 4
    assert (overlap.median, overlap.largest) == pytest.approx((0.5, 0.5))
    assert "the close differs in" in overlap.line()
    assert stored(url, "XAGUSD") == ([], [])


def test_the_spread_is_told_by_hour(url: str) -> None:
    at = FIRST + np.arange(6) * 20 * MINUTE
    with open_market(url) as store:
        store.write_quotes("XAUUSD", "ticks", QuoteColumns(at, np.full(6, 2000.0), 2000 + np.array([1, 2, 3, 5, 6, 7])))
    ((ticks,), _) = stored(url)
    assert ticks.spread is not None
    assert (ticks.spread.median, ticks.spread.largest, ticks.spread.known) == (4, 7, 6)
    assert ticks.spread.hours[:3] == (2, 6, None)
    assert any("by hour from 2 (00:00 UTC) to 6 (01:00 UTC)" in line for line in ticks.lines())


def test_flat_bars_in_closed_hours_are_removed_when_asked_and_kept_aside(url: str) -> None:
    put(url, "filled", minutes(closed=True))
    count = len(minutes(closed=True)) - len(minutes())
    step = Repair("XAUUSD", "M1", "filled", "remove", count, "flat, without volume, in closed hours", False)
    assert repair(url, None, None, None, Means(), apply=False) == [step]
    assert stored(url)[0][0].closed_rows == count
    assert repair(url, "XAUUSD", "M1", "filled", Means(), apply=True) == [step._replace(applied=True)]
    assert repair(url, None, None, None, Means(), apply=True) == []
    ((series,), _) = stored(url)
    assert (series.closed_rows, series.rows, series.revised) == (0, len(minutes()), {"removed": count})
    assert any(f"{count:,} removed" in line for line in series.lines())


def test_bars_inside_the_sessions_the_owner_set_are_not_removed(url: str) -> None:
    whole = minutes(days=3, closed=True)
    put(url, "filled", whole)
    days = [f"{one} 18:00 - {other} 18:00" for one, other in pairwise(("Sun", "Mon", "Tue", "Wed", "Thu"))]
    through = {"sessions.periods": json.dumps([*days, "Thu 18:00 - Fri 17:00"])}
    save(url, changed(shipped_definition("XAUUSD"), through), "no break between the days here")
    assert repair(url, None, None, None, Means(), apply=True) == []
    ((series,), _) = stored(url)
    assert (series.rows, series.closed_rows, series.coverage) == (len(whole), 0, 1.0)


def test_missing_hours_are_made_of_minutes_on_the_series_own_clock(url: str) -> None:
    hours = minutes(step=HOUR)
    put(url, "hours", rows(hours, (hours.at < FIRST + 30 * HOUR) | (hours.at >= FIRST + 33 * HOUR)), "H1")
    short = minutes()
    put(url, "minutes", short)
    (step,) = repair(url, "XAUUSD", "H1", None, Means(from_source="minutes"), apply=True)
    assert (step.kind, step.rows, step.detail) == ("make", 3, "out of minutes M1")
    with open_market(url) as store:
        made = store.read_bars("XAUUSD", "H1", FIRST + 30 * HOUR, FIRST + 33 * HOUR, "hours")
    chosen = (short.at >= FIRST + 30 * HOUR) & (short.at < FIRST + 33 * HOUR)
    assert made.open.tolist() == short.open[chosen][::60].tolist()
    assert made.close.tolist() == short.close[chosen][59::60].tolist()
    assert made.volume.tolist() == [420, 420, 420]
    assert repair(url, "XAUUSD", "H1", None, Means(from_source="minutes"), apply=True) == []


def test_what_a_source_filled_into_closed_hours_makes_no_longer_bar(url: str) -> None:
    put(url, "filled", minutes(closed=True))
    with open_market(url) as store:
        (series,) = store.coverage()
        made = resampled(store, series, Timeframe.of("H1"), parse_clock("UTC"), XAUUSD)
    assert made.at.tolist() == minutes(step=HOUR).at.tolist()


def test_values_that_a_later_file_offered_are_taken_when_asked(url: str) -> None:
    first = minutes()
    later = replace(first, volume=np.where(np.arange(len(first)) < 10, 8.0, first.volume))
    with open_market(url) as store:
        store.write_bars("XAUUSD", "M1", "file", first, origin=origin("first"))
        store.write_bars("XAUUSD", "M1", "file", later, origin=origin("later"))
    (step,) = repair(url, None, None, None, Means(take_offered=True), apply=True)
    assert (step.kind, step.rows) == ("take", 10)
    with open_market(url) as store:
        assert store.read_bars("XAUUSD", "M1").volume.tolist() == later.volume.tolist()
        assert store.revised() == [
            Revised("XAUUSD", "M1", "file", "offered", 10),
            Revised("XAUUSD", "M1", "file", "replaced", 10),
        ]
    assert repair(url, None, None, None, Means(take_offered=True), apply=True) == []


def test_a_file_corrected_later_leaves_both_values(tmp_path_factory: pytest.TempPathFactory, url: str) -> None:
    folder = tmp_path_factory.mktemp("files")
    table = gold("2024-05-06", "2024-05-08", step=60)
    import_file(write(folder, mt4(table)), url, XAUUSD, None, "UTC", False, None, False)
    other = [row._replace(volume=101) if number < 5 else row for number, row in enumerate(table)]
    imported = import_file(write(folder, mt4(other)), url, XAUUSD, None, "UTC", False, None, False)
    assert imported.result.changed == 5
    assert "5 different and left as they were (kept as offered)" in imported.lines()[-1]
    taken = import_file(write(folder, mt4(other)), url, XAUUSD, None, "UTC", False, None, False, replace=True)
    assert "5 replaced (the earlier values are kept)" in taken.lines()[-1]
    with open_market(url) as store:
        assert [(each.kind, each.rows) for each in store.revised()] == [("offered", 5), ("replaced", 5)]
        assert store.read_bars("XAUUSD", "H1").volume[:6].tolist() == [101.0] * 5 + [100.0]


def test_a_file_stored_on_another_clock_is_refused_until_that_import_is_undone(
    tmp_path_factory: pytest.TempPathFactory, url: str
) -> None:
    file = write(tmp_path_factory.mktemp("files"), mt4(gold("2024-05-06", "2024-05-18", step=60, zone="Europe/Helsinki")))
    wrong = import_file(file, url, XAUUSD, None, "UTC", False, None, False)
    for replaced in (False, True):
        with pytest.raises(UserError) as refusal:
            import_file(file, url, XAUUSD, None, None, False, None, False, replace=replaced)
        assert str(refusal.value) == (
            f"{file.name} is stored already, read on UTC (import 1); undo that first: main.py data undo 1 (or give --force)"
        )
    with open_market(url) as store:
        (series,) = store.coverage()
        assert series.rows == wrong.result.added
        store.undo(1, 2)
    right = import_file(file, url, XAUUSD, None, None, False, None, False)
    assert (right.history.clock.spec, right.result.added) == ("EET", wrong.result.added)
    again = import_file(file, url, XAUUSD, None, "Europe/Helsinki", False, None, False)
    assert (again.result.same, again.result.added) == (right.result.added, 0)
    assert import_file(file, url, XAUUSD, None, "UTC", False, None, True).result.added > 0


def test_a_file_stored_at_another_price_scale_is_refused_but_may_replace(
    tmp_path_factory: pytest.TempPathFactory, url: str
) -> None:
    file = write(tmp_path_factory.mktemp("files"), mt4(gold("2024-05-06", "2024-05-08", step=60)))
    stored_rows = import_file(file, url, XAUUSD, None, "UTC", False, Decimal("1.1"), False).result.added
    with pytest.raises(UserError, match=r"is stored already, at another price scale \(import 1\); undo that first"):
        import_file(file, url, XAUUSD, None, "UTC", False, None, False)
    assert import_file(file, url, XAUUSD, None, "UTC", False, None, False, replace=True).result.changed == stored_rows
    assert import_file(file, url, XAUUSD, None, "UTC", False, None, False).result.same == stored_rows


def test_an_import_measures_the_clock_against_what_is_stored(url: str) -> None:
    known = recorded("crypto/BTCUSDT_H1_2021-2023_binance.csv.gz")
    unknown = recorded("crypto/BTCPERP_M1_2022-01.csv.gz")
    bitcoin = instrument_of("BTCUSDT")
    import_file(known, url, bitcoin, None, None, False, None, False)
    clock = import_file(unknown, url, bitcoin, None, None, False, None, False).history.clock
    assert (clock.spec, clock.how) == ("UTC", "measured")
    assert f"returns against {known.name} (BTCUSDT H1): 0.98" in clock.evidence[0]


def test_a_file_is_not_measured_against_itself_and_metals_lend_each_other_theirs(url: str) -> None:
    put(url, "gold.csv", minutes(step=HOUR), "H1", "EET")
    with open_market(url) as store:
        assert references(store, XAUUSD, "gold.csv") == []
        (near,) = references(store, instrument_of("XAGUSD"))
        assert (near.name, near.clock) == ("gold.csv (XAUUSD H1)", "EET")
        assert references(store, instrument_of("EURUSD")) == []
