"""A history in the window: dropped, looked at, imported, taken back, replayed; refused with a sentence; given up half-way."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from engine.domain.imports import ImportDone
from engine.services.bookkeeping import audit
from engine.services.importer import Cancelled, imports
from engine.storage.market import open_market
from tests.app.rig import OPENING_S, Desk, live, request
from tests.engine.market.histories import gold, mt4, recorded, write

NAME = "XAUUSD_M5.csv"


def market(first: str = "2020-03-02T00:00", last: str = "2020-04-04T00:00") -> str:
    """Gold on broker time, long enough to tell its clock."""
    return mt4(gold(first, last, zone="Europe/Helsinki"))


def drop(desk: Desk, *files: Path) -> None:
    """Files dragged over the window and let go."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    window = desk.window
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(400, 300), copy, mime, buttons, keys))
    assert desk.panel("imports").isVisible()
    for event in (
        QDragEnterEvent(QPoint(300, 200), copy, mime, buttons, keys),
        QDropEvent(QPointF(300, 200), copy, mime, buttons, keys),
    ):
        QApplication.sendEvent(desk.panel("imports"), event)


def shown(desk: Desk) -> dict[str, Any]:
    """What the panel shows."""
    state: dict[str, Any] = desk.panel("imports").state()
    return state


def bench(desk: Desk) -> Any:
    """The panel's work bench."""
    return desk.panel("imports").bench


async def settled(desk: Desk, *states: str) -> dict[str, Any]:
    """Every file in the queue has come to the state that is expected of it."""
    await desk.until(
        lambda: tuple(state for _, state, _ in shown(desk)["files"]) == states, f"files that are {states}", OPENING_S
    )
    return shown(desk)


def stored(url: str, symbol: str = "XAUUSD") -> int:
    """How many rows are stored of an instrument."""
    with open_market(url) as store:
        return sum(each.rows for each in store.coverage() if each.symbol == symbol)


def test_a_dropped_file_is_shown_imported_taken_back_and_replayed(qapp, home: Path) -> None:
    text = market()
    file, rows = write(home, text, NAME), text.count("\n")
    wanted = request(home)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.window.commands.run("import")
        dialog = await desk.until(lambda: desk.panel("imports").findChild(QFileDialog), "a dialog for files")
        assert "Drop history files here" in shown(desk)["empty"]
        dialog.filesSelected.emit([str(home / "gone.csv")])
        dialog.reject()
        gone = await settled(desk, "refused")
        assert "cannot be opened" in gone["trouble"]
        QTest.keyClick(bench(desk).queue, Qt.Key.Key_Delete)
        assert shown(desk)["files"] == []
        desk.window.commands.run("show_chart_panel")
        assert not desk.panel("imports").isVisible()
        drop(desk, file)
        plan = await settled(desk, "ready")
        assert (plan["instrument"], plan["timeframe"], plan["clock"]) == ("XAUUSD", "M5", "EET")
        assert "in closed hours" in bench(desk).details.reading.clock.itemText(1)
        assert plan["evidence"].startswith("Closed-hours bars 0.0 % at EET")
        assert plan["rows"][0][1] == text.splitlines()[0]
        assert plan["change"]["new"] == f"{rows:,} new"
        assert stored(wanted.db) == 0
        view = bench(desk)
        desk.click(view.go)
        done = await settled(desk, "done")
        assert done["outcome"] == f"Import 1 is stored: {rows:,} new XAUUSD M5 bars."
        assert desk.window.focusWidget() is view.queue
        assert stored(wanted.db) == rows
        await desk.until(lambda: shown(desk)["last"] == 1, "an import that can be undone")
        desk.click(view.undo)
        assert stored(wanted.db) == rows
        desk.click(view.undo)
        undone = await settled(desk, "undone")
        assert undone["outcome"] == "Import 1 was undone: what is stored is what was stored before it."
        assert stored(wanted.db) == 0
        drop(desk, file)
        await settled(desk, "ready")
        desk.click(view.strict)
        await settled(desk, "done")
        await replays(desk)

    async def replays(desk: Desk) -> None:
        window = desk.window
        await desk.play(lambda: desk.panel("signals").cards, "a card that waits")
        desk.window.commands.run("show_imports_panel")
        desk.click(bench(desk).replay)
        box = await desk.until(lambda: desk.panel("imports").findChild(QMessageBox), "a question", OPENING_S)
        assert box.text() == "This session ends with 1 waiting signal; its book stays as it is."
        QTest.keyClick(box, Qt.Key.Key_Return)
        await desk.until(lambda: desk.panel("imports").findChild(QMessageBox) is None, "the way back")
        assert desk.window is window
        desk.click(bench(desk).replay)
        box = await desk.until(lambda: desk.panel("imports").findChild(QMessageBox), "a question", OPENING_S)
        box.buttons()[0].click()
        await desk.until(lambda: desk.terminal.window not in (None, window), "a window on the file", 30)
        await desk.opened()
        assert desk.window.state()["toolbar"]["badges"] == ["PAPER", "REPLAY"]
        wants = desk.bridge.request
        assert (wants.replay, wants.clock, wants.timeframe.name) == (file, "EET", "M5")
        assert not desk.panel("imports").isVisible()

    live(wanted, scenario)
    assert [entry.undone_at is None for entry in imports(wanted.db)] == [False, True]


def test_a_file_that_cannot_be_what_it_claims_is_refused_with_its_sentence(qapp, home: Path) -> None:
    wrong = write(home, market(), "XAUUSD_H1.csv")
    short = write(home, market(last="2020-03-04T00:00"), NAME)
    broken = write(home, market().replace("2020.03.02,03:00", "yesterday", 1), "XAUUSD_M5_broken.csv")
    wanted = request(home)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        drop(desk, wrong, short, broken)
        first = await settled(desk, "refused", "refused", "warned")
        assert first["trouble"] == (
            "The name says H1, but that cannot be, for the rows are 5 min apart; set Timeframe M5 (or Read anyway)."
        )
        view = bench(desk)
        assert not view.go.isEnabled()
        await a_clock_is_chosen(desk)
        view.queue.setCurrentIndex(view.queue.queue.index(2))
        assert shown(desk)["bad"] == ["13"]
        desk.click(view.strict)
        refused = await settled(desk, "refused", "ready", "refused")
        assert "nothing was imported (1 broken rows, strict)" in refused["trouble"]
        drop(desk, home / "gone.csv", home / "gone_too.csv")
        assert shown(desk)["file"] == "gone.csv"
        assert stored(wanted.db) == 0

    async def a_clock_is_chosen(desk: Desk) -> None:
        view = bench(desk)
        view.queue.setCurrentIndex(view.queue.queue.index(1))
        assert "fit several clocks equally well" in shown(desk)["trouble"]
        assert "set Clock" in shown(desk)["trouble"]
        clock = view.details.reading.clock.lineEdit()
        clock.clear()
        QTest.keyClicks(clock, "Mars")
        assert "is not known; write EET, UTC" in view.details.reading.why["clock"].text()
        QTest.keyClick(clock, Qt.Key.Key_Return)
        assert [state for _, state, _ in shown(desk)["files"]] == ["refused", "refused", "warned"]
        clock.clear()
        QTest.keyClicks(clock, "EET")
        QTest.keyClick(clock, Qt.Key.Key_Return)
        plan = await settled(desk, "refused", "ready", "warned")
        assert (plan["clock"], plan["trouble"]) == ("EET", "")

    live(wanted, scenario)


def million(home: Path) -> Path:
    """A million minute bars of gold, times with their zone."""
    prices = [f"{1500 + at % 97 / 10:.2f}" for at in range(1_260)]
    day = "".join(
        f"@T{at // 60:02d}:{at % 60:02d}:00Z,{price},{float(price) + 1:.2f},{float(price) - 1:.2f},{price},7,0.2\n"
        for at, price in enumerate(prices)
    )
    days = (date(2015, 1, 5) + timedelta(days=number) for number in range(1_200))
    open_days = [day.replace("@", each.isoformat()) for each in days if each.weekday() < 5][:794]
    return write(home, "time,open,high,low,close,volume,spread\n" + "".join(open_days), "XAUUSD_M1.csv")


def test_a_million_bars_leave_the_window_responsive_and_nothing_when_given_up(qapp, home: Path) -> None:
    file = million(home)
    wanted = request(home)
    turns = {"looking": 0, "importing": 0}

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        drop(desk, file)
        counting = asyncio.ensure_future(count(desk))
        try:
            plan = await settled(desk, "ready")
            assert plan["change"]["new"] == "1,000,440 new"
            while await given_up(desk) == "done":  # a window that compiles its kernels meanwhile may hear the click too late
                await desk.until(lambda: bench(desk).undo.isEnabled(), "an import that can be undone", OPENING_S)
                desk.click(bench(desk).undo)
                desk.click(bench(desk).undo)
                await settled(desk, "undone")
                drop(desk, file)
                await settled(desk, "ready")
            assert shown(desk)["outcome"] == "Cancelled; nothing was stored."
        finally:
            counting.cancel()
        assert stored(wanted.db) == 0
        assert [entry for entry in imports(wanted.db) if entry.undone_at is None] == []

    async def given_up(desk: Desk) -> str:
        """How the file stands once its import was cancelled as soon as it was under way."""
        view = bench(desk)

        def state() -> str:
            [(_, told, _)] = shown(desk)["files"]
            return told

        desk.click(view.go)
        await desk.until(
            lambda: state() == "done" or (view.bar.value() > 200 and view.cancel.isVisible()), "an import under way", OPENING_S
        )
        if state() != "done":
            desk.click(view.cancel)
            await desk.until(lambda: state() in ("ready", "done"), "its end", OPENING_S)
        return state()

    async def count(desk: Desk) -> None:
        while True:
            work = desk.window.panels["imports"].desk.items()[0].work
            if work in turns:
                turns[work] += 1
            await asyncio.sleep(0.005)

    live(wanted, scenario)
    assert min(turns.values()) > 50


def test_an_import_that_was_stored_when_it_was_given_up_is_shown_as_stored(
    qapp, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = market()
    file, rows = write(home, text, NAME), text.count("\n")
    wanted = request(home)

    def stored_but_unheard(work: Any, *arguments: Any, **_watched: Any) -> Any:
        done = work(*arguments)
        if isinstance(done, ImportDone):
            raise Cancelled("cancelled; nothing was stored")
        return done

    monkeypatch.setattr("engine.services.importer.apart", stored_but_unheard)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        drop(desk, file)
        await settled(desk, "ready")
        desk.click(bench(desk).go)
        done = await settled(desk, "done")
        assert done["outcome"] == f"Import 1 is stored: {rows:,} new XAUUSD M5 bars."
        await desk.until(lambda: shown(desk)["last"] == 1, "an import that can be undone")

    live(wanted, scenario)


def test_leaving_while_an_import_runs_stores_nothing(qapp, home: Path) -> None:
    file = write(home, market(), NAME)
    wanted = request(home)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        drop(desk, file)
        await settled(desk, "ready")
        desk.click(bench(desk).go)
        await settled(desk, "importing")

    live(wanted, scenario)
    assert imports(wanted.db) == []


def test_a_recorded_file_is_imported_beside_a_market_that_plays(qapp, home: Path) -> None:
    file = recorded("mt5-export/XAUUSD_H1_2025_mt5-tab.csv.gz")
    wanted = request(home)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        drop(desk, file)
        await settled(desk, "ready")
        before = desk.panel("chart").state()["bars"]

        async def imported() -> None:
            desk.click(bench(desk).go)
            await settled(desk, "done")

        work = asyncio.ensure_future(imported())
        await desk.play(work.done, "an import beside a market that plays")
        work.result()
        assert desk.panel("chart").state()["bars"] > before
        await desk.play(lambda: desk.window.docks["imports"].waiting.text(), "a signal behind the page")
        assert desk.window.docks["imports"].waiting.text().endswith("waiting (Ctrl+J)")
        desk.window.commands.run("show_signals")
        assert desk.panel("signals").isVisible()
        assert stored(wanted.db) == 2_909

    live(wanted, scenario)
    assert audit(wanted.db, None).is_clean
