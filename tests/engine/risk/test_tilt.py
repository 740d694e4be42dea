"""The tilt guard: after losses in a row, or overrides that lost, the owner's hand waits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.core.clock import MINUTE
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Side
from engine.risk.tilt import Tilt
from engine.signals.desk import Mode
from tests.engine.rig import WIDE, Rig, Scripted

BID = 200_000
STREAK = replace(WIDE, losing_streak=2, cool_off_min=30)
OVERRIDES = replace(WIDE, override_losses=1, cool_off_min=30)


def calm(limits: Any = STREAK, **rest: Any) -> Rig:
    rig = Rig(limits=limits, **rest)
    rig.warm()
    return rig


def trade(rig: Rig, change: int) -> None:
    """A trade by hand, bought at the ask and closed after the price moved by `change` ticks."""
    rig.buy(10, stop_loss=BID - 5_000)
    rig.quote(BID)
    rig.quote(BID + change)
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID + change)
    rig.quote(BID)
    assert rig.held == 0


def test_after_losses_in_a_row_entries_by_hand_wait() -> None:
    rig = calm()
    trade(rig, -100)
    rig.buy(1, stop_loss=BID - 500)
    assert rig.facts(f.OrderDenied) == []
    rig = calm()
    trade(rig, -100)
    trade(rig, -100)
    lost = rig.line.tilt.lost_at
    rig.buy(1, stop_loss=BID - 500)
    assert rig.facts(f.OrderDenied)[-1].limits == ("tilt",)
    assert rig.facts(f.OrderDenied)[-1].reason.startswith("2 trades in a row lost: entries by hand wait until ")
    rig.quote(BID, after=lost + 30 * MINUTE - rig.at - 1)
    rig.buy(1, stop_loss=BID - 501)
    assert len(rig.facts(f.OrderDenied)) == 2
    rig.quote(BID, after=1)
    rig.buy(1, stop_loss=BID - 502)
    assert len(rig.facts(f.OrderDenied)) == 2


def test_a_trade_that_won_ends_the_streak() -> None:
    rig = calm()
    trade(rig, -100)
    trade(rig, +100)
    trade(rig, -100)
    rig.buy(1, stop_loss=BID - 500)
    assert rig.facts(f.OrderDenied) == []


def test_while_the_hand_waits_positions_are_closed_and_the_model_trades_on() -> None:
    rig = calm(policy=Scripted({45: Side.BUY}))
    trade(rig, -100)
    trade(rig, -100)
    while rig.line.lead.policy._bars < 45:  # type: ignore[attr-defined]  # the rig's policy counts its bars
        rig.quote(BID, after=MINUTE)
    rig.quote(BID)
    assert rig.line.tilt.sentence(STREAK, rig.at)
    assert rig.held > 0
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    assert rig.held == 0


def flipped(limits: Any, change: int) -> Rig:
    """A signal flipped to a sale, which is closed after the price moved by `change` ticks; then another signal waits."""
    rig = calm(limits, policy=Scripted({35: Side.BUY, 42: Side.BUY}), mode=Mode.CONFIRM)
    while not rig.line.desk.cards:
        rig.quote(BID, after=MINUTE)
    rig.do(i.FlipCard(next(iter(rig.line.desk.cards))))
    rig.quote(BID)
    assert rig.held < 0
    rig.quote(BID + change)
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID + change)
    while not rig.line.desk.cards:
        rig.quote(BID, after=MINUTE)
    return rig


def test_after_an_override_that_lost_overrides_wait_and_the_signal_itself_does_not() -> None:
    rig = flipped(OVERRIDES, +100)
    card = next(iter(rig.line.desk.cards))
    assert "1 of your overrides lost" in rig.refusal(i.FlipCard(card))
    assert "entries by hand wait" in rig.refusal(i.ResizeCard(card, 1))
    rig.do(i.AcceptCard(card))
    rig.quote(BID)
    assert rig.held > 0


def test_an_override_that_won_leaves_the_hand_free() -> None:
    rig = flipped(OVERRIDES, -100)
    rig.do(i.FlipCard(next(iter(rig.line.desk.cards))))
    rig.quote(BID)
    assert rig.held < 0


def test_it_survives_a_restart_because_it_is_the_sum_of_facts() -> None:
    rig = calm()
    trade(rig, -100)
    trade(rig, -100)
    again = Tilt()
    for record in rig.journal.records():
        again.apply(record.fact, record.at)
    assert again.sentence(STREAK, rig.at) == rig.line.tilt.sentence(STREAK, rig.at) != ""


def test_overrides_that_lost_long_apart_count_apart() -> None:
    known = Tilt()
    limits = replace(WIDE, override_losses=2, override_window_min=60, cool_off_min=30)
    known.overrides_lost.extend([0, 61 * MINUTE])
    assert known.until(limits) == 0
    known.overrides_lost.append(100 * MINUTE)
    assert known.until(limits) == 130 * MINUTE
