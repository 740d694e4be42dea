"""Cancels and changes that are refused or cannot be sent: the order stays as it was, here and at the venue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import CancelOrder, EditProtection, ModifyOrder, SubmitOrder
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.catalogue.test_fills import is_protected, rests
from tests.peers.faults import Answer, Drop, Mute
from tests.peers.tws import Peer


def terms(desk: Desk, name: str) -> tuple[str, int, int | None, int | None]:
    """The order as the engine has it: state, quantity, limit and stop."""
    order = desk.order(name)
    return order.state.value, order.quantity, order.limit, order.stop


def at_venue(peer: Peer, name: str) -> tuple[str, int, Any, Any]:
    """The same, as the venue has it, in ticks."""
    order = peer.order(name)
    return (
        order.status,
        int(order.quantity),
        *(None if price is None else int(price * 100) for price in (order.limit, order.stop)),
    )


def looks(peer: Peer) -> int:
    """How often the venue was asked for what has ended: part of every look-up of an order."""
    return len(peer.received("reqCompletedOrders"))


def orders_sent(peer: Peer) -> int:
    """Requests about orders that came, of whatever kind."""
    return len(peer.received("placeOrder")) + len(peer.received("cancelOrder"))


@played
async def test_fault_24_a_refused_cancel_is_looked_up_and_the_order_lives_until_it_is_cancelled(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        for number, code in enumerate((161, 10147, 10148), start=1):
            before = looks(peer)
            peer.faults.on("cancelOrder", Answer(code, "cancel refused"))
            desk.do(CancelOrder(name))
            assert desk.state(name) == "PENDING_CANCEL"
            await desk.until(lambda number=number: len(desk.facts(f.CancelRejected)) == number)
            assert looks(peer) > before
            assert f"error {code}" in desk.facts(f.CancelRejected)[-1].reason
            assert desk.state(name) == "ACCEPTED"
            assert peer.order(name).status == "Submitted"
        assert desk.facts(f.OrderCancelled) == []
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert peer.order(name).status == "Cancelled"


@played
async def test_fault_24_a_cancel_refused_because_the_order_has_filled_finds_the_fill(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        unheard = [
            peer.faults.on(kind, Drop(), times=None) for kind in ("execDetails", "orderStatus", "openOrder", "commissionReport")
        ]
        await peer.fill(peer.order(name))
        for rule in unheard:
            rule.lift()
        assert desk.position == 0
        desk.do(CancelOrder(name))
        await is_protected(desk, 2)
        assert desk.state(name) == "FILLED"
        assert desk.facts(f.OrderCancelled) == []


@played
async def test_fault_25_a_refused_change_leaves_the_order_as_it_was_and_it_can_be_asked_again(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        for number, code in enumerate((104, 105, 321), start=1):
            peer.faults.on("placeOrder", Answer(code, "change refused"))
            desk.do(ModifyOrder(name, price=399_100))
            assert desk.state(name) == "PENDING_MODIFY"
            await desk.until(lambda number=number: len(desk.facts(f.ModifyRejected)) == number)
            assert f"error {code}" in desk.facts(f.ModifyRejected)[-1].reason
            assert terms(desk, name) == ("ACCEPTED", 2, 399_000, None)
            assert at_venue(peer, name)[:3] == ("Submitted", 2, 399_000)
        desk.do(ModifyOrder(name, price=399_100))
        await desk.until(lambda: terms(desk, name) == ("ACCEPTED", 2, 399_100, None))
        assert at_venue(peer, name)[:3] == ("Submitted", 2, 399_100)


@played
async def test_fault_25_a_stop_that_may_not_be_moved_still_protects_where_it_was(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        stop = f"{desk.buy()}-stop"
        await is_protected(desk, 2)
        peer.faults.on("placeOrder", Answer(105, "Order being modified does not match original order"))
        desk.do(EditProtection(GOLD, stop_loss=399_000))
        await desk.until(lambda: desk.facts(f.ModifyRejected))
        assert terms(desk, stop) == ("ACCEPTED", 2, None, 398_000)
        assert at_venue(peer, stop)[3] == 398_000
        await is_protected(desk, 2)


@played
async def test_fault_25_a_change_that_was_made_and_not_answered_is_found(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        peer.faults.on("placeOrder", Mute())
        desk.do(ModifyOrder(name, price=399_100))
        await desk.until(lambda: terms(desk, name) == ("ACCEPTED", 2, 399_100, None))
        assert desk.facts(f.ModifyRejected) == []


@played
async def test_fault_26_while_the_venue_is_out_of_reach_nothing_is_changed_or_placed(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        await peer.lose_connectivity()
        await desk.until(lambda: desk.facts(f.VenueChanged)[-1].state == "LOST")
        before = orders_sent(peer)
        changed = desk.do(ModifyOrder(name, price=399_100))
        (refused,) = [fact.reason for fact in changed if isinstance(fact, f.IntentRefused)]
        assert refused.startswith("ib is out of reach: ")
        placed = desk.do(SubmitOrder(GOLD, "buy", "market", 1, stop_loss=398_000))
        (denied,) = [fact.limits for fact in placed if isinstance(fact, f.OrderDenied)]
        assert "venue" in denied
        assert terms(desk, name) == ("ACCEPTED", 2, 399_000, None)
        assert orders_sent(peer) == before
        await peer.restore_connectivity()
        await desk.ready()
        desk.do(ModifyOrder(name, price=399_100))
        await desk.until(lambda: terms(desk, name) == ("ACCEPTED", 2, 399_100, None))
        assert at_venue(peer, name)[:3] == ("Submitted", 2, 399_100)


@played
async def test_fault_26_a_stop_is_not_moved_while_the_venue_is_out_of_reach_and_protects_where_it_was(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        stop = f"{desk.buy()}-stop"
        await is_protected(desk, 2)
        await peer.lose_connectivity()
        await desk.until(lambda: desk.facts(f.VenueChanged)[-1].state == "LOST")
        before = orders_sent(peer)
        desk.do(EditProtection(GOLD, stop_loss=399_000))
        await desk.until(lambda: desk.facts(f.ModifyRejected))
        assert desk.facts(f.ModifyRejected)[-1].reason.endswith("nothing was sent")
        assert terms(desk, stop) == ("ACCEPTED", 2, None, 398_000)
        assert orders_sent(peer) == before
        await peer.restore_connectivity()
        await desk.ready()
        desk.do(EditProtection(GOLD, stop_loss=399_000))
        await desk.until(lambda: terms(desk, stop) == ("ACCEPTED", 2, None, 399_000))
        assert at_venue(peer, stop)[3] == 399_000
