"""The window as a whole: every command and panel can be reached, no key means two things, faults are said."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QToolButton

from app.dialogs.palette import Palette
from app.faults import LOG
from app.panels import PANELS
from app.run import as_last_reset, with_balance
from app.state import Memory
from engine.config import parse
from engine.domain.intents import Halt, SubmitOrder
from engine.domain.market import Timeframe
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request
from tests.engine.market.histories import gold, mt4, write
from widgets.theme import load

WINDOW_WIDE = (Qt.ShortcutContext.WindowShortcut, Qt.ShortcutContext.ApplicationShortcut)


def test_a_bridge_that_closes_leaves_no_question_open_and_takes_no_other(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        refused: list[object] = []
        desk.bridge.refused.connect(lambda *said: refused.append(said))
        desk.bridge.play()
        await desk.bridge.close()
        assert not desk.bridge._tasks
        desk.bridge.submit(SubmitOrder("XAUUSD", "buy", "market", 1))
        assert not desk.bridge._tasks
        assert refused == []

    live(request(home, mode=Mode.MANUAL), scenario)


def test_every_command_has_a_title_a_menu_and_its_own_key(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        commands = list(desk.window.commands.all())
        assert all(command.title and command.menu for command in commands)
        assert len({command.title for command in commands}) == len(commands)
        keys = Counter(command.shortcut for command in commands if command.shortcut)
        assert [key for key, count in keys.items() if count > 1] == []
        assert {f"show_{place.name}_panel" for place in PANELS} <= {command.name for command in commands}

    live(request(home), scenario)


def test_no_key_of_the_whole_window_means_something_else_in_a_part_of_it(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        wide, local = keys_of(desk)
        assert [key for key, count in wide.items() if count > 1] == []
        assert sorted(set(wide) & set(local)) == []

    live(request(home), scenario)


def keys_of(desk: Desk) -> tuple[Counter[str], Counter[str]]:
    """Keys that work everywhere in the window, and keys that work in a part of it."""
    wide: Counter[str] = Counter()
    local: Counter[str] = Counter()
    window = desk.window
    for shortcut in window.findChildren(QShortcut):
        (wide if shortcut.context() in WINDOW_WIDE else local)[shortcut.key().toString()] += 1
    for action in window.findChildren(QAction):
        for key in action.shortcuts():
            (wide if action.shortcutContext() in WINDOW_WIDE else local)[key.toString()] += 1
    for button in window.findChildren(QAbstractButton):
        own = button.shortcut().toString()
        if own and not (isinstance(button, QToolButton) and button.defaultAction() is not None):
            wide[own] += 1
    return wide, local


def test_the_palette_finds_and_runs_a_command(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.window.commands.run("palette")
        palette = await desk.until(lambda: desk.window.findChild(Palette), "the palette")
        assert palette.list.count() == len(list(desk.window.commands.all()))
        QTest.keyClicks(palette.box, "mode auto")
        assert palette.list.count() == 1
        QTest.keyClick(palette.box, Qt.Key.Key_Return)
        await desk.until(lambda: desk.window.account_bar.state()["mode"] == "AUTO", "mode AUTO")

    live(request(home), scenario)


def test_every_panel_opens_shows_and_can_be_dressed_and_read(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(3)
        for theme in ("light", "dark"):
            for place in PANELS:
                desk.window.commands.run(f"show_{place.name}_panel")
                desk.window.set_theme(load(theme))
                await desk.frame()
                assert place.name in desk.window.state()["panels"]
                assert not desk.window.grab().isNull()

    live(request(home), scenario)


@pytest.mark.parametrize("name", ["signals", "positions", "orders", "fills", "trades"])
def test_an_empty_list_says_what_fills_it(qapp, home: Path, name: str) -> None:
    async def scenario(desk: Desk) -> None:
        desk.window.commands.run(f"show_{name}_panel")
        empty = desk.window.panels[name].state()["empty"]
        assert empty["sentence"].endswith(".")

    live(request(home), scenario)


def test_a_command_that_fails_inside_halts_trading_and_says_where_the_report_is(qapp, home: Path, monkeypatch) -> None:
    def broken(_intent: object) -> None:
        raise ZeroDivisionError("on purpose")

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(1)
        monkeypatch.setattr(desk.bridge.host._session.pipeline, "preview", broken)
        desk.bridge.preview(SubmitOrder("XAUUSD", "buy", "market", 10))
        await desk.until(lambda: "on purpose" in desk.window.state()["banner"], "a sentence about the fault")
        assert str(home) in desk.window.state()["banner"]
        await desk.until(lambda: "HALTED" in desk.window.account_bar.state()["state"], "a halt")
        assert any("on purpose" in line.text for line in LOG.since(0))

    live(request(home), scenario)
    assert list(home.glob("log/*crash*")) != []


def test_a_replay_that_looks_written_on_another_clock_is_said_in_status_and_log(qapp, home: Path) -> None:
    table = gold("2024-05-06", "2024-05-18", step=15, zone="Europe/Helsinki")
    file = write(home, mt4(table), "XAUUSD_M15.csv")

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.until(lambda: "looks written on" in desk.window.status.note.text(), "a sentence about the clock")
        (said,) = (line.text for line in LOG.since(0) if "looks written on" in line.text)
        assert said.startswith("XAUUSD_M15.csv: closed-hours bars ")

    live(request(home, replay=file, clock="UTC", timeframe=Timeframe.of("M15")), scenario)


def test_an_engine_that_stops_is_said_and_the_window_closes_in_order(qapp, home: Path, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        with monkeypatch.context() as spoilt:
            spoilt.setattr(desk.bridge.host._session.pipeline, "on_quote", broken)
            desk.bridge.play(60.0)
            await desk.until(lambda: "on purpose" in desk.window.state()["banner"], "a sentence about the stop")
        desk.bridge.submit(Halt())
        await desk.until(lambda: "stopped" in desk.window.status.state()["note"], "a refusal")

    live(request(home), scenario)


def test_closing_twice_and_while_the_market_runs_leaves_nothing_behind(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        before = asyncio.all_tasks()
        desk.bridge.play(1e9)
        desk.window.close()
        desk.window.close()
        await desk.until(lambda: desk.terminal.window is None, "the window to go")
        assert "engine" not in {thread.name for thread in threading.enumerate()}
        assert asyncio.all_tasks() <= before

    live(request(home), scenario, autoplay=True)


def test_closing_before_the_session_is_open_gives_it_up(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.bridge.play()
        desk.window.close()

    live(request(home, policy="model"), scenario)
    assert "engine" not in {thread.name for thread in threading.enumerate()}


def test_the_balance_of_a_reset_is_used_again_unless_the_configuration_names_one(home: Path) -> None:
    Memory(home / "window.json", "account").set("simulated", "25000.00")
    assert as_last_reset(request(home)).config.account.balance == 25_000
    named = parse({"account": {"balance": "5000"}}, "test")
    assert as_last_reset(request(home, config=named)).config.account.balance == 5_000
    assert with_balance(request(home), named.account.balance).config.account.balance == 5_000


def test_a_memory_survives_a_damaged_file_and_forgets_on_request(tmp_path: Path) -> None:
    path = tmp_path / "window.json"
    path.write_text("{ not json")
    memory = Memory(path, "layout")
    assert memory.get("theme", "dark") == "dark"
    memory.set("theme", "light")
    Memory(path, "notices").set("enabled", False)
    assert Memory(path, "layout").get("theme") == "light"
    Memory(path, "layout").forget()
    assert Memory(path, "layout").get("theme") is None
    assert Memory(path, "notices").get("enabled") is False


def test_docks_and_theme_are_remembered(qapp, home: Path) -> None:
    async def first(desk: Desk) -> None:
        desk.window.commands.run("show_risk_panel")
        desk.window.commands.run("theme")

    async def second(desk: Desk) -> None:
        assert desk.window.docks["risk"].isCurrentTab()
        desk.window.commands.run("reset_layout")
        assert desk.window.docks["positions"].isCurrentTab()

    live(request(home, mode=Mode.MANUAL), first)
    assert Memory(home / "window.json", "layout").get("theme") == "light"
    live(request(home, mode=Mode.MANUAL), second)
