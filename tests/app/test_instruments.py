"""The editor of instruments in the real window: choose, change, be told what is wrong, save, restore, begin anew."""

from __future__ import annotations

from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.revision import Listed, changed
from engine.request import Request
from engine.services import instruments
from engine.services.instruments import history, in_force
from tests.app.rig import Desk, live, request
from widgets.instruments.picker import LISTED
from widgets.instruments.view import InstrumentsView


async def editor(desk: Desk) -> InstrumentsView:
    """The editor, opened from the palette's command, with gold in its form."""
    await desk.opened()
    desk.window.commands.run("show_instruments_panel")
    return await shown(desk, "XAUUSD")


async def shown(desk: Desk, key: str, version: int = 0) -> InstrumentsView:
    panel: Any = desk.window.panels["instruments"]
    await desk.until(lambda: panel.view is not None and panel.view.state()["key"] == key, f"the form of {key}")
    await desk.until(lambda: panel.view.aside.history.isVisible() and panel.view._stored.version == version, f"version {version}")
    view: InstrumentsView = panel.view
    return view


def write(view: InstrumentsView, path: str, text: str) -> None:
    """Types a value in the place of what stood there."""
    box: Any = view.form.fields[path].box
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)


def test_a_wrong_value_is_said_at_its_field_and_nothing_can_be_saved(tmp_path: Path) -> None:
    async def use(desk: Desk) -> None:
        view = await editor(desk)
        assert view.state()["summary"] == "As it is stored."
        assert not view.save.isEnabled()
        write(view, "price.tick", "zero")
        assert view.state()["faults"] == {"price.tick": "It is not a number"}
        write(view, "price.tick", "0.01")
        write(view, "sessions.zone", "Mars/Base")
        assert "There is no such time zone" in view.state()["faults"]["sessions.zone"]
        assert not view.save.isEnabled()
        desk.click(view.discard)
        assert view.state()["faults"] == {}
        assert view.state()["fields"]["sessions.zone"] == "America/New_York"

    live(request(tmp_path), use)


def test_a_change_is_saved_with_its_reason_and_begins_with_the_next_session(tmp_path: Path) -> None:
    wanted = request(tmp_path)

    async def use(desk: Desk) -> None:
        view = await editor(desk)
        write(view, "financing.long", "-42.1")
        assert "this session goes on with the terms it began with" in view.state()["banner"]
        assert view.state()["summary"] == "1 change; say why, then save"
        QTest.keyClicks(view.reason, "the broker's new swap")
        desk.press(Qt.Key.Key_S, view.reason, Qt.KeyboardModifier.ControlModifier)
        await shown(desk, "XAUUSD", 1)
        assert [each.reason for each in history("XAUUSD", wanted.db)] == ["as shipped", "the broker's new swap"]
        assert desk.bridge.request.instrument.financing_long == 120_000
        assert "XAUUSD version 1 is stored. It begins with the next session" in view.state()["banner"]
        before = desk.window
        desk.click(view.begin)
        await desk.until(lambda: desk.terminal.window not in (None, before), "another window")
        await desk.opened()
        assert desk.bridge.request.instrument.financing_long == 421_000

    try:
        live(wanted, use)
    finally:
        INSTRUMENTS.release("XAUUSD")


def test_an_earlier_version_is_restored_as_a_new_one(tmp_path: Path) -> None:
    wanted = request(tmp_path)

    async def use(desk: Desk) -> None:
        view = await editor(desk)
        write(view, "price.spread", "33")
        QTest.keyClicks(view.reason, "wider")
        desk.click(view.save)
        await shown(desk, "XAUUSD", 1)
        desk.click(view.aside.restore_buttons[0])
        assert view.state()["fields"]["price.spread"] == "20"
        assert view.reason.text() == "back to version 0"
        desk.click(view.save)
        await shown(desk, "XAUUSD", 2)
        assert in_force("XAUUSD", wanted.db).spread == 20
        assert view.state()["banner"] == ""

    live(wanted, use)


def test_what_was_typed_is_still_there_after_looking_at_another_instrument(tmp_path: Path) -> None:
    async def use(desk: Desk) -> None:
        view = await editor(desk)
        write(view, "price.spread", "21")
        desk.press(Qt.Key.Key_F, None, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(desk.window.focusWidget(), "micro gold")
        desk.press(Qt.Key.Key_Down)
        await shown(desk, "MGC")
        assert view.state()["fields"]["roll.months"] == "GJMQZ"
        view.picker.search.clear()
        view.picker.list.setCurrentRow(0)
        await shown(desk, "XAUUSD")
        assert view.state()["fields"]["price.spread"] == "21"

    live(request(tmp_path), use)


def test_what_is_typed_for_another_instrument_while_one_is_stored_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = Event()
    save = instruments.save

    def slowly(*values: Any) -> Listed:
        stored.wait()
        return save(*values)

    monkeypatch.setattr(instruments, "save", slowly)

    async def use(desk: Desk) -> None:
        view = await editor(desk)
        write(view, "price.spread", "33")
        QTest.keyClicks(view.reason, "wider")
        try:
            desk.click(view.save)
            view.picker.choose("EURUSD")
            view.chosen.emit("EURUSD")
            await shown(desk, "EURUSD")
            write(view, "price.spread", "9")
            QTest.keyClicks(view.reason, "quieter")
        finally:
            stored.set()
        await desk.until(lambda: view.picker.list.item(0).data(LISTED).version == 1, "gold's new version")
        await shown(desk, "EURUSD")
        assert view.state()["fields"]["price.spread"] == "9"
        assert view.reason.text() == "quieter"
        view.picker.list.setCurrentRow(0)
        await shown(desk, "XAUUSD", 1)
        assert view.state()["summary"] == "As it is stored."
        assert view.reason.text() == ""
        view.chosen.emit("EURUSD")
        await shown(desk, "EURUSD")
        assert view.state()["fields"]["price.spread"] == "9"
        assert view.reason.text() == "quieter"

    live(request(tmp_path), use)


def test_an_edit_does_not_overwrite_what_another_program_stored_meanwhile(tmp_path: Path) -> None:
    wanted = request(tmp_path)

    async def use(desk: Desk) -> None:
        view = await editor(desk)
        write(view, "price.spread", "33")
        QTest.keyClicks(view.reason, "wider")
        instruments.save(wanted.db, changed(history("XAUUSD", wanted.db)[-1].definition, {"costs.commission": "9"}), "theirs")
        desk.window.panels["instruments"].choose("XAUUSD")
        await shown(desk, "XAUUSD", 1)
        assert view.state()["fields"]["price.spread"] == "33"
        desk.click(view.save)
        await desk.until(lambda: "was changed meanwhile (version 1)" in view.state()["summary"], "the service's sentence")
        assert [each.reason for each in history("XAUUSD", wanted.db)] == ["as shipped", "theirs"]
        desk.click(view.discard)
        write(view, "price.spread", "33")
        QTest.keyClicks(view.reason, "wider")
        desk.click(view.save)
        await shown(desk, "XAUUSD", 2)
        assert view.state()["fields"]["costs.commission"] == "9"

    live(wanted, use)


def test_the_window_does_not_wait_for_the_terms_of_the_next_session_and_leaving_it_meanwhile_is_leaving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answered = Event(), Event()

    def slowly(wanted: Request) -> Request:
        asked.set()
        assert current_thread() is not main_thread()
        answered.wait()
        return wanted

    monkeypatch.setattr(instruments, "renewed", slowly)

    async def use(desk: Desk) -> None:
        await desk.opened()
        try:
            desk.window.renew_wanted()
            await desk.until(asked.is_set, "the question for the terms")
            desk.window.close()
        finally:
            answered.set()
        await desk.until(lambda: desk.terminal.window is None, "no other window")

    live(request(tmp_path), use)


def test_a_next_session_whose_terms_cannot_be_read_says_so_and_can_be_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise UserError("the books cannot be read; start their server")

    async def use(desk: Desk) -> None:
        await desk.opened()
        before = desk.window
        with monkeypatch.context() as broken:
            broken.setattr(instruments, "current_version", fail)
            desk.window.renew_wanted()
            await desk.until(lambda: desk.terminal.window not in (None, before), "another window")
        await desk.until(lambda: desk.window.state()["banner"], "the sentence")
        assert desk.window.state()["banner"].startswith("The books cannot be read; start their server.")
        assert desk.bridge.opening is None
        before = desk.window
        desk.window.renew_wanted()
        await desk.until(lambda: desk.terminal.window not in (None, before), "a third window")
        await desk.opened()

    try:
        live(request(tmp_path), use)
    finally:
        INSTRUMENTS.release("XAUUSD")


def test_the_watchlist_s_menu_opens_the_editor_on_its_instrument(tmp_path: Path) -> None:
    async def use(desk: Desk) -> None:
        await desk.opened()
        desk.panel("watchlist").add("EURUSD")
        desk.panel("watchlist")._ask_terms()
        view = await shown(desk, "EURUSD")
        assert view.state()["fields"]["holidays.closed"] == "01-01 12-25"
        assert not desk.window.docks["instruments"].isHidden()
        desk.press(Qt.Key.Key_Escape)
        assert desk.window.docks["instruments"].isHidden()

    live(request(tmp_path), use)
