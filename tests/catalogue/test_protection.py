"""A position whose stop was refused: the alarm is raised, and it is protected again or closed, as is configured."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import EditProtection
from engine.domain.order import Role
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.catalogue.test_fills import is_protected, rests
from tests.peers.faults import Answer, Drop
from tests.peers.tws import Peer
from tests.peers.tws.record import Received

NO_STOPS = Answer(201, "Order rejected - reason:no stops today")


def is_stop(received: Received) -> bool:
    """Whether the request is for a stop order."""
    return received.order is not None and received.order.type == "STP"


def working_stops(peer: Peer) -> list[tuple[str, int]]:
    """Side and quantity of every stop that works at the venue."""
    return [(order.action, int(order.remaining)) for order in peer.orders if order.type == "STP" and order.is_working]


async def with_its_stop_refused(peer: Peer, desk: Desk) -> str:
    """Our id of an entry that has filled, and whose stop the venue has ended."""
    await desk.ready()
    name = desk.buy()
    await is_protected(desk, 2)
    await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
    await desk.until(lambda: desk.state(f"{name}-stop") == "REJECTED")
    return name


def stands_at(peer: Peer) -> list[Decimal | None]:
    """Where every stop stands that works at the venue."""
    return [order.stop for order in peer.orders if order.type == "STP" and order.is_working]


def alarms(desk: Desk) -> list[Any]:
    return desk.facts(f.ProtectionMissing)


@played
async def test_fault_29_a_stop_that_was_rejected_raises_the_alarm_and_is_placed_again(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await with_its_stop_refused(peer, desk)
        (alarm,) = alarms(desk)
        assert (alarm.symbol, alarm.quantity) == (GOLD, 2)
        assert "where its owner had it" in alarm.action
        await is_protected(desk, 2)
        assert desk.state(name) == "FILLED"
        assert working_stops(peer) == [("SELL", 2)]
        assert peer.position(GOLD) == 2


@played
async def test_fault_29_a_stop_that_somebody_cancelled_while_the_program_was_away_stands_again_where_it_was_moved_to(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy()
        await is_protected(desk, 2)
        await desk.until(lambda: desk.state(f"{name}-stop") == "ACCEPTED")
        desk.do(EditProtection(GOLD, stop_loss=398_400))
        await desk.until(lambda: desk.order(f"{name}-stop").stop == 398_400)
    stop = peer.order(f"{name}-stop")
    peer.venue.broker.cancel(stop.client_id, stop.order_id)
    assert stands_at(peer) == []
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: stands_at(peer) == [Decimal(3984)])
        await is_protected(desk, 2)
        assert working_stops(peer) == [("SELL", 2)]
        (alarm,) = alarms(desk)
        assert (alarm.quantity, alarm.instead_of) == (2, 0)
        assert alarm.action.startswith("a stop was placed at 398400 ticks, where its owner had it")


@played
async def test_fault_29_a_stop_that_is_refused_where_it_was_stands_at_the_default_distance_and_the_alarm_says_why(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, protection={"pause_s": 0.05}) as desk:
        await desk.ready()
        name = desk.buy()
        await is_protected(desk, 2)
        before = desk.order(f"{name}-stop").stop
        refusing = peer.faults.on("placeOrder", NO_STOPS, where=is_stop)
        await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
        await desk.until(lambda: len(alarms(desk)) == 2)
        await is_protected(desk, 2)
        assert refusing.hits == 1
        first, second = alarms(desk)
        assert (first.instead_of, second.instead_of) == (0, before)
        assert f"its owner had it at {before}, but the venue refused that" in second.action
        assert working_stops(peer) == [("SELL", 2)]


@played
async def test_fault_29_where_stops_are_refused_again_and_again_the_position_is_closed(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, protection={"attempts": 2, "pause_s": 0.05}) as desk:
        await desk.ready()
        name = desk.buy()
        await is_protected(desk, 2)
        refusing = peer.faults.on("placeOrder", NO_STOPS, times=None, where=is_stop)
        await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
        await desk.until(lambda: desk.position == 0)
        assert refusing.hits == 2
        assert [alarm.quantity for alarm in alarms(desk)] == [2, 2, 2]
        assert alarms(desk)[-1].action == "it is closed at the market, for 2 stops were refused"
        assert peer.position(GOLD) == 0
        closes = [order for order in desk.session.pipeline.register.orders.values() if order.role is Role.CLOSE]
        assert [(order.side.value, order.quantity, order.state.value) for order in closes] == [("sell", 2, "FILLED")]


@played
async def test_fault_29_by_the_policy_to_close_a_position_without_its_stop_is_closed_at_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, protection={"policy": "close"}) as desk:
        sent = len(desk.wire.seen)
        await with_its_stop_refused(peer, desk)
        (alarm,) = alarms(desk)
        assert alarm.action == "it is closed at the market, for the policy is to close"
        await desk.until(lambda: desk.position == 0)
        assert peer.position(GOLD) == 0
        assert len(desk.wire.seen) - sent == 3
        assert working_stops(peer) == []


@played
async def test_fault_29_a_new_stop_of_which_nothing_is_heard_is_not_counted_on_and_at_last_replaced(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, patience=0.1, look_every=0.05, protection={"pause_s": 0.05}) as desk:
        await desk.ready()
        name = desk.buy()
        await is_protected(desk, 2)
        peer.faults.on("placeOrder", Drop(), where=is_stop)
        await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
        await desk.until(lambda: desk.facts(f.OrderUnknown))
        (unknown,) = desk.facts(f.OrderUnknown)
        assert desk.session.pipeline.protection.at_venue(GOLD) == 0
        await is_protected(desk, 2)
        assert desk.state(unknown.order) == "REJECTED"
        assert working_stops(peer) == [("SELL", 2)]
        assert len(alarms(desk)) == 2


@played
async def test_fault_29_an_entry_whose_stop_is_refused_before_it_fills_is_withdrawn(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert desk.state(f"{name}-stop") == "REJECTED"
        assert peer.order(name).status == "Cancelled"
        assert desk.wire.seen == [name, f"{name}-stop"]
        assert desk.position == 0


@played
async def test_fault_29_an_entry_that_waits_at_tws_for_its_refused_stop_is_withdrawn(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", NO_STOPS, where=is_stop)
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert peer.order(name).status == "Cancelled"
        assert desk.position == 0
        assert desk.facts(f.OrderUnknown) == []


@played
async def test_fault_29_an_entry_that_is_partly_filled_when_its_stop_is_refused_keeps_what_it_has_under_a_new_stop(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk, 5)
        await peer.fill(peer.order(name), 2, 3990)
        await is_protected(desk, 2)
        await peer.reject(peer.order(f"{name}-stop"), 201, "Order rejected - reason:", "no stops today")
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        await is_protected(desk, 2)
        assert working_stops(peer) == [("SELL", 2)]
