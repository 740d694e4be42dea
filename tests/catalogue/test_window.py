"""Faults 58 to 60: a window that hangs, one that is closed while orders work, and one that is to trade with money."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from PySide6.QtWidgets import QDialog

from app.dialogs.arming import Arming
from app.dialogs.leaving import Leaving
from engine.core.clock import SECOND, SystemClock
from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.intents import Arm, Disarm, Intent, SubmitOrder
from engine.domain.views import Gauge, VenueView
from engine.live import opening
from tests.app.rig import Desk as Terminal
from tests.app.rig import live
from tests.catalogue.invariants import Wire, records_on_disk, violations
from tests.catalogue.rig import at_tws, played
from tests.keyrings import Desktop, keep_in
from tests.live.rig import GOLD, Ticker, paper_request
from tests.peers.faults import Hold
from tests.peers.tws import Peer

BUY = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)
LIMIT = SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000)
LIVE = "U7654321"


def at_a_window(scenario: Callable[[Terminal, Ticker], Any]) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """A test of a scenario with the terminal on a live session on paper; the book holds what it should afterwards."""

    def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        feed = Ticker()
        monkeypatch.setattr(opening, "feed_at", lambda _address, _around: feed)
        request = paper_request(tmp_path)

        async def play(desk: Terminal) -> None:
            await desk.opened()
            await scenario(desk, feed)

        live(request, play)
        held = sum(
            record.fact.quantity * (1 if record.fact.side == "buy" else -1)
            for record in records_on_disk(request.db)
            if isinstance(record.fact, f.OrderFilled)
        )
        assert violations(request.db, Wire(), {GOLD: held}) == []

    test.__name__ = getattr(scenario, "__name__", "scenario")
    return test


def put_up(desk: Terminal, feed: Ticker, bid: int, after_s: float = 0.0) -> None:
    """A price comes, on the engine's own thread."""
    loop = desk.bridge.host._loop
    loop.call_soon_threadsafe(loop.call_later, after_s, feed.say, bid, bid + 30)


async def done(desk: Terminal, intent: Intent) -> list[f.Fact]:
    """What an intent led to at once."""
    return [record.fact for record in await asyncio.wrap_future(desk.bridge.host.submit(intent))]


async def holding(desk: Terminal, feed: Ticker) -> None:
    """Two units are held, under their stop."""
    session = desk.bridge.host._lived
    assert session is not None
    put_up(desk, feed, 400_000)
    await desk.until(lambda: not any(session.obstacles(GOLD)), "orders may be placed")
    await done(desk, BUY)
    put_up(desk, feed, 400_010, 0.05)
    await desk.until(lambda: session.pipeline.protection.covered(GOLD) == 2, "a position under its stop")


def states(desk: Terminal) -> dict[str, str]:
    """The orders of the engine by id, read past the window."""
    session = desk.bridge.host._lived
    assert session is not None
    return {name: order.state.value for name, order in dict(session.pipeline.register.orders).items()}


@at_a_window
async def test_fault_58_stops_and_timers_of_the_engine_run_while_the_window_hangs(desk: Terminal, feed: Ticker) -> None:
    await holding(desk, feed)
    (stop,) = (name for name, state in states(desk).items() if name.endswith("-stop") and state == "ACCEPTED")
    expiry = SystemClock().now() + 2 * SECOND
    placed = await done(desk, SubmitOrder(GOLD, "buy", "limit", 1, price=390_000, stop_loss=389_000, tif="GTD", expires=expiry))
    (timed,) = (fact.order for fact in placed if isinstance(fact, f.OrderIntended) and fact.role == "entry")
    put_up(desk, feed, 397_900, 0.2)
    frames, end = desk.bridge.frame_ms, monotonic() + 60
    while (states(desk)[stop], states(desk)[timed]) != ("FILLED", "EXPIRED") and monotonic() < end:
        pass  # the window's thread is busy with nothing: no frame, no event, no coroutine of its own
    assert (states(desk)[stop], states(desk)[timed]) == ("FILLED", "EXPIRED")
    assert desk.bridge.frame_ms == frames
    await desk.frame()
    assert desk.window.panels["positions"].widget.model.rowCount() == 0


@at_a_window
async def test_fault_59_closing_with_orders_and_a_position_says_what_stays_and_asks(desk: Terminal, feed: Ticker) -> None:
    await holding(desk, feed)
    await done(desk, LIMIT)
    await desk.until(lambda: list(states(desk).values()).count("ACCEPTED") >= 2, "an order that rests")
    desk.window.close()
    dialog = await desk.until(lambda: desk.window.findChild(Leaving), "a question")
    said = dialog.text.text()
    assert "This stays at paper, account paper" in said
    assert "2" in said
    assert "under its stop" in said
    assert "entry: buy" in said
    assert "limit at 3,990.00, accepted" in said
    assert "stop: sell" in said
    dialog.stay.click()
    await desk.until(lambda: desk.window.findChild(Leaving) is None, "no question")
    assert not desk.terminal._leaving.is_set()
    assert "ACCEPTED" in states(desk).values()


@at_a_window
async def test_fault_59_closing_all_the_same_leaves_orders_as_they_are(desk: Terminal, feed: Ticker) -> None:
    await holding(desk, feed)
    before = states(desk)
    desk.window.close()
    dialog = await desk.until(lambda: desk.window.findChild(Leaving), "a question")
    dialog.go.click()
    await desk.until(lambda: desk.terminal.window is None, "a closed window")
    kinds = [type(record.fact).__name__ for record in records_on_disk(desk.terminal.request.db)]
    assert "OrderCancelled" not in kinds
    assert sorted(before.values()) == ["ACCEPTED", "FILLED"]


@at_a_window
async def test_fault_59_an_order_of_this_very_moment_is_asked_about_and_gets_its_answer(desk: Terminal, feed: Ticker) -> None:
    session = desk.bridge.host._lived
    assert session is not None
    put_up(desk, feed, 400_000)
    await desk.until(lambda: not any(session.obstacles(GOLD)), "orders may be placed")
    desk.bridge.submit(LIMIT)
    desk.window.close()
    dialog = await desk.until(lambda: desk.window.findChild(Leaving), "a question")
    assert "entry: buy" in dialog.text.text()
    dialog.go.click()
    await desk.until(lambda: desk.terminal.window is None, "a closed window")
    told = [type(it.fact).__name__ for it in records_on_disk(desk.terminal.request.db) if isinstance(it.fact, f.OrderFact)]
    assert told.count("OrderSent") == told.count("OrderAccepted") + told.count("OrderHeld") > 0


@at_a_window
async def test_fault_59_with_nothing_open_the_window_closes_without_a_word(desk: Terminal, feed: Ticker) -> None:
    put_up(desk, feed, 400_000)
    desk.window.close()
    await desk.until(lambda: desk.terminal.window is None, "a closed window")


@played
async def test_fault_59_an_order_in_mid_send_has_its_answer_on_record_when_the_session_has_ended(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, patience=5.0) as desk:
        await desk.ready()
        held = [peer.faults.on(kind, Hold(), times=None) for kind in ("openOrder", "orderStatus", "execDetails")]
        name = desk.buy(type="limit", price=399_000)
        await desk.until(lambda: desk.wire.seen)
        assert desk.state(name) == "SENT"
        for rule in held:
            asyncio.get_running_loop().call_later(0.2, rule.release)
    assert desk.state(name) == "ACCEPTED"
    assert [type(it.fact).__name__ for it in records_on_disk(desk.db)].count("OrderAccepted") >= 1


def with_money() -> Peer:
    """A TWS that is logged in to a live account."""
    return Peer(accounts=(LIVE,), clock=SystemClock(), always_open=True)


def test_fault_60_money_is_traded_with_only_after_the_account_was_typed_and_a_restart_forgets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_in(Desktop({}), monkeypatch)

    async def play() -> None:
        terms = {"venue": {"live": True, "account": LIVE}}
        async with asyncio.timeout(180), with_money() as peer:
            async with at_tws(peer, tmp_path, **terms) as desk:
                await desk.until(lambda: desk.session.may_be_armed)
                for wrong in ("", "u7654321", LIVE + " ", "paper"):
                    refused = [fact for fact in desk.do(Arm(wrong)) if isinstance(fact, f.IntentRefused)]
                    assert "not the account's name" in refused[0].reason
                assert "not armed" in _denial(desk.do(BUY))
                desk.do(Arm(LIVE))
                await desk.ready()
                name = desk.buy()
                await desk.until(lambda: desk.state(name) == "FILLED")
                desk.do(Disarm())
                assert "not armed" in _denial(desk.do(BUY))
                desk.do(Arm(LIVE))
            async with at_tws(peer, tmp_path, **terms) as desk:
                await desk.until(lambda: desk.session.may_be_armed)
                assert "not armed" in _denial(desk.do(BUY))
                view = desk.session.picture().venue
                assert view is not None
                assert (view.is_live, view.is_armed) == (True, False)

    asyncio.run(play())


def test_fault_60_a_book_with_money_is_not_begun_without_a_key_for_its_chain(tmp_path: Path) -> None:
    async def play() -> None:
        async with with_money() as peer:
            with pytest.raises(UserError, match="is chained with a key, and there is none: there is no keyring"):
                async with at_tws(peer, tmp_path, venue={"live": True, "account": LIVE}):
                    pytest.fail("it was opened")
            assert not peer.received("placeOrder")

    asyncio.run(play())


def _venue(**changes: Any) -> VenueView:
    given: dict[str, Any] = {
        "broker": "ib",
        "account": LIVE,
        "feed": "ib",
        "is_live": True,
        "is_ready": True,
        "is_armed": False,
        "trouble": "",
        "feed_trouble": "",
        "blocked": (),
        "reconciled": 1,
        "is_reconciled": True,
        "report": (),
    }
    return VenueView(**(given | changes))


def test_fault_60_the_dialog_arms_only_with_the_exact_name_typed(qtbot: Any) -> None:
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = Arming(_venue(), [Gauge("daily_loss", 0.0, 0.02, "ok", "")], parent)
    armed: list[str] = []
    dialog.armed.connect(armed.append)
    assert not dialog.accept_button.isEnabled()
    for typed in ("u7654321", LIVE[:-1], LIVE + " "):
        dialog.name.setText(typed)
        assert not dialog.accept_button.isEnabled()
        dialog._confirm()
    assert armed == []
    dialog.name.setText(LIVE)
    dialog.accept_button.click()
    assert armed == [LIVE]
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_fault_60_the_dialog_is_dead_while_the_books_are_not_reconciled(qtbot: Any) -> None:
    from PySide6.QtWidgets import QWidget

    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = Arming(_venue(is_reconciled=False, trouble="two units differ"), [], parent)
    dialog.name.setText(LIVE)
    assert not dialog.accept_button.isEnabled()


def _denial(facts: list[f.Fact]) -> str:
    (denied,) = [fact for fact in facts if isinstance(fact, f.OrderDenied)]
    assert not any(isinstance(fact, f.OrderIntended) for fact in facts)
    return denied.reason
