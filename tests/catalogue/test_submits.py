"""Faults 9, 13 to 17, 19 and 20 at TWS: an order whose fate is in doubt is unknown, looked for, and never sent again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.domain import facts as f
from engine.domain.intents import ModifyOrder, SubmitOrder
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.peers.faults import Answer, Cut, Drop, Mute, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message, frame

RESTING = {"type": "limit", "price": 399_000}
LOST_AND_FOUND = ["OrderIntended", "OrderSent", "OrderUnknown", "OrderAccepted"]
LOST = ["OrderIntended", "OrderSent", "OrderUnknown", "OrderRejected"]


def told(desk: Desk, order: str) -> list[str]:
    """What happened to the order, in its order."""
    return [type(fact).__name__ for fact in desk.facts(f.OrderFact) if fact.order == order]


def stop_of(order: str) -> str:
    """Our id of the stop that is sent with an entry."""
    return f"{order}-stop"


def torn(message: Message) -> Message:
    """The message without its end, so that it cannot be read."""
    return replace(message, fields=message.fields[:3])


def reason(desk: Desk, kind: type[f.Fact], order: str) -> str:
    (fact,) = [fact for fact in desk.facts(kind) if fact.order == order]
    return str(fact.reason)


def denial(desk: Desk) -> tuple[str, ...]:
    """Why another order may not be placed now: the limits that stand against it."""
    facts = desk.do(SubmitOrder(GOLD, "buy", "market", 1, stop_loss=398_000))
    (denied,) = [fact for fact in facts if isinstance(fact, f.OrderDenied)]
    return tuple(denied.limits)


def refs(peer: Peer) -> list[str]:
    """Our ids of the orders that TWS has taken."""
    return [order.ref for order in peer.orders]


@played
async def test_fault_09_an_order_torn_in_the_middle_of_the_send_is_unknown_and_then_proved_absent(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.cut_received = 60
        name = desk.buy(**RESTING)
        await desk.until(lambda: "OrderUnknown" in told(desk, name))
        await peer.restart(lower_ids=True)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "REJECTED")
        assert peer.venue.record.torn
        assert told(desk, name) == told(desk, stop_of(name)) == LOST
        assert desk.wire.seen == refs(peer) == []


@played
async def test_fault_09_an_entry_that_left_without_its_stop_never_works_by_itself(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Cut(acted=True))
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "REJECTED")
        assert told(desk, name) == told(desk, stop_of(name)) == LOST
        assert refs(peer) == desk.wire.seen == [name]
        left = peer.order(name)
        assert not left.is_working
        await peer.quote(GOLD, "3980.00", "3980.30")
        await desk.until(lambda: desk.session.pipeline.book.last[GOLD].bid == 398_000, "that the price is seen")
        assert not peer.executions
        await desk.ready()
        peer.venue.broker.transmit(left)  # by hand, in TWS
        await desk.until(lambda: desk.session.pipeline.protection.at_venue(GOLD) == 2, "that it has a stop")
        assert desk.position == 2
        assert "late fill" in [fact.cause for fact in desk.facts(f.AlertRaised)]


@played
async def test_fault_09_a_reset_after_the_send_leaves_the_order_unknown_and_its_number_is_not_used_again(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Cut(acted=True), after=1)
        old = desk.buy(**RESTING)
        await desk.until(lambda: "OrderUnknown" in told(desk, old))
        await peer.restart(lower_ids=True)
        await desk.until(lambda: desk.state(old) == "ACCEPTED")
        await desk.ready()
        new = desk.buy(type="limit", price=399_100)
        await desk.until(lambda: desk.state(new) == "ACCEPTED")
        assert peer.order(new).order_id > peer.order(stop_of(old)).order_id
        await peer.fill(peer.order(old), 2, "3990")
        await desk.until(lambda: desk.state(old) == "FILLED")
        assert desk.state(new) == "ACCEPTED"
        assert told(desk, old)[:4] == LOST_AND_FOUND
        assert refs(peer) == desk.wire.seen == [old, stop_of(old), new, stop_of(new)]


@played
async def test_fault_09_numbers_that_begin_anew_after_a_restart_are_never_those_of_an_old_order(peer: Peer, folder: Path) -> None:
    peer.venue.broker.highest[1] = 100
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await peer.refuse()
        peer.faults.on("placeOrder", Cut(acted=True), after=1)
        old = desk.buy(**RESTING)
        await desk.until(lambda: "OrderUnknown" in told(desk, old))
    await peer.restart(lower_ids=True)
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: desk.state(old) == "ACCEPTED")
        await desk.ready()
        new = desk.buy(type="limit", price=399_100)
        await desk.until(lambda: desk.state(new) == "ACCEPTED")
        assert peer.order(new).order_id > peer.order(stop_of(old)).order_id > 100
        assert desk.order(old).broker_id == str(peer.order(old).perm_id)
        assert desk.order(new).broker_id == str(peer.order(new).perm_id)
        filled = await peer.fill(peer.order(old), 2, "3990")
        await desk.until(lambda: desk.state(old) == "FILLED")
        assert [(fact.order, fact.execution) for fact in desk.facts(f.OrderFilled)] == [(old, filled.exec_id)]
        assert desk.state(new) == "ACCEPTED"


@played
async def test_fault_13_an_accepted_order_whose_reply_is_lost_is_unknown_and_found_by_its_id(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Mute(), times=2)
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "ACCEPTED")
        assert told(desk, name) == told(desk, stop_of(name)) == LOST_AND_FOUND
        assert "not answered within 2 s" in reason(desk, f.OrderUnknown, name)
        assert desk.order(name).broker_id == str(peer.order(name).perm_id)
        assert refs(peer) == desk.wire.seen == [name, stop_of(name)]
        await desk.ready()


@played
async def test_fault_14_an_order_that_was_not_accepted_is_rejected_only_when_it_was_missed_often(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Drop(), times=2)
        asked = len(peer.received("reqCompletedOrders"))
        name = desk.buy(**RESTING)
        for looks in (1, 2):
            await desk.until(lambda looks=looks: desk.session.keeper.found.absences.get(name) == looks, "that it was missed")
            assert desk.state(name) == "UNKNOWN"
            assert "unknown_order" in denial(desk)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "REJECTED")
        assert len(peer.received("reqCompletedOrders")) >= asked + 3
        assert told(desk, name) == told(desk, stop_of(name)) == LOST
        assert "at 3 looks" in reason(desk, f.OrderRejected, name)
        assert refs(peer) == []
        await desk.ready()
        other = desk.buy(1)
        await desk.until(lambda: desk.state(other) == "FILLED")


@played
async def test_fault_15_what_is_filled_and_gone_from_open_orders_is_found_by_its_executions(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Mute(), times=2)
        name = desk.buy()
        await desk.until(lambda: peer.executions)
        peer.venue.broker.orders.remove(peer.order(name))
        assert desk.state(name) == "SENT"
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert told(desk, name)[2] == "OrderUnknown"
        (filled,) = desk.facts(f.OrderFilled)
        assert (filled.order, filled.execution) == (name, peer.executions[0].exec_id)
        await desk.until(lambda: desk.session.pipeline.protection.at_venue(GOLD) == 2, "that the stop is found too")
        assert desk.wire.seen == [name, stop_of(name)]
        await desk.ready()


@played
async def test_fault_16_an_order_that_is_never_answered_is_said_to_be_unknown_and_stays_reserved(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, venue={"timeout": 0.5}) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Mute(), times=2)
        silent = peer.faults.on("reqAllOpenOrders", Drop(), times=None)
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "UNKNOWN")
        assert "has not answered within 2 s" in reason(desk, f.OrderUnknown, name)
        stake = desk.session.pipeline.stakes.of(GOLD)
        assert stake.is_unknown
        assert (stake.pending_buys, stake.pending_notional > 0, stake.pending_risk > 0) == (2, True, True)
        assert "unknown_order" in denial(desk)
        hits = silent.hits
        await desk.until(lambda: silent.hits > hits, "that it is asked again, in vain")
        assert desk.state(name) == "UNKNOWN"
        assert denial(desk)
        silent.lift()
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        await desk.ready()
        assert refs(peer) == desk.wire.seen == [name, stop_of(name)]


@played
async def test_fault_17_an_answer_that_cannot_be_read_leaves_the_order_unknown_until_one_can(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        garbled = [peer.faults.on(kind, Replace(torn), times=None) for kind in ("openOrder", "orderStatus")]
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "UNKNOWN")
        asked = len(peer.received("reqAllOpenOrders"))
        await desk.until(lambda: len(peer.received("reqAllOpenOrders")) > asked + 4, "that it is looked for again and again")
        assert desk.state(name) == "UNKNOWN"
        assert "unknown_order" in denial(desk)
        for rule in garbled:
            rule.lift()
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "ACCEPTED")
        await desk.ready()
        assert told(desk, name) == LOST_AND_FOUND
        assert refs(peer) == desk.wire.seen == [name, stop_of(name)]


@played
async def test_fault_17_an_execution_that_cannot_be_read_is_looked_up_and_booked_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        garbled = peer.faults.on("execDetails", Replace(torn))
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert garbled.hits == 1
        (filled,) = desk.facts(f.OrderFilled)
        assert (filled.execution, filled.quantity) == (peer.executions[0].exec_id, 2)
        await desk.ready()


@played
async def test_fault_17_positions_that_cannot_be_read_are_not_taken_for_none(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        desk.buy()
        await desk.until(lambda: desk.session.pipeline.protection.at_venue(GOLD) == 2)
        garbled = peer.faults.on("position", Replace(torn), times=None)
        desk.session.keeper.look()
        await desk.until(lambda: "a position that cannot be read" in desk.session.keeper.found.trouble)
        assert "venue" in denial(desk)
        garbled.lift()
        await desk.ready()
        assert desk.position == 2
        assert not desk.facts(f.PositionAdopted)


@played
async def test_fault_17_bytes_that_are_no_message_at_all_cost_no_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        for session in peer.venue.sessions:
            session.link.write(frame(b"\xff\xfe\0\0\xff") + frame(b"") + frame(b"9999\x001\0"))
        await peer.fill(peer.order(name), 2, "3990")
        await desk.until(lambda: desk.state(name) == "FILLED")
        await desk.ready()


@played
async def test_fault_17_an_error_that_nobody_knows_is_no_refusal(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Answer(10_999, "Server error, please try again"), times=2)
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "REJECTED")
        assert "10999" in reason(desk, f.OrderUnknown, name)
        assert told(desk, name) == told(desk, stop_of(name)) == LOST
        assert "at 3 looks" in reason(desk, f.OrderRejected, name)
        assert desk.wire.seen == [name, stop_of(name)]
        assert refs(peer) == []


@played
async def test_fault_19_an_order_called_a_duplicate_is_looked_up_and_found(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, patience=8.0) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Mute(), times=2)
        name = desk.buy(**RESTING)
        await desk.until(lambda: len(peer.orders) == 2)
        for order in peer.orders:
            await peer.error(103, "Duplicate order id", request=order.order_id)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "ACCEPTED")
        assert "(error 103" in reason(desk, f.OrderUnknown, name)
        assert told(desk, name) == LOST_AND_FOUND
        assert refs(peer) == desk.wire.seen == [name, stop_of(name)]


@played
async def test_fault_19_an_order_called_a_duplicate_that_is_nowhere_is_rejected_when_that_is_proved(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, patience=8.0) as desk:
        await desk.ready()
        peer.faults.on("placeOrder", Answer(103, "Duplicate order id"), times=2)
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == desk.state(stop_of(name)) == "REJECTED")
        assert told(desk, name) == told(desk, stop_of(name)) == LOST
        assert "at 3 looks" in reason(desk, f.OrderRejected, name)
        assert desk.wire.seen == [name, stop_of(name)]


@played
async def test_fault_20_a_double_click_is_one_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, limits={"duplicate_window_s": 60}) as desk:
        await desk.ready()
        click = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)
        first, again = desk.do(click), desk.do(click)
        (name,) = [fact.order for fact in first if isinstance(fact, f.OrderIntended) and not fact.parent]
        (denied,) = [fact for fact in again if isinstance(fact, f.OrderDenied)]
        assert denied.limits == ("duplicate",)
        assert not any(isinstance(fact, f.OrderIntended) for fact in again)
        await desk.until(lambda: desk.state(name) == "FILLED")
        other = desk.buy(1)
        await desk.until(lambda: desk.state(other) == "FILLED")
        assert desk.position == 3
        assert desk.wire.seen == [name, stop_of(name), other, stop_of(other)]


@played
async def test_fault_09_a_change_after_numbers_began_anew_makes_no_second_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        old = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(old) == "ACCEPTED")
        await peer.restart(lower_ids=True)
        await desk.until(lambda: "LOST" in [fact.state for fact in desk.facts(f.VenueChanged)])
        await desk.ready()
        desk.do(ModifyOrder(old, price=398_900))
        await desk.until(lambda: "ModifyRejected" in told(desk, old))
        assert "might take the change for another one" in desk.facts(f.ModifyRejected)[-1].reason
        assert refs(peer) == [old, stop_of(old)]
