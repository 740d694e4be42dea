"""Rolling a future from the window: offered when it is due, asked about with prices, done at the owner's word."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.dialogs.palette import Palette
from app.dialogs.roll import RollDialog, paragraphs
from engine.config import AccountSection, Config, LimitsSection
from engine.core.clock import SystemClock
from engine.domain.views import RollView
from engine.market.contracts import Contract, front
from engine.market.rolling import rolling_of
from engine.profile import InstrumentSection, Profile, SessionSection, VenueSection
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request
from tests.live.test_contracts import GC, local
from tests.peers.tws.thread import Remote, in_thread


@pytest.fixture
def tws() -> Iterator[Remote]:
    with in_thread(clock=SystemClock(), always_open=True) as peer:
        yield peer


def _months() -> tuple[Contract, Contract, int]:
    """Two contracts of today, and in how many business days the first of them has its first notice."""
    rolling = rolling_of(GC, 0)
    assert rolling is not None
    now = SystemClock().now()
    out = front(rolling.trading_day(now), rolling.rule, rolling.is_business)
    return out, rolling.follower(out), rolling.days_left(out, now)


def _position(tws: Remote, contract: Contract) -> Decimal:
    held: Decimal = tws.look(lambda it: it.position(local(contract)))
    return held


def test_a_position_is_rolled_from_the_menu_after_the_dialog_was_answered(
    qapp: Any, home: Path, tws: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.live.rolling.is_market_open", lambda *_: True)
    out, into, days = _months()
    tws.do(lambda it: it.hold(local(out), 1, 4000))
    tws.do(lambda it: it.quote(local(out), "4000.0", "4000.2"))
    tws.do(lambda it: it.quote(local(into), "4020.0", "4020.2"))
    profile = Profile(
        venues={"ib": VenueSection(host=tws.host, port=tws.port, client_id=1, timeout=20.0)},
        instruments={"GC": InstrumentSection(days=days)},
        session=SessionSection(look_every=0.1, history_bars=200, patience=30.0),
    )
    limits = LimitsSection(sessions="ignore", duplicate_window_s=0)
    config = Config(account=AccountSection(balance=10_000_000), limits=limits)
    wanted = request(home, instrument=GC, config=config, mode=Mode.MANUAL, feed="ib", broker="ib", profile=profile)
    name = f"Roll GC{out.code} to GC{into.code}…"

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        commands = desk.window.commands
        await desk.until(lambda: commands.is_offered("roll_GC"), "the command")
        assert commands.actions["roll_GC"].text() == name
        session = desk.bridge.host._lived
        assert session is not None
        await desk.until(lambda: not session.rolls._objection("GC"), "a roll that may begin")
        commands.run("roll_GC")
        dialog = await desk.until(lambda: desk.window.findChild(RollDialog), "the question")
        assert f"Sell 1 GC{out.code} at the market, at about 4,000.0" in dialog.text.text()
        assert f"Then buy 1 GC{into.code} at the market, at about 4,020.0, which is 20.0 more" in dialog.text.text()
        assert "main.py session roll GC, or Roll in the menu" in desk.panel("venue").report.toPlainText()
        dialog.keep.click()
        await desk.until(lambda: desk.window.findChild(RollDialog) is None, "no question")
        assert _position(tws, out) == 1
        commands.run("roll_GC")
        dialog = await desk.until(lambda: desk.window.findChild(RollDialog), "the question again")
        dialog.go.click()
        await desk.until(lambda: _position(tws, into) == 1, "the new contract")
        assert _position(tws, out) == 0
        await desk.until(lambda: not commands.is_offered("roll_GC"), "a command that has nothing to do")
        palette = Palette(commands, desk.window)
        assert not [row for row in range(palette.list.count()) if "Roll GC" in palette.list.item(row).text()]
        commands.run("roll_GC")
        assert "No position in GC is due to be rolled." in str(desk.window.status.state())
        desk.terminal.leave()

    live(wanted, scenario)


def test_the_dialog_says_what_is_done_in_its_order() -> None:
    short = RollView("GC", "GCZ25", "GCG26", -2, 40_002, 40_202, 200, 41_200, 39_200)
    assert paragraphs(short) == [
        "Buy 2 GCZ25 at the market, at about 4,000.2: its orders are cancelled, and it is closed.",
        "Then sell 2 GCG26 at the market, at about 4,020.2, which is 20.0 more; with stop at 4,120.0 and target at 3,920.0, "
        "moved by that.",
        "In between nothing is held. What goes wrong on the way leaves the old position with its stop, or nothing, and is said.",
    ]
    (_, opening, _) = paragraphs(RollView("GC", "GCZ25", "GCG26", 1, 40_000, 39_990, -10, None, None))
    assert opening == "Then buy 1 GCG26 at the market, at about 3,999.0, which is 1.0 less; with no stop: none protects it now."
