"""The owner at work: one signal is vetoed, the next accepted, its stop moved, trading halted; the journal has all of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine.config import parse
from engine.domain import facts as f
from engine.domain.facts import Record
from engine.services.bookkeeping import audit
from tests.app.rig import Desk, live, request

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
NEAR = parse({"sma_cross": {"stop_fraction": 0.0015, "reward_risk": 2.0}}, "test")
"""Stops and targets near enough to be seen and dragged on the chart."""


def test_veto_accept_fill_move_the_stop_and_halt(qapp, home: Path) -> None:
    wanted = request(home, config=NEAR)
    seen: list[Record] = []

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        vetoed = await veto_with_a_reason(desk)
        accepted = await accept_with_a_key(desk, vetoed)
        await watch_it_fill(desk, accepted)
        await drag_the_stop(desk)
        await type_the_target(desk)
        await halt_with_the_hotkey(desk)
        seen.extend(desk.window.panels["journal"].widget.model.rows())

    live(wanted, scenario)
    journal_holds_the_decisions_beside_the_signals([record.fact for record in sorted(seen)])
    assert audit(wanted.db, None).is_clean


async def veto_with_a_reason(desk: Desk) -> str:
    signals = desk.panel("signals")
    signal, card = await desk.play(lambda: next(iter(signals.cards.items()), None), "a signal card")
    assert card.state()["probability"] == "0.50"
    assert signal in [mark["id"] for mark in desk.panel("chart").state()["marks"]]
    card.reason.setCurrentText("news ahead")
    desk.click(card.buttons["Veto"])
    await desk.until(lambda: signal not in signals.cards, "the vetoed card to go")
    await desk.until(lambda: "vetoed" in str(signals.state()["recent"]), "the veto among recent signals")
    return str(signal)


async def accept_with_a_key(desk: Desk, vetoed: str) -> str:
    signals = desk.panel("signals")
    signal, card = await desk.play(lambda: next(iter(signals.cards.items()), None), "the next card")
    assert signal != vetoed
    desk.press(Qt.Key.Key_J, modifiers=Qt.KeyboardModifier.ControlModifier)
    await desk.until(card.hasFocus, "the card to have the focus")
    desk.press(Qt.Key.Key_A, card)
    await desk.until(lambda: signal not in signals.cards, "the accepted card to go")
    return str(signal)


async def watch_it_fill(desk: Desk, signal: str) -> None:
    await desk.play(lambda: desk.rows("positions"), "a position")
    position, fill = desk.rows("positions")[0], desk.rows("fills")[0]
    assert position["symbol"] == "XAUUSD"
    assert position["protected"] == "protected"
    assert fill["price"] == position["entry"]
    lines = desk.lines()
    assert lines["XAUUSD-entry"] == position["entry"]
    assert lines["XAUUSD-stop"] == position["stop"]
    assert lines["XAUUSD-target"] == position["target"]
    assert any(name.startswith("limit-") for name in lines)
    assert "accepted" in str(desk.panel("signals").state()["recent"])


async def drag_the_stop(desk: Desk) -> None:
    surface, before = desk.panel("chart").surface, desk.rows("positions")[0]["stop"]
    surface.grab()
    stop, mark = y_of(desk, "XAUUSD-stop"), y_at(desk, desk.rows("positions")[0]["mark"])
    start, end = QPoint(300, stop), QPoint(300, stop + (mark - stop) // 4)  # between stop and market, wherever that went
    QTest.mousePress(surface, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.4, 0.8, 1.0):
        QTest.mouseMove(surface, start + (end - start) * share)
    QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, pos=end)
    await desk.until(lambda: desk.rows("positions")[0]["stop"] != before, "the stop at its new price")
    assert desk.lines()["XAUUSD-stop"] == desk.rows("positions")[0]["stop"]


def y_at(desk: Desk, price: str) -> int:
    return round(desk.panel("chart").model.price_pane.scale.y(float(price.replace(",", ""))))


def y_of(desk: Desk, name: str) -> int:
    chart = desk.panel("chart").model
    return round(chart.price_pane.scale.y(chart.price(chart.lines[name].price)))


async def type_the_target(desk: Desk) -> None:
    model, before = desk.panel("positions").model, desk.rows("positions")[0]["target"]
    column = [column.name for column in model.columns].index("target")
    entry = float(desk.rows("positions")[0]["entry"].replace(",", ""))
    farther = entry + 1.5 * (float(before.replace(",", "")) - entry)
    assert model.setData(model.index(0, column), f"{farther:.2f}")
    await desk.until(lambda: desk.rows("positions")[0]["target"] == f"{farther:,.2f}", "the target as typed")


async def halt_with_the_hotkey(desk: Desk) -> None:
    desk.press(Qt.Key.Key_H, modifiers=CTRL_SHIFT)
    await desk.until(lambda: "HALTED" in desk.window.account_bar.state()["state"], "HALTED in the toolbar")
    assert desk.rows("positions")[0]["protected"] == "protected"


def journal_holds_the_decisions_beside_the_signals(facts: list[f.Fact]) -> None:
    signals = {fact.signal: fact for fact in facts if isinstance(fact, f.SignalEmitted)}
    decisions = {fact.signal: fact for fact in facts if isinstance(fact, f.CardDecided)}
    vetoed, accepted = list(decisions.values())[:2]
    assert (vetoed.decision, vetoed.reason) == ("vetoed", "news ahead")
    assert accepted.decision == "accepted"
    entry = next(fact for fact in facts if isinstance(fact, f.OrderIntended))
    signal = signals[accepted.signal]
    assert (entry.signal, entry.side) == (signal.signal, signal.side)
    assert [fact.state for fact in facts if isinstance(fact, f.TradingStateChanged)] == ["HALTED"]
    assert sum(isinstance(fact, f.OrderModified) for fact in facts) == 2
