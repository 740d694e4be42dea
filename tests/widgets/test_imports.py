"""The import panel's parts over plans made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest

from engine.core.clock import DAY, HOUR, from_iso
from engine.domain.imports import (
    BadLine,
    Change,
    ClockOption,
    Correction,
    Figure,
    FormatOption,
    ImportDone,
    ImportEntry,
    ImportPlan,
    Lanes,
    Neighbour,
    SampleRow,
)
from engine.domain.imports import Choices as Chosen
from widgets.imports import words
from widgets.imports.bench import Bench
from widgets.imports.item import STATES, Item
from widgets.imports.lanes import LEFT, CoverageBar
from widgets.imports.view import ImportView
from widgets.theme import load

START = from_iso("2020-03-02T00:00")
LANES = Lanes(
    START,
    START + 4 * DAY,
    (True, True, False, True),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 0.5, 0.0, 0.0),
    (1.0, 0.0, 0.0, 0.0),
    (0.0, 0.1, 0.0, 0.0),
)
CHANGE = Change(
    new=1_200,
    same=30,
    changed=2,
    replaced=False,
    corrections=(Correction(START, "low", 1500.25, 1499.0),),
    neighbours=(Neighbour("other.csv", 900, 12, 0.1, 2.5, 0.42),),
    lanes=LANES,
)
PLAN = ImportPlan(
    path="/data/XAUUSD_H1.csv",
    file="XAUUSD_H1.csv",
    size=2_500_000,
    choices=Chosen(),
    sha256="ab" * 32,
    format="mt4-export",
    formats=(
        FormatOption("mt4-export", "MetaTrader 4", True, "its first lines are of this form"),
        FormatOption("tab", "Tabs", False, "its lines look like a b"),
    ),
    symbol="XAUUSD",
    symbol_why="the file's name says XAUUSD",
    timeframe="H1",
    timeframe_why="the file's name and its rows agree",
    clock="EET",
    clock_how="proposed",
    confidence="likely",
    clock_evidence=("closed-hours bars 0.0 % at EET, next best UTC+2 0.4 %; give --clock if it is another",),
    clocks=(ClockOption("EET", (), 0.0, 0.99), ClockOption("UTC+2", ("UTC+3",), 0.004, None)),
    columns=("open", "high", "low", "close", "volume", "spread"),
    first=(SampleRow(1, "2020.03.02,02:00,1500", START, (1500.0, 1501.0, 1499.0, 1500.5, 7.0, None)),),
    last=(SampleRow(1_234, "2020.03.06,02:00,1510", START + 4 * DAY, (1510.0, 1511.0, 1509.0, 1510.5, 9.0, None)),),
    rows=1_232,
    read=1_234,
    figures=(Figure("Rows", "1,232 H1 bars of 1,234 lines"), Figure("Bad rows", "2 refused", "warn", "2 x nonsense")),
    bad=(BadLine(17, "nonsense", "wrong number of fields (1, not 7)"),),
    bad_count=2,
    warnings=("2 stored rows have other values and would stay as they are.",),
    change=CHANGE,
)
ENTRY = ImportEntry(3, START, "XAUUSD_H1.csv", "ab" * 32, "XAUUSD", "H1", "XAUUSD_H1.csv", "mt4-export", "EET", 1_200, 30, 2)
ITEM = Item(1, PLAN.path, PLAN.file, plan=PLAN, work="")


def clock_problem(spec: str) -> str:
    return f"clock {spec!r} is not known" if spec == "Mars" else ""


@pytest.fixture
def bench(qtbot, dark):
    made = Bench(dark, clock_problem)
    qtbot.addWidget(made)
    made.resize(1100, 640)
    made.show()
    made.show_items([ITEM], 1)
    return made


def test_a_plan_is_shown_whole(bench):
    state = bench.state()
    assert state["files"] == [("XAUUSD_H1.csv", "warned", "XAUUSD H1: 1,200 new, 2 differ, 2 refused")]
    assert state["about"].startswith("2.5 MB   SHA-256 abababababababab")
    assert state["warnings"] == PLAN.warnings[0]
    assert (state["format"], state["instrument"], state["timeframe"], state["clock"]) == ("MetaTrader 4", "XAUUSD", "H1", "EET")
    assert state["evidence"] == "Closed-hours bars 0.0 % at EET, next best UTC+2 0.4 %; set Clock if it is another."
    assert state["change"] == {"new": "1,200 new", "alike": "30 alike", "other values": "2 other values"}
    assert state["rows"][0] == ("1", PLAN.first[0].raw, "2020-03-02 00:00", "1,500.00", "1,501.00", "1,499.00", "1,500.50", "7")
    assert state["rows"][1][0] == "…"
    assert state["bad"] == ["17"]
    assert bench.details.quality.more.text() == "and 1 more"
    assert bench.details.changes.corrections.texts.rows == [("2020-03-02 00:00", "low", "1,500.25", "1,499.00")]
    assert bench.details.reading.clock.itemText(1) == "UTC+2   0.4\u00a0% in closed hours · as UTC+3"


@pytest.mark.parametrize(
    ("item", "state", "line"),
    [
        (Item(1, "/a.csv", "a.csv"), "waiting", "waiting"),
        (Item(1, "/a.csv", "a.csv", work="looking", doing="reading a.csv", share=0.25), "looking", "reading a.csv 25 %"),
        (replace(ITEM, plan=replace(PLAN, warnings=(), bad_count=0)), "ready", "XAUUSD H1: 1,200 new, 2 differ"),
        (replace(ITEM, plan=replace(PLAN, warnings=())), "warned", "XAUUSD H1: 1,200 new, 2 differ, 2 refused"),
        (replace(ITEM, plan=replace(PLAN, refusal="XAUUSD_H1.csv: is damaged; fetch it")), "refused", "Is damaged; fetch it."),
        (replace(ITEM, work="queued"), "queued", "will be imported"),
        (
            replace(ITEM, done=ImportDone(ENTRY, 1_200, 30, 2, False)),
            "done",
            "import 3: 1,200 stored, 2 left as they were, 2 refused",
        ),
        (replace(ITEM, done=ImportDone(None, 0, 1_232, 0, False)), "done", "nothing was new, 2 refused"),
        (
            replace(ITEM, done=ImportDone(ENTRY._replace(undone_at=START), 1_200, 30, 2, False)),
            "undone",
            "import 3 was undone",
        ),
    ],
)
def test_a_file_says_its_state_in_a_few_words(item, state, line):
    assert (item.state, item.line) == (state, line)
    assert state in STATES


def test_what_the_owner_overrules_is_asked_for(bench):
    asked = []
    bench.overruled.connect(lambda key, choices: asked.append((key, choices)))
    reading = bench.details.reading
    reading.timeframe.setCurrentText("M5")
    reading.timeframe.activated.emit(reading.timeframe.currentIndex())
    reading.format.setCurrentIndex(1)
    reading.format.activated.emit(1)
    reading.replaces.click()
    QTest.keyClick(reading.clock, Qt.Key.Key_Down)
    assert [key for key, _ in asked] == [1, 1, 1, 1]
    assert [choices for _, choices in asked] == [
        Chosen(timeframe="M5"),
        Chosen(format="tab"),
        Chosen(replace=True),
        Chosen(clock="UTC+2"),
    ]


def test_a_clock_that_is_none_is_marked_and_not_asked_for(bench, qtbot):
    asked = []
    bench.overruled.connect(lambda _key, choices: asked.append(choices))
    reading = bench.details.reading
    line = reading.clock.lineEdit()
    line.selectAll()
    QTest.keyClicks(line, "Mars")
    assert line.property("wrong") is True
    assert reading.why["clock"].text() == "clock 'Mars' is not known"
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert asked == []
    line.selectAll()
    QTest.keyClicks(line, "UTC+4")
    assert line.property("wrong") is False
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert asked == [Chosen(clock="UTC+4")]


def test_the_columns_of_an_unknown_text_are_asked_for(bench):
    asked = []
    bench.overruled.connect(lambda _key, choices: asked.append(choices))
    reading = bench.details.reading
    assert not reading.columns.isVisible()
    unknown = replace(PLAN, format="", formats=PLAN.formats[1:], change=None, refusal="not known", choices=Chosen(separator="|"))
    bench.show_items([replace(ITEM, plan=unknown)], 1)
    assert reading.columns.isVisible()
    assert reading.separator.currentText() == "pipe"
    assert reading.format.currentText() == "not recognised"
    QTest.keyClicks(reading.columns, "time,open,high,low,close")
    QTest.keyClick(reading.columns, Qt.Key.Key_Return)
    assert asked == [Chosen(columns="time,open,high,low,close", separator="|")]


def test_showing_a_plan_asks_for_nothing(bench):
    asked = []
    bench.overruled.connect(lambda *choice: asked.append(choice))
    bench.show_items([replace(ITEM, plan=replace(PLAN, clock="UTC", timeframe="M5", choices=Chosen(replace=True)))], 1)
    assert asked == []


def test_only_what_can_be_done_is_offered(bench):
    def offered() -> dict[str, bool]:
        parts = {"import": bench.go, "strict": bench.strict, "cancel": bench.cancel, "replay": bench.replay, "undo": bench.undo}
        return {name: part.isVisible() and part.isEnabled() for name, part in parts.items()}

    assert offered() == {"import": True, "strict": True, "cancel": False, "replay": False, "undo": False}
    bench.show_items([replace(ITEM, work="importing", share=0.5, doing="storing")], 1)
    assert offered() == {"import": False, "strict": False, "cancel": True, "replay": False, "undo": False}
    assert bench.bar.value() == 500
    assert not bench.details.reading.clock.isEnabled()
    bench.show_items([replace(ITEM, done=ImportDone(ENTRY, 1_200, 30, 2, False))], 1)
    bench.show_last(ENTRY)
    assert offered() == {"import": False, "strict": False, "cancel": False, "replay": True, "undo": True}
    bench.show_items([replace(ITEM, plan=replace(PLAN, refusal="no"))], 1)
    assert offered()["import"] is False


def test_undoing_takes_two_presses(bench):
    undone = []
    bench.undone.connect(undone.append)
    bench.show_last(ENTRY)
    bench.undo.click()
    assert undone == []
    assert bench.undo.text() == "Undo import 3, XAUUSD_H1.csv?"
    bench.undo.click()
    assert undone == [3]


def test_replay_does_not_stand_where_a_moment_before_files_were_imported(bench):
    def places() -> list[QRect]:
        return [button.geometry() for button in (bench.everything, bench.strict, bench.go)]

    bench.show_items([ITEM, replace(ITEM, key=2)], 1)
    bench.layout().activate()
    before = places()
    bench.show_items([replace(ITEM, done=ImportDone(ENTRY, 1_200, 30, 2, False))], 1)
    bench.layout().activate()
    assert bench.replay.isVisible()
    assert not any(bench.replay.geometry().intersects(place) for place in before)


def test_the_queue_tells_which_file_is_looked_at_and_which_is_taken_off(bench):
    chosen, removed = [], []
    bench.chosen.connect(chosen.append)
    bench.removed.connect(removed.append)
    bench.show_items([ITEM, replace(ITEM, key=2, file="b.csv")], 1)
    assert chosen == []
    assert bench.everything.text() == "Import 2 ready files"
    QTest.keyClick(bench.queue, Qt.Key.Key_Down)
    assert chosen == [2]
    QTest.keyClick(bench.queue, Qt.Key.Key_Delete)
    assert removed == [2]


@pytest.mark.parametrize("width", [700, 1_100, 2_200])
def test_the_parts_find_room_at_every_width(bench, width):
    bench.resize(width, 700)
    details = bench.details
    parts = [details.read_as, details.quality, details.changes, details.rows]
    places = [part.geometry() for part in parts]
    assert all(part.isVisible() for part in parts)
    assert not any(one.intersects(other) for at, one in enumerate(places) for other in places[at + 1 :])


def test_the_time_says_what_is_stored_brought_and_missing(qtbot, dark):
    bar = CoverageBar(dark)
    qtbot.addWidget(bar)
    bar.resize(LEFT + 400, bar.sizeHint().height())
    bar.show_lanes(LANES)
    bar.show()
    assert bar.holes() == 1
    assert bar.told_at(QPoint(LEFT + 10, 5)) == (
        "2020-03-02 00:00 to 2020-03-03 00:00 UTC: stored 100\u00a0%; the file: 0\u00a0% new, 100\u00a0% alike, "
        "0\u00a0% with other values"
    )
    assert bar.told_at(QPoint(LEFT + 250, 5)).endswith("the market is closed")
    assert bar.told_at(QPoint(5, 5)) == ""
    picture = bar.grab().toImage()
    assert picture.pixelColor(LEFT + 10, 5).name() == dark.paper.lower()
    assert picture.pixelColor(LEFT + 110, 15).name() == dark.warn.lower()
    bar.show_lanes(None)
    assert not bar.isVisible()


def test_files_are_dropped_on_the_empty_panel(qtbot, dark):
    view = ImportView(dark)
    qtbot.addWidget(view)
    view.resize(800, 500)
    dropped, undone = [], []
    view.dropped.connect(dropped.append)
    view.undone.connect(lambda: undone.append(True))
    view.show()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile("/data/a.csv"), QUrl("https://example.org/b.csv")])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    view.dropEvent(QDropEvent(QPointF(20, 20), Qt.DropAction.CopyAction, mime, buttons, keys))
    assert dropped == [["/data/a.csv"]]
    assert not view.undo.isVisible()
    view.show_last(f"Last: {words.listed(ENTRY)}", words.undoing(ENTRY))
    view.undo.click()
    assert view.undo.text() == "Undo import 3, XAUUSD_H1.csv?"
    view.undo.click()
    assert undone == [True]
    view.set_theme(load("light"))


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("the bars fit two clocks; give --clock", "The bars fit two clocks; set Clock."),
        ("give --price-scale 0.01 or check --instrument", "Set Price scale 0.01 or check Instrument."),
        (
            "this is none of the formats that can be read (A (b), C); name its columns with --columns",
            f"This is none of the formats that can be read; {words.MAPPING}.",
        ),
    ],
)
def test_a_remedy_is_called_as_the_field_is(sentence, told):
    assert words.in_the_panel(sentence) == told


def test_times_are_as_fine_as_they_need(dark):
    assert words.moment(START + HOUR) == "2020-03-02 01:00"
    assert words.moment(START + 1_500_000_000) == "2020-03-02 00:00:01.500"
