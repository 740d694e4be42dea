"""An order by hand: typed, judged, refused when too large, sent, then closed in part, reversed and flattened."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.services.bookkeeping import audit
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request

CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
LIMITS = {"position", "daily loss", "worst day", "open risk", "leverage", "drawdown"}


def test_an_order_by_hand_from_ticket_to_flat(qapp, home: Path) -> None:
    wanted = request(home, mode=Mode.MANUAL)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(3)
        await choose_buy_by_keyboard(desk)
        await too_much_is_refused_with_the_largest_that_passes(desk)
        await the_preview_shows_every_limit(desk)
        await send_with_ctrl_enter(desk)
        await close_half(desk)
        await reverse(desk)
        await flatten(desk)

    live(wanted, scenario)
    assert audit(wanted.db, None).is_clean


async def choose_buy_by_keyboard(desk: Desk) -> None:
    ticket = desk.panel("ticket")
    desk.press(Qt.Key.Key_F9)
    await desk.until(ticket.form.amount.hasFocus, "the cursor in the ticket's quantity")
    desk.press(Qt.Key.Key_B, modifiers=ALT)
    await desk.until(lambda: ticket.state()["side"] == "buy", "BUY chosen")


def type_quantity(desk: Desk, text: str) -> None:
    amount = desk.panel("ticket").form.amount
    amount.setFocus()
    amount.selectAll()
    QTest.keyClicks(amount, text)


async def too_much_is_refused_with_the_largest_that_passes(desk: Desk) -> None:
    ticket = desk.panel("ticket")
    type_quantity(desk, "40")
    await desk.until(lambda: ticket.submit.text().startswith("Refused"), "a refusal while typing")
    shown = ticket.preview.state()
    assert not ticket.submit.isEnabled()
    assert shown["sentence"]
    assert shown["largest"].startswith("Largest that passes")
    desk.press(Qt.Key.Key_Return, ticket.form.amount, CTRL)
    await desk.frame()
    assert desk.rows("orders") == []
    desk.click(ticket.preview.use)
    await desk.until(lambda: ticket.submit.text().startswith("BUY"), "the largest quantity to pass")
    assert 0 < Decimal(ticket.form.amount.text()) < 40


async def the_preview_shows_every_limit(desk: Desk) -> None:
    ticket = desk.panel("ticket")
    type_quantity(desk, "0.20")
    await desk.until(lambda: ticket.preview.state()["sentence"].startswith("Passes"), "a verdict on 0.20 lot")
    assert ticket.submit.text().startswith("BUY 0.20")
    preview = ticket.preview.state()
    assert {row[0] for row in preview["rows"]} >= LIMITS
    assert all(len(row) == 6 and all(row) for row in preview["rows"])
    assert "ATR stop" in preview["stop"]


async def send_with_ctrl_enter(desk: Desk) -> None:
    desk.press(Qt.Key.Key_Return, desk.panel("ticket").form.amount, CTRL)
    await desk.play(lambda: held(desk) == "LONG 0.20", "the position")
    assert desk.rows("positions")[0]["protected"] == "protected"
    assert [row["side"] for row in desk.rows("fills")] == ["BUY"]
    assert [(row["side"], row["type"]) for row in desk.rows("orders")] == [("SELL", "stop")]


async def close_half(desk: Desk) -> None:
    panel = desk.panel("positions")
    desk.click(panel._parts[2])
    await desk.play(lambda: held(desk) == "LONG 0.10", "half of it closed")
    assert desk.rows("positions")[0]["protected"] == "protected"


async def reverse(desk: Desk) -> None:
    panel = desk.panel("positions")
    desk.click(panel.reverse)
    await desk.frame()
    assert held(desk) == "LONG 0.10", "the first press only asks"
    desk.click(panel.reverse)
    await desk.play(lambda: held(desk) == "SHORT 0.10", "the position reversed")


async def flatten(desk: Desk) -> None:
    desk.press(Qt.Key.Key_F, modifiers=CTRL | Qt.KeyboardModifier.ShiftModifier)
    await desk.play(lambda: not held(desk), "no position")
    assert len(desk.rows("trades")) == 2
    assert desk.panel("positions").state()["empty"]["action"] == "New order (F9)"
    assert desk.window.state()["panels"]["chart"]["lines"] == []


def held(desk: Desk) -> str:
    rows = desk.rows("positions")
    return f"{rows[0]['side']} {rows[0]['quantity']}" if rows else ""
