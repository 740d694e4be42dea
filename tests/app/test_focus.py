"""Where the focus goes when what had it is gone: never to what acts on trading."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget

from tests.app.rig import Desk, live, request
from tests.app.test_instruments import editor, write


async def press_space(desk: Desk) -> None:
    """The key, where the focus is, and what the engine made of it."""
    desk.press(Qt.Key.Key_Space)
    await desk.frame()
    assert desk.window.state()["toolbar"]["mode"] == "CONFIRM"
    assert not desk.bridge.host.is_busy


def chart(desk: Desk) -> QWidget:
    found: QWidget = desk.panel("chart").surface
    return found


def test_space_after_the_last_card_was_answered_changes_no_mode(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        cards = desk.panel("signals").cards
        await desk.play(lambda: cards, "a signal card")
        desk.window.commands.run("show_signals")
        desk.press(Qt.Key.Key_A)
        await desk.until(lambda: not cards, "the answered card to go")
        assert desk.window.focusWidget() is chart(desk)
        await press_space(desk)

    live(request(home), scenario)


def test_space_after_a_card_was_answered_with_its_button_changes_no_mode(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        cards = desk.panel("signals").cards
        await desk.play(lambda: cards, "a signal card")
        button = next(iter(cards.values())).buttons["Veto"]
        button.setFocus()
        desk.click(button)
        await desk.until(lambda: not cards, "the answered card to go")
        assert desk.window.focusWidget() is chart(desk)
        await press_space(desk)

    live(request(home), scenario)


def test_a_page_that_closes_leaves_the_focus_to_the_chart(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        next(each for each in desk.panel("ticket").findChildren(QPushButton) if each.isEnabled() and each.isVisible()).setFocus()
        desk.window.commands.run("show_imports_panel")
        desk.click(desk.window.docks["imports"].back)
        assert desk.window.focusWidget() is chart(desk)
        await press_space(desk)

    live(request(home), scenario)


def test_discard_and_save_leave_the_focus_in_the_editor(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        view = await editor(desk)
        for button, why in ((view.discard, ""), (view.save, "wider")):
            write(view, "price.spread", "33")
            QTest.keyClicks(view.reason, why)
            button.setFocus()
            desk.press(Qt.Key.Key_Space)
            await desk.until(lambda: not view.reason.isEnabled(), "a form without changes")
            assert desk.window.focusWidget() is view.picker.search
            await press_space(desk)

    live(request(home), scenario)
