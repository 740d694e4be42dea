"""A recorded file in the window: play, pause, step, speed, the end, and what an unusable file or database is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.services.bookkeeping import audit, list_books
from engine.session import Request
from engine.signals.desk import Mode
from tests.app.rig import OPENING_S, Desk, live, request
from tests.engine.market.histories import gold, mt4, recorded, write


def replay(home: Path, file: Path | None = None, **changes: Any) -> Request:
    """A day of generated gold, traded without asking."""
    file = file or write(home, mt4(gold("2020-03-02T08:00", "2020-03-02T13:00", step=1)), "XAUUSD_M1.csv")
    return request(home, **({"replay": file, "clock": "UTC", "mode": Mode.AUTO} | changes))


def share(desk: Desk) -> float:
    return desk.window.replay_bar.progress.value() / 1000


async def press(desk: Desk, part: str) -> None:
    """A button of the replay bar."""
    QTest.mouseClick(getattr(desk.window.replay_bar, part), Qt.MouseButton.LeftButton)
    await desk.frame()


async def to_the_end(desk: Desk) -> None:
    bar = desk.window.replay_bar
    QTest.keyClick(bar.speed, Qt.Key.Key_End)
    assert bar.state()["speed"] == "max"
    await press(desk, "toggle")
    await desk.until(lambda: "at its end" in desk.window.status.state()["lights"]["feed"], "the end of the file")


def test_a_file_is_played_paused_stepped_and_run_to_its_end(qapp, home: Path) -> None:
    wanted = replay(home)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        assert desk.window.state()["toolbar"]["badges"] == ["PAPER", "REPLAY"]
        assert "REPLAY" in desk.panel("chart").state()["badges"]
        await press(desk, "toggle")
        await desk.until(lambda: share(desk) > 0, "progress")
        await press(desk, "toggle")
        await desk.until(lambda: not desk.bridge.host.is_busy, "a pause")
        await steps_are_bars(desk)
        await to_the_end(desk)
        assert share(desk) == 1.0
        banner = desk.window.state()["banner"]
        assert "at its end" in banner
        assert desk.window.banner.button.text() == "Start afresh"
        assert desk.rows("fills")

    live(wanted, scenario)
    assert [book.status for book in list_books(wanted.db)] == ["finished"]
    assert audit(wanted.db, None).is_clean


def test_the_speed_follows_the_keys(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.press(Qt.Key.Key_Up, modifiers=Qt.KeyboardModifier.ControlModifier)
        assert desk.window.replay_bar.state()["speed"] == "120×"
        desk.window.commands.run("play_pause")
        await desk.until(lambda: desk.bridge.host.is_busy, "a market that moves")
        desk.window.commands.run("slower")
        desk.window.commands.run("slower")
        assert desk.window.replay_bar.state()["speed"] == "30×"
        await desk.frame()
        await desk.frame()
        assert (await asyncio.wrap_future(desk.bridge.host.take())).speed == 30.0

    live(replay(home), scenario)


async def steps_are_bars(desk: Desk) -> None:
    await one_bar(desk)
    before = bars(desk)
    for number in range(1, 4):
        await one_bar(desk)
        assert bars(desk) == before + number


async def one_bar(desk: Desk) -> None:
    before = bars(desk)
    await press(desk, "one")
    await desk.until(lambda: bars(desk) > before and not desk.bridge.host.is_busy, "a step")


def bars(desk: Desk) -> int:
    count: int = desk.panel("chart").state()["bars"]
    return count


def test_a_finished_run_is_shown_as_it_ended_and_can_be_started_afresh(qapp, home: Path) -> None:
    wanted = replay(home)
    ended: dict[str, Any] = {}

    async def first(desk: Desk) -> None:
        await desk.opened()
        await to_the_end(desk)
        await desk.frame()
        ended.update(fills=desk.rows("fills"), toolbar=desk.window.account_bar.state()["equity"])

    async def second(desk: Desk) -> None:
        await desk.opened()
        assert "at its end" in desk.window.state()["banner"]
        assert {"fills": desk.rows("fills"), "toolbar": desk.window.account_bar.state()["equity"]} == ended
        desk.window.commands.run("flatten")
        await desk.until(lambda: "at its end" in desk.window.status.state()["note"], "a refusal to trade")
        window = desk.window
        desk.click(window.banner.button)
        await desk.until(lambda: desk.terminal.window not in (None, window), "a new window")
        await desk.opened()
        assert desk.rows("fills") == []
        assert desk.window.state()["banner"] == ""

    live(wanted, first)
    facts = list_books(wanted.db)[0].facts
    live(wanted, second)
    assert [(book.status, book.attempt) for book in list_books(wanted.db)] == [("finished", 1), ("open", 2)]
    assert list_books(wanted.db)[0].facts == facts


def test_a_replay_stands_still_at_a_card_until_its_owner_has_decided(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        cards = desk.panel("signals").cards
        desk.bridge.play(1e9)
        await desk.until(lambda: cards, "a card")
        assert not desk.bridge.host.is_busy
        await desk.frame()
        assert not desk.window.replay_bar.state()["running"]

    live(replay(home, mode=Mode.CONFIRM), scenario)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda home: {"replay": write(home, "nothing of the kind\n", "notes.csv")}, "notes.csv"),
        (lambda home: {"replay": home / "missing.csv"}, "missing.csv"),
        (lambda home: {"db": f"sqlite:///{(write(home, '', 'file') / 'books.db').as_posix()}"}, "folder"),
        (lambda home: {"db": f"sqlite:///{write(home, 'no database', 'text.db').as_posix()}"}, "text.db"),
    ],
    ids=["unreadable file", "missing file", "a file for a folder", "no database"],
)
def test_what_cannot_be_opened_is_said_in_the_window_which_stays(qapp, home: Path, spoil, says: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.until(lambda: desk.window.state()["banner"], "a sentence", OPENING_S)
        banner = desk.window.state()["banner"]
        assert says in banner
        assert banner.endswith("close this window and start again.")
        assert "Traceback" not in banner
        assert "inside the program" not in banner
        desk.window.commands.run("flatten")
        await desk.until(lambda: "not open" in desk.window.status.state()["note"], "a refusal")
        desk.window.close()

    live(replay(home, **spoil(home)), scenario)


def test_recorded_gold_of_2020_is_traded_in_the_window_at_full_speed(qapp, home: Path) -> None:
    wanted = replay(home, recorded("mt4-export/XAUUSD_M1_2020_mt4.csv.gz"), clock="EET")

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(600)
        assert desk.panel("chart").state()["bars"] >= 600
        assert len(desk.rows("fills")) > 2
        assert desk.rows("trades")
        assert share(desk) > 0

    live(wanted, scenario)
    assert audit(wanted.db, None).is_clean
