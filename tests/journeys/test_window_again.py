"""Leaving and coming back: nothing is lost, the window says what happened, and a fresh start is one click away."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from app.dialogs.account import PaperAccount
from engine.domain.intents import SubmitOrder
from engine.services.bookkeeping import audit, fact_lines, list_books
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request


async def buy(desk: Desk, steps: int = 20) -> None:
    """Gets into a position by hand."""
    desk.bridge.submit(SubmitOrder("XAUUSD", "buy", "market", steps))
    await desk.play(lambda: desk.rows("positions"), "a position")


def test_a_closed_window_opens_again_where_it_was(qapp, home: Path) -> None:
    wanted = request(home, mode=Mode.MANUAL)
    before: dict[str, Any] = {}

    async def first(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(4)
        await buy(desk)
        before.update(position=desk.rows("positions"), fills=desk.rows("fills"), lines=desk.lines())
        before.update(bars=desk.panel("chart").state()["bars"], equity=desk.window.account_bar.state()["equity"])
        before.update(curve=desk.panel("equity").state())

    async def second(desk: Desk) -> None:
        await desk.opened()
        banner = desk.window.state()["banner"]
        assert banner.startswith("While you were away")
        assert "XAUUSD long 0.20 lots" in banner
        assert not desk.bridge.host.is_busy
        assert desk.rows("positions") == before["position"]
        assert desk.rows("fills") == before["fills"]
        assert desk.lines() == before["lines"]
        assert desk.panel("chart").state()["bars"] == before["bars"]
        assert desk.window.account_bar.state()["equity"] == before["equity"]
        assert desk.panel("equity").state() == before["curve"]
        desk.window.commands.run("play_pause")
        await desk.until(lambda: desk.bridge.host.is_busy, "a market that moves on")
        assert desk.window.state()["banner"] == ""
        await desk.pause()
        await desk.bars(2)
        assert desk.panel("chart").state()["bars"] > before["bars"]

    live(wanted, first)
    facts = list(fact_lines(wanted.db, None))
    live(wanted, second)
    assert list(fact_lines(wanted.db, None))[: len(facts)] == facts
    assert [book.status for book in list_books(wanted.db)] == ["open"]
    assert audit(wanted.db, None).is_clean


def test_a_reset_account_starts_a_new_book_and_keeps_the_old_one(qapp, home: Path) -> None:
    wanted = request(home, mode=Mode.MANUAL)

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(2)
        await buy(desk)
        window, bridge = desk.window, desk.bridge
        window.commands.run("paper_account")
        dialog = await desk.until(lambda: window.findChild(PaperAccount), "the account's dialog")
        dialog.balance.setText("nothing")
        dialog._confirm()
        assert "not a number" in dialog.message.text()
        dialog.balance.setText("2500,5")
        assert dialog.message.text() == "'2500,5' has a comma; write 2500.5 with a point."
        assert not dialog.accept_button.isEnabled()
        dialog.balance.setText("25,000.00")
        dialog._confirm()
        await desk.until(lambda: desk.terminal.window not in (None, window), "a new window")
        assert desk.bridge is not bridge
        await desk.opened()
        assert desk.window.account_bar.state()["equity"] == "25,000.00 USD"
        assert desk.rows("positions") == []
        assert desk.bridge.request.config.account.balance == Decimal("25000.00")

    live(wanted, scenario)
    books = list_books(wanted.db)
    assert len(books) == 2
    assert any("OrderFilled" in line for line in fact_lines(wanted.db, books[0].id))
    assert not any("OrderFilled" in line for line in fact_lines(wanted.db, books[1].id))
