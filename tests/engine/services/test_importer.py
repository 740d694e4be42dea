"""Importing with open eyes: the plan says what a file is and would change, and carrying it out does just that, or nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import DataError, UserError
from engine.domain.imports import TICKS, Choices, ImportPlan
from engine.domain.market import Bars, QuoteColumns
from engine.domain.revision import changed as changed_definition
from engine.domain.shipped import shipped_definition
from engine.market.formats import FORMATS, BadRow, Source, Wanted
from engine.services.importer import Cancelled, apart, carry_out, done_of, import_line, imports, inspect, recording_of, undo
from engine.services.importer.running import settling
from engine.services.importer.samples import bad_lines
from engine.services.instruments import save
from engine.storage.market import TICK, MarketStore, open_market
from tests.engine.market.histories import METATRADER, Row, gold, lean, mt4, mt5, recorded, write
from tests.engine.storage.conftest import postgres_url, url

__all__ = ["postgres_url", "url"]

NAME = "XAUUSD_M5.csv"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Three weeks of gold on broker time, over the days when the US has changed its clocks and Europe has not."""
    return gold("2020-03-02T00:00", "2020-03-21T00:00", zone="Europe/Helsinki")


@pytest.fixture
def file(tmp_path: Path, rows: list[Row]) -> Path:
    return write(tmp_path, mt4(rows), NAME)


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "books.db")


def look(path: Path, where: str, **choices: object) -> ImportPlan:
    return inspect(path, where, Choices(**choices), "XAUUSD")  # type: ignore[arg-type]  # the test's own terms


def digest(where: str) -> str:
    """SHA-256 over every stored value."""
    found = hashlib.sha256()
    with open_market(where) as store:
        for each in store.coverage():
            found.update(repr(each).encode())
            ticks = each.timeframe == TICK
            data = (
                store.read_quotes(each.symbol, source=each.source)
                if ticks
                else store.read_bars(each.symbol, each.timeframe, source=each.source)
            )
            for field in fields(data):
                found.update(getattr(data, field.name).tobytes())
    return found.hexdigest()


def changed(rows: list[Row], every: int) -> list[Row]:
    """The rows with some of their lows lowered."""
    return [row._replace(low=f"{float(row.low) - 1:.2f}") if at % every == 0 else row for at, row in enumerate(rows)]


def test_a_plan_says_what_a_file_is_and_why(file: Path, db: str, rows: list[Row]) -> None:
    plan = look(file, db)
    assert (plan.format, plan.symbol, plan.timeframe, plan.clock) == ("mt4-export", "XAUUSD", "M5", "EET")
    assert (plan.clock_how, plan.confidence) == ("proposed", "clear")
    assert "closed-hours bars 0.0 % at EET" in plan.clock_evidence[0]
    assert [option.name for option in plan.formats if option.recognised] == ["mt4-export"]
    assert plan.clocks[0].spec == "EET"
    assert all(option.closed_share for option in plan.clocks[1:])
    assert (plan.rows, plan.bad_count, plan.warnings, plan.refusal) == (len(rows), 0, (), "")
    assert plan.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {figure.name: figure.text for figure in plan.figures}["Bad rows"] == "none"


def test_a_row_stands_as_written_beside_as_read(file: Path, db: str) -> None:
    plan = look(file, db)
    first, last = plan.first[0], plan.last[-1]
    lines = file.read_text().splitlines()
    assert (first.line, first.raw) == (1, lines[0])
    assert first.raw.startswith("2020.03.02,02:00,")
    assert first.at == plan.start
    assert f"{first.values[0]:.2f}" == lines[0].split(",")[2]
    assert (last.line, last.raw, last.at) == (len(lines), lines[-1], plan.end)


@pytest.mark.parametrize("kind", sorted(METATRADER))
def test_lines_are_counted_with_their_header(kind: str, tmp_path: Path, db: str, rows: list[Row]) -> None:
    file = write(tmp_path, METATRADER[kind](rows), NAME)
    plan = look(file, db)
    lines = file.read_text().splitlines()
    assert plan.format == kind
    for row in (*plan.first, *plan.last):
        assert row.raw == lines[row.line - 1].replace("\t", "  ")
        assert f"{row.values[3]:.2f}" in row.raw


def test_what_the_owner_says_of_an_instrument_holds_in_a_process_of_its_own_too(file: Path, db: str, rows: list[Row]) -> None:
    band = [1_900, max(float(row.high) for row in rows) - 2]
    save(db, changed_definition(shipped_definition("XAUUSD"), {"price.plausible": json.dumps(band)}), "it was never higher")
    outside = sum(float(row.high) > band[1] for row in rows)
    plan = apart(inspect, file, db, Choices(), "XAUUSD")
    assert (plan.bad_count, plan.rows) == (outside, len(rows) - outside)
    assert apart(carry_out, plan, db, False).added == len(rows) - outside


def test_an_instrument_of_the_owner_s_own_is_imported_by_its_name_and_replayed(tmp_path: Path, db: str, rows: list[Row]) -> None:
    own = changed_definition(shipped_definition("XAUUSD"), {"symbol": "XAUEUR", "name": "Gold in euros"})
    save(db, own, "mine")
    plan = look(write(tmp_path, mt4(rows), "XAUEUR_M5.csv"), db, price_scale="1.5")
    assert (plan.refusal, plan.symbol, plan.symbol_why) == ("", "XAUEUR", "the file's name says XAUEUR")
    assert carry_out(plan, db).added == len(rows)
    path, clock = recording_of(plan, db, tmp_path / "replays")
    assert look(path, db, clock=clock, symbol="XAUEUR").rows == len(rows)


def test_looking_stores_nothing(file: Path, db: str) -> None:
    before = digest(db)
    look(file, db)
    assert digest(db) == before
    assert imports(db) == []


def test_a_packed_file_is_looked_into(tmp_path: Path, db: str, rows: list[Row]) -> None:
    file = tmp_path / "history.csv.gz"
    file.write_bytes(gzip.compress(mt5(rows).encode()))
    plan = look(file, db)
    assert (plan.inner, plan.format, plan.timeframe) == ("history.csv", "mt5-export", "M5")
    assert plan.symbol_why == "the name does not say; XAUUSD is what this session trades"
    assert plan.warnings[0].startswith("The file's name does not say which instrument")


def test_carrying_out_does_what_the_plan_says(file: Path, url: str, rows: list[Row]) -> None:
    plan = look(file, url)
    assert plan.change is not None
    assert (plan.change.new, plan.change.same, plan.change.changed) == (len(rows), 0, 0)
    told: list[float] = []
    done = carry_out(plan, url, progress=lambda share, _words: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert (done.added, done.same, done.changed) == (len(rows), 0, 0)
    (entry,) = imports(url)
    assert done.entry == entry
    assert (entry.file, entry.sha256, entry.symbol, entry.timeframe, entry.clock) == (NAME, plan.sha256, "XAUUSD", "M5", "EET")
    assert import_line(entry).startswith("1: ")
    with open_market(url) as store:
        assert len(store.read_bars("XAUUSD", "M5", source=NAME)) == len(rows)


def test_undoing_brings_back_what_was_stored_to_the_last_bit(file: Path, url: str, rows: list[Row]) -> None:
    nothing = digest(url)
    carry_out(look(file, url), url)
    first = digest(url)
    file.write_text(mt4(changed(rows, 7)))
    plan = look(file, url, replace=True)
    assert plan.change is not None
    assert plan.change.changed == len(rows[::7])
    correction = plan.change.corrections[0]
    assert (correction.column, round(correction.stored - correction.file, 2)) == ("low", 1.0)
    done = carry_out(plan, url)
    assert done.entry is not None
    assert digest(url) != first
    with pytest.raises(UserError, match=r"import 1 cannot be undone: import 2 \(XAUUSD_M5\.csv\) builds on it"):
        undo(1, url)
    undone = undo(done.entry.number, url)
    assert undone.undone_at is not None
    assert digest(url) == first
    undo(1, url)
    assert digest(url) == nothing
    assert [bool(entry.undone_at) for entry in imports(url)] == [True, True]


def test_ticks_are_imported_and_undone_too(tmp_path: Path, url: str) -> None:
    lines = "".join(f"{at * 700},1.39{at % 90 + 100},1.39{at % 90 + 102}\n" for at in range(3_000))
    file = write(tmp_path, lines, "EURUSD_tick_20140507_quote.csv")
    nothing = digest(url)
    plan = look(file, url)
    assert (plan.timeframe, plan.symbol, plan.columns, plan.clock_how) == (TICKS, "EURUSD", ("bid", "ask"), "written")
    assert carry_out(plan, url).added == 3_000
    assert imports(url)[0].timeframe == TICKS
    undo(1, url)
    assert digest(url) == nothing


def test_the_same_file_again_changes_nothing_and_says_so(file: Path, db: str) -> None:
    carry_out(look(file, db), db)
    plan = look(file, db)
    assert plan.change is not None
    assert plan.change.is_nothing
    assert plan.warnings == ("Every row is stored already; importing the file would change nothing.",)
    assert carry_out(plan, db).entry is None


def test_broken_lines_are_shown_as_they_stand_and_left_out(tmp_path: Path, db: str, rows: list[Row]) -> None:
    lines = mt4(rows).splitlines()
    lines[40], lines[900] = "garbage", lines[900].replace(".", "x", 3)
    file = write(tmp_path, "\n".join(lines), NAME)
    plan = look(file, db)
    assert [(bad.line, bad.raw) for bad in plan.bad] == [(41, "garbage"), (901, lines[900])]
    assert plan.bad_count == 2
    with pytest.raises(DataError, match=r"line 41: .*; nothing was imported \(2 broken rows, strict\)"):
        carry_out(plan, db, strict=True)
    assert imports(db) == []
    assert carry_out(plan, db).added == len(rows) - 2


def test_a_broken_line_among_a_million_is_found_without_a_number_for_each() -> None:
    text = b"a\n" * 999_999 + b"last"
    source = Source(Path("a.csv"), "a.csv", text, "", Wanted())
    tracemalloc.start()
    try:
        found = bad_lines(source, [BadRow(number, "why") for number in (1, 500_000, 1_000_000, 1_000_001)])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [line.raw for line in found] == ["a", "a", "last", ""]
    assert peak < 16_000_000


def test_other_sources_of_the_same_bars_are_compared(file: Path, tmp_path: Path, db: str, rows: list[Row]) -> None:
    carry_out(look(file, db), db)
    other = write(tmp_path, mt5(changed(rows, 10)), "XAUUSD_M5_other.csv")
    plan = look(other, db)
    assert plan.change is not None
    (neighbour,) = plan.change.neighbours
    assert (neighbour.source, neighbour.shared, neighbour.differ) == (NAME, len(rows), 0)
    assert "returns against XAUUSD_M5.csv" in plan.clock_evidence[-1]
    assert plan.clocks[0].correlation == pytest.approx(1.0)
    lanes = plan.change.lanes
    assert lanes is not None
    assert max(lanes.stored) == max(lanes.new) == 1.0
    assert max(lanes.same) == max(lanes.changed) == 0.0
    assert not all(lanes.is_open)


@pytest.mark.parametrize("name", ["XAUUSD_H1.csv", "XAGUSD_M5.csv", "GBPJPY_M5.csv"])
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, tmp_path: Path, db: str, rows: list[Row]) -> None:
    plan = look(write(tmp_path, mt4(rows), name), db)
    assert name in plan.refusal
    assert not plan.can_be_imported
    with pytest.raises(DataError):
        carry_out(plan, db)
    assert imports(db) == []


def test_a_refused_file_shows_its_lines_and_the_clocks_to_choose_from(tmp_path: Path, db: str, rows: list[Row]) -> None:
    file = write(tmp_path, mt4(rows[:200]), NAME)
    plan = look(file, db)
    assert "fit several clocks equally well" in plan.refusal
    assert [row.raw for row in plan.first] == file.read_text().splitlines()[:6]
    assert len(plan.clocks) > 1
    chosen = look(file, db, clock="EET")
    assert (chosen.refusal, chosen.clock, chosen.clock_how, chosen.confidence) == ("", "EET", "given", "given")


def test_a_clock_the_bars_speak_against_is_doubtful(file: Path, db: str) -> None:
    plan = look(file, db, clock="UTC")
    assert plan.confidence == "doubtful"
    assert plan.warnings[0].startswith("The file does not look written on UTC")


def test_a_mapping_reads_what_no_format_recognises(tmp_path: Path, db: str, rows: list[Row]) -> None:
    text = "".join(f"{row.volume}|{row.close}|{row.low}|{row.high}|{row.open}|{row.at:%d/%m/%Y %H:%M}\n" for row in rows)
    file = write(tmp_path, text, NAME)
    assert "this is none of the formats that can be read" in look(file, db).refusal
    plan = look(file, db, columns="volume,close,low,high,open,time", separator="|", time_format="DD/MM/YYYY HH:NN")
    assert (plan.refusal, plan.format, plan.rows) == ("", "plain", len(rows))
    assert carry_out(plan, db).added == len(rows)


def test_a_format_that_is_chosen_is_read_with(tmp_path: Path, db: str, rows: list[Row], file: Path) -> None:
    plan = look(file, db, format="mt5-export")
    assert plan.format == "mt5-export"
    assert plan.refusal
    assert look(write(tmp_path, lean(rows), NAME), db, format="lean").refusal == ""


@pytest.mark.parametrize("name", [each.name for each in FORMATS])
def test_a_format_that_cannot_be_is_refused_with_a_sentence(name: str, tmp_path: Path, db: str) -> None:
    plan = look(write(tmp_path, "neither fish\nnor flesh\n", NAME), db, format=name)
    assert plan.refusal
    assert "Error" not in plan.refusal
    assert plan.first[0].raw == "neither fish"


def test_a_choice_that_cannot_be_is_the_plans_refusal(file: Path, db: str) -> None:
    assert "clock 'Mars' is not known" in look(file, db, clock="Mars").refusal
    assert "instrument 'GOLD' is not listed" in look(file, db, symbol="GOLD").refusal
    assert "'much' is not a number" in look(file, db, price_scale="much").refusal
    unknown = look(file, db, columns="a,b")
    assert "no column that is known" in unknown.refusal
    assert len(unknown.first) == 6
    assert "cannot be opened" in look(file.with_name("gone.csv"), db).refusal


def test_a_file_that_changed_since_it_was_looked_at_is_not_imported(file: Path, db: str, rows: list[Row]) -> None:
    plan = look(file, db)
    file.write_text(mt4(changed(rows, 5)))
    with pytest.raises(DataError, match="has changed since it was looked at"):
        carry_out(plan, db)
    assert imports(db) == []


@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_an_import_that_is_given_up_leaves_nothing(after: int, file: Path, url: str) -> None:
    plan = look(file, url)
    before = digest(url)
    steps: list[str] = []

    def progress(_share: float, words: str) -> None:
        steps.append(words)

    with pytest.raises(Cancelled):
        carry_out(plan, url, progress=progress, cancel=lambda: len(steps) >= after)
    assert digest(url) == before
    assert imports(url) == []


def test_work_in_a_process_of_its_own_is_the_same_and_ends_when_it_is_told(file: Path, url: str) -> None:
    plan = apart(inspect, file, url, Choices(), "XAUUSD")
    assert plan == look(file, url)
    told: list[str] = []
    with pytest.raises(Cancelled):
        apart(carry_out, plan, url, False, progress=lambda _share, words: told.append(words), cancel=lambda: "storing" in told)
    assert imports(url) == []
    with pytest.raises(UserError, match="there is no import 9"):
        apart(undo, 9, url)
    assert carry_out(plan, url).entry is not None


def test_giving_up_comes_too_late_once_everything_is_being_committed() -> None:
    heard: list[float] = []
    told = settling(lambda share, _words: heard.append(share), lambda: bool(heard))
    told(0.9, "storing")
    with pytest.raises(Cancelled):
        told(0.95, "storing")
    told(1.0, "storing")
    told(1.0, "storing")
    assert heard == [0.9, 1.0, 1.0]


def test_an_import_whose_process_ended_unheard_is_found_by_what_it_stored(file: Path, url: str) -> None:
    plan = look(file, url)
    assert done_of(plan, url, 0) is None
    done = carry_out(plan, url)
    assert done.entry is not None
    assert done_of(plan, url, done.entry.at) == done
    assert done_of(plan, url, done.entry.at + 1) is None
    undo(done.entry.number, url)
    assert done_of(plan, url, 0) is None


def test_a_day_of_ticks_has_no_holes(tmp_path: Path, db: str) -> None:
    lines = "".join(f"{at * 60_000},1.39100,1.39102\n" for at in range(1_440))
    plan = look(write(tmp_path, lines, "EURUSD_tick_20140507_quote.csv"), db)
    assert plan.change is not None
    assert plan.change.lanes is not None
    assert min(plan.change.lanes.new) == 1.0


def test_stored_bars_are_drawn_alike_in_parts_of_any_length(file: Path, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(look(file, db), db)
    whole = look(file, db)
    read: list[int] = []
    at_once = MarketStore.read_bars

    def counted(store: MarketStore, *wanted: Any, **named: Any) -> Bars:
        found = at_once(store, *wanted, **named)
        read.append(len(found))
        return found

    monkeypatch.setattr(MarketStore, "read_bars", counted)
    monkeypatch.setattr("engine.services.importer.changes._BARS_AT_ONCE", 500)
    assert look(file, db) == whole
    assert sum(1 for count in read if 0 < count <= 500) > 8


def test_stored_ticks_are_drawn_without_being_read(tmp_path: Path, db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    day = "".join(f"{at * 60_000},1.39100,1.39102\n" for at in range(1_440))
    for number in (5, 6, 7):
        carry_out(look(write(tmp_path, day, f"EURUSD_tick_2014050{number}_quote.csv"), db), db)
    read: list[int] = []
    whole = MarketStore.read_quotes

    def counted(store: MarketStore, *wanted: Any, **named: Any) -> QuoteColumns:
        found = whole(store, *wanted, **named)
        read.append(len(found))
        return found

    monkeypatch.setattr(MarketStore, "read_quotes", counted)
    plan = look(write(tmp_path, day, "EURUSD_tick_20140508_quote.csv"), db)
    assert read == [0]
    assert plan.change is not None
    lanes = plan.change.lanes
    assert lanes is not None
    assert (sum(lanes.stored), sum(lanes.new)) == (3 * len(lanes.stored) / 4, len(lanes.new) / 4)


def test_a_file_is_replayed_as_it_stands_or_from_what_is_stored(file: Path, tmp_path: Path, db: str, rows: list[Row]) -> None:
    plan = look(file, db)
    assert recording_of(plan, db, tmp_path / "replays") == (file, "EET")
    text = "".join(f"{row.close}|{row.low}|{row.high}|{row.open}|{row.at:%d/%m/%Y %H:%M}\n" for row in rows)
    mapped = look(write(tmp_path, text, "mapped.txt"), db, columns="close,low,high,open,time", separator="|", clock="EET")
    carry_out(mapped, db)
    path, clock = recording_of(mapped, db, tmp_path / "replays")
    again = look(path, db, clock=clock)
    assert path.parent == tmp_path / "replays"
    assert (again.rows, again.start, again.first[0].values[:4]) == (mapped.rows, mapped.start, mapped.first[0].values[:4])


@pytest.mark.parametrize("stored_first", [False, True], ids=["nothing stored", "another file of this name stored"])
def test_what_is_replayed_is_the_file_that_was_looked_at(
    stored_first: bool, tmp_path: Path, db: str, rows: list[Row], file: Path
) -> None:
    if stored_first:
        carry_out(look(file, db), db)
    (tmp_path / "other").mkdir()
    other = write(tmp_path / "other", mt4(changed(rows, 1)), NAME)
    plan = look(other, db, price_scale="0.5", clock="EET")
    path, clock = recording_of(plan, db, tmp_path / "replays")
    again = look(path, db, clock=clock)
    assert (again.rows, again.start, again.end) == (len(rows), plan.start, plan.end)
    assert [row.values[:4] for row in again.first] == [row.values[:4] for row in plan.first]
    assert plan.first[0].values[2] == pytest.approx((float(rows[0].low) - 1) / 2)
    once_more = look(other, db, price_scale="0.25", clock="EET")
    assert recording_of(once_more, db, tmp_path / "replays")[0] != path
    other.write_text(mt4(rows))
    with pytest.raises(DataError, match="has changed since it was looked at"):
        recording_of(plan, db, tmp_path / "replays")


def test_another_file_of_a_stored_name_is_warned_of(tmp_path: Path, db: str, rows: list[Row], file: Path) -> None:
    plan = look(file, db)
    carry_out(plan, db)
    (tmp_path / "other").mkdir()
    mended = look(write(tmp_path / "other", mt4(changed(rows, 3)), NAME), db)
    assert not any("came from another file" in warning for warning in mended.warnings)
    other = look(write(tmp_path / "other", mt4(changed(rows, 1)), NAME), db)
    assert other.warnings[-1] == (
        f"What is stored as XAUUSD_M5.csv came from another file (SHA-256 {plan.sha256[:12]}), and {len(rows):,} of "
        f"{len(rows):,} common rows differ; give this file another name to keep both."
    )


RECORDED = {
    "mt4-export/XAUUSD_H1_2009-2020_mt4.csv.gz": ("mt4-export", "XAUUSD", "H1", "EET", 65_000),
    "mt5-export/XAUUSD_H1_2025_mt5-tab.csv.gz": ("mt5-export", "XAUUSD", "H1", "EET", 2_909),
    "ticks-oanda/EURUSD_tick_20140507_fxcm_quote.zip": ("lean", "EURUSD", TICKS, "UTC", 79_657),
}


@pytest.mark.parametrize("path", sorted(RECORDED))
def test_recorded_files_are_what_they_are(path: str, db: str) -> None:
    plan = look(recorded(path), db)
    assert (plan.format, plan.symbol, plan.timeframe, plan.clock, plan.rows) == RECORDED[path]
    assert all(row.raw for row in (*plan.first, *plan.last))
    assert plan.can_be_imported
