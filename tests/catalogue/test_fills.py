"""Fills that come early, late, twice, corrected, or beyond what was ordered: each counts once, and none lacks a stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import CancelOrder, ClosePosition, SubmitOrder
from tests.catalogue.rig import GOLD, Desk, at_tws, played, sequence
from tests.peers.faults import Duplicate, Hold, Reorder
from tests.peers.tws import Peer

RESTING: dict[str, Any] = {"type": "limit", "price": 399_000}


async def rests(desk: Desk, quantity: int = 2, **terms: Any) -> str:
    """Our id of an accepted order to buy at a price that nothing reaches."""
    await desk.ready()
    name = desk.buy(quantity, **{**RESTING, **terms})
    await desk.until(lambda: desk.state(name) == "ACCEPTED")
    return name


async def is_protected(desk: Desk, position: int) -> None:
    """Returns when that is the position, and a stop over all of it rests at the venue."""
    await desk.until(lambda: desk.position == position and desk.session.pipeline.protection.at_venue(GOLD) == abs(position))


def told_of(desk: Desk, order: str) -> list[str]:
    """The kinds of facts about an order, in their order."""
    return sequence([fact for fact in desk.facts(f.OrderFact) if fact.order == order])


@played
async def test_fault_21_a_fill_before_its_acknowledgement_counts_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        held = [peer.faults.on(kind, Hold(), times=None) for kind in ("openOrder", "orderStatus")]
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert desk.position == 2
        for rule in held:
            rule.release()
        await is_protected(desk, 2)
        assert [told for told in told_of(desk, name) if told != "CommissionCharged"] == [
            "OrderIntended",
            "OrderSent",
            "OrderAccepted",
            "OrderFilled",
        ]


@played
async def test_fault_21_parts_that_come_out_of_order_add_up_and_are_protected(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk, 6)
        peer.faults.on("execDetails", Reorder(9))
        for part in (1, 2, 3):
            await peer.fill(peer.order(name), part, 3990 - part)
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert [fill.quantity for fill in desk.facts(f.OrderFilled)] == [2, 1, 3]
        assert desk.order(name).filled_value == 398_900 + 2 * 398_800 + 3 * 398_700
        await is_protected(desk, 6)


@played
async def test_fault_22_an_execution_told_twice_counts_once_and_its_correction_replaces_it(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        for kind in ("execDetails", "commissionReport"):
            peer.faults.on(kind, Duplicate())
        name = desk.buy(3)
        await is_protected(desk, 3)
        first = peer.executions[0]
        await peer.repeat(first)
        corrected = await peer.correct(first, price="3999.50", quantity=2)
        await is_protected(desk, 2)
        await peer.repeat(first)
        await peer.repeat(corrected)
        await desk.session.keeper.reconcile()
        (fill,), (change,) = desk.facts(f.OrderFilled), desk.facts(f.FillCorrected)
        assert (fill.execution, change.replaces, change.execution) == (first.exec_id, first.exec_id, corrected.exec_id)
        assert (desk.order(name).filled, desk.order(name).filled_value) == (2, 2 * 399_950)
        assert desk.session.pipeline.ledger.open[GOLD].basis == 2 * 399_950 * 10_000
        assert len(desk.facts(f.CommissionCharged)) == 1


@played
async def test_fault_23_a_fill_after_the_cancel_was_confirmed_is_booked_said_and_protected(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        await peer.fill(peer.order(name), 1, 3990)
        await is_protected(desk, 1)
        (alert,) = desk.facts(f.AlertRaised)
        assert alert.cause == "late fill"
        assert name in alert.reason
        assert desk.state(name) == "CANCELLED"
        await peer.fill(peer.order(name), 1, 3990)
        await is_protected(desk, 2)
        assert desk.state(name) == "FILLED"


@played
async def test_fault_28_more_than_was_ordered_is_booked_protected_and_halts(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        await peer.fill(peer.order(name), 3, 3990)
        await is_protected(desk, 3)
        assert (desk.state(name), desk.order(name).filled) == ("FILLED", 3)
        (halt,) = desk.facts(f.TradingStateChanged)
        assert (halt.state, halt.cause) == ("HALTED", "overfill")
        sent = len(desk.wire.seen)
        (refused,) = (
            fact for fact in desk.do(SubmitOrder(GOLD, "buy", "market", 1, stop_loss=398_000)) if isinstance(fact, f.OrderDenied)
        )
        assert "trading is HALTED" in refused.reason
        desk.do(ClosePosition(GOLD))
        await desk.until(lambda: desk.position == 0)
        assert len(desk.wire.seen) == sent + 1


@played
async def test_fault_30_both_orders_of_a_pair_that_fill_are_booked_and_said(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(take_profit=402_000)
        await is_protected(desk, 2)
        stop, target = f"{name}-stop", f"{name}-target"
        await desk.until(lambda: desk.state(target) == "ACCEPTED")
        held = peer.faults.on("orderStatus", Hold(), times=None)
        await peer.fill(peer.order(target))
        await peer.fill(peer.order(stop), 2, 3979)
        await desk.until(lambda: desk.position == -2)
        held.release()
        assert {desk.state(stop), desk.state(target)} == {"FILLED"}
        assert peer.position(GOLD) == -2
        both = [alert for alert in desk.facts(f.AlertRaised) if alert.cause == "both filled"]
        assert both
        assert stop in both[0].reason
        assert target in both[0].reason
        await is_protected(desk, -2)
