"""The faults of orders at Interactive Brokers: nothing is lost, nothing sent twice, nothing believed that is not certain."""

from __future__ import annotations

from typing import Any

from engine.domain import facts as f
from engine.domain.order import Order, Side, State
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, refusal
from tests.brokers.ib_trading import Trading, order, trading
from tests.peers.faults import Answer, Cut, Drop, Duplicate, Hold, Mute, Reorder, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message

SOON = {"timeout_s": 0.1}
RESTING: dict[str, Any] = {"limit": 399000}


async def resting(it: Trading, name: str = "o", **terms: Any) -> Order:
    """An accepted limit order that nothing reaches."""
    it.submit(order(name, **{**RESTING, **terms}))
    await it.reaches(name, State.ACCEPTED)
    return it.desk.orders[name]


@at_every_version()
async def test_fault_13_accepted_with_its_reply_lost_is_unknown_and_then_found(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        peer.faults.on("placeOrder", Mute())
        it.submit(order("o", **RESTING))
        (unknown,) = await it.reports(f.OrderUnknown)
        assert "not answered within 0.1 s" in unknown.reason
        state = await it.broker.standing([it.desk.orders["o"]])
        (found,) = state.open_orders
        assert (found.client_order_id, found.tif) == ("o", "GTC")
        assert len(peer.orders) == len(peer.received("placeOrder")) == 1
        assert await it.reaches("o", State.ACCEPTED)


@at_every_version()
async def test_fault_14_not_accepted_with_its_reply_lost_is_unknown_and_nowhere(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        peer.faults.on("placeOrder", Drop())
        it.submit(order("o", **RESTING))
        await it.reports(f.OrderUnknown)
        for _ in range(2):
            state = await it.broker.standing([it.desk.orders["o"]])
            assert (state.open_orders, state.ended_orders, state.executions) == ((), (), ())
        assert it.state("o") is State.UNKNOWN
        assert len(peer.received("placeOrder")) == 1


@at_every_version()
async def test_fault_15_filled_and_gone_from_open_orders_is_found_by_its_fills(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        peer.faults.on("placeOrder", Mute())
        it.submit(order("o"))
        await it.reports(f.OrderUnknown)
        peer.venue.broker.orders.clear()
        (found,) = (await it.broker.standing([it.desk.orders["o"]])).ended_orders
        assert (found.client_order_id, found.status, found.filled) == ("o", "filled", 2)


@at_every_version()
async def test_an_order_that_has_ended_is_found_with_how_it_ended(peer: Peer) -> None:
    async with trading(peer) as it:
        kept = [await resting(it, name) for name in ("cancelled", "rejected", "filled")]
        peer.faults.on("orderStatus", Drop(), times=None)
        peer.faults.on("openOrder", Drop(), times=None)
        peer.faults.on("error", Drop(), times=None)
        peer.faults.on("execDetails", Drop())
        await peer.reject(peer.order("rejected"))
        await peer.fill(peer.order("filled"))
        peer.venue.broker.cancel(1, peer.order("cancelled").order_id)
        peer.faults.clear()
        found = (await it.broker.standing(kept)).ended_orders
        assert {each.client_order_id: each.status for each in found} == {order.id: order.id for order in kept}
        assert {each.client_order_id: each.filled for each in found} == {"cancelled": 0, "rejected": 0, "filled": 2}
        assert {each.tif for each in found} == {"GTC"}


@at_every_version()
async def test_fault_16_no_callback_ever_is_said_in_time_and_once(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        peer.faults.on("placeOrder", Mute(), times=None)
        it.submit(order("one", **RESTING), order("two", **RESTING))
        await it.reports(f.OrderUnknown, count=2)
        it.submit(order("three", **RESTING))
        await it.reports(f.OrderUnknown, "three")
        assert [it.desk.told(name) for name in ("one", "two", "three")] == [["OrderUnknown"]] * 3


@at_every_version()
async def test_fault_19_a_number_that_is_in_use_is_looked_up_and_not_sent_again(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.faults.on("placeOrder", Answer(103, "Duplicate order id"))
        it.submit(order("o", **RESTING))
        (unknown,) = await it.reports(f.OrderUnknown)
        assert "103" in unknown.reason
        await it.broker.standing([it.desk.orders["o"]])
        assert len(peer.received("placeOrder")) == 1
        assert it.desk.told("o") == ["OrderUnknown"]


@at_every_version()
async def test_fault_19_an_accepted_order_that_is_called_a_duplicate_stays_accepted(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        await peer.error(103, "Duplicate order id", request=peer.order("o").order_id)
        await it.until(lambda: peer.received("reqCompletedOrders"))
        await it.settled()
        assert it.desk.told("o") == ["OrderAccepted"]


@at_every_version()
async def test_fault_21_a_fill_that_overtakes_its_acknowledgement_counts_once(peer: Peer) -> None:
    async with trading(peer) as it:
        for kind in ("openOrder", "orderStatus"):
            peer.faults.on(kind, Hold(), times=None)
        it.submit(order("o"))
        await it.reaches("o", State.FILLED)
        for rule in list(peer.faults.rules):
            rule.release()
        peer.faults.clear()
        await it.settled()
        assert it.desk.told("o") == ["OrderAccepted", "OrderFilled", "CommissionCharged"]


@at_every_version()
async def test_fault_21_parts_that_come_out_of_order_add_up(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it, quantity=6)
        peer.faults.on("execDetails", Reorder(9))
        peer.faults.on("commissionReport", Reorder(3), after=1)
        for part in (1, 2, 3):
            await peer.fill(peer.order("o"), part, 3990 - part)
        filled = await it.reaches("o", State.FILLED)
        await it.reports(f.CommissionCharged, count=3)
        assert [fill.quantity for fill in it.desk.of(f.OrderFilled)] == [2, 1, 3]
        assert filled.filled_value == 398900 + 2 * 398800 + 3 * 398700
        assert {each.execution for each in it.desk.of(f.CommissionCharged)} == {made.exec_id for made in peer.executions}


@at_every_version()
async def test_fault_22_an_execution_that_comes_twice_counts_once_and_a_correction_replaces(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.faults.on("execDetails", Duplicate())
        peer.faults.on("commissionReport", Duplicate())
        it.submit(order("o"))
        await it.reports(f.CommissionCharged)
        first = peer.executions[0]
        await peer.repeat(first)
        corrected = await peer.correct(first, price="3999.5")
        (change,) = await it.reports(f.FillCorrected)
        await it.settled()
        (fill,), (charge,) = it.desk.of(f.OrderFilled), it.desk.of(f.CommissionCharged)
        assert (change.execution, change.replaces, fill.execution) == (corrected.exec_id, first.exec_id, first.exec_id)
        assert (change.price, change.quantity, change.commission) == (399950, 2, charge.amount)
        await peer.repeat(corrected)
        await peer.repeat(first)
        await it.settled()
        assert len(it.desk.of(f.FillCorrected)) == len(it.desk.of(f.CommissionCharged)) == 1


@at_every_version()
async def test_fault_23_a_fill_after_the_cancel_is_reported(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        it.cancel("o")
        await it.reaches("o", State.CANCELLED)
        await peer.fill(peer.order("o"), 1, "3990")
        await peer.fill(peer.order("o"), 1, "3990")
        assert (await it.reaches("o", State.FILLED)).filled == 2


@at_every_version()
async def test_fault_24_a_cancel_that_is_refused_is_looked_up_and_the_order_lives(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        for number, code in enumerate((161, 10147, 10148), 1):
            peer.faults.on("cancelOrder", Answer(code, "no"))
            it.cancel("o")
            refused = (await it.reports(f.CancelRejected, count=number))[-1]
            assert f"error {code}" in refused.reason
            assert it.state("o") is State.ACCEPTED
        assert len(peer.received("reqCompletedOrders")) == 3
        it.cancel("o")
        await it.reaches("o", State.CANCELLED)


@at_every_version()
async def test_fault_24_a_cancel_of_what_is_filled_finds_the_fill(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        for kind in ("execDetails", "orderStatus", "openOrder", "commissionReport"):
            peer.faults.on(kind, Drop(), times=None)
        await peer.fill(peer.order("o"))
        peer.faults.clear()
        it.cancel("o")
        await it.reaches("o", State.FILLED)
        await it.reports(f.CommissionCharged)
        assert it.desk.told("o") == ["OrderAccepted", "OrderFilled", "CommissionCharged"]


@at_every_version()
async def test_a_cancel_that_is_never_answered_is_looked_up(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        await resting(it, "lost")
        await resting(it, "muted")
        peer.faults.on("cancelOrder", Drop())
        it.cancel("lost")
        (refused,) = await it.reports(f.CancelRejected)
        assert refused.reason == "Interactive Brokers has the order working as it was"
        peer.faults.on("cancelOrder", Mute())
        it.cancel("muted")
        await it.reaches("muted", State.CANCELLED)


@at_every_version()
async def test_a_cancel_that_takes_its_time_is_waited_for(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        await resting(it)
        peer.slow_cancels()
        it.cancel("o")
        await it.until(lambda: len(peer.received("reqCompletedOrders")) == 2)
        assert it.state("o") is State.PENDING_CANCEL
        await peer.confirm_cancel(peer.order("o"))
        await it.reaches("o", State.CANCELLED)


@at_every_version()
async def test_fault_25_a_change_that_is_refused_leaves_the_order_as_it_was(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        for number, code in enumerate((104, 105, 321), 1):
            peer.faults.on("placeOrder", Answer(code, "no"))
            it.modify("o", 3, limit=399100)
            refused = (await it.reports(f.ModifyRejected, count=number))[-1]
            assert f"error {code}" in refused.reason
        live = it.desk.orders["o"]
        assert (live.state, live.quantity, live.limit) == (State.ACCEPTED, 2, 399000)
        it.modify("o", 3, limit=399100)
        await it.reports(f.OrderModified)


@at_every_version()
async def test_fault_25_a_change_refused_by_the_venue_is_looked_up(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        peer.faults.on("placeOrder", Answer(201, "Order rejected - reason:no"))
        it.modify("o", 3, limit=399100)
        (refused,) = await it.reports(f.ModifyRejected)
        assert "error 201" in refused.reason
        assert it.state("o") is State.ACCEPTED


@at_every_version()
async def test_a_change_that_is_never_answered_is_looked_up(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        await resting(it)
        peer.faults.on("placeOrder", Mute())
        it.modify("o", 3, limit=399100)
        await it.reports(f.OrderModified)
        peer.faults.on("placeOrder", Drop())
        it.modify("o", 4, limit=399200)
        await it.reports(f.ModifyRejected)
        assert it.desk.orders["o"].quantity == 3


@at_every_version()
async def test_fault_26_orders_and_changes_are_refused_here_while_tws_has_lost_ib(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        await peer.lose_connectivity()
        await it.until(lambda: it.desk.venue[-1] == "LOST")
        sent = len(peer.received())
        it.modify("o", 3, limit=399100)
        it.submit(order("new", **RESTING))
        (unchanged,) = await it.reports(f.ModifyRejected)
        (refused,) = await it.reports(f.OrderRejected)
        it.cancel("o")
        (kept,) = await it.reports(f.CancelRejected)
        for fact in (unchanged, refused, kept):
            assert "(error 1100)" in fact.reason
            assert fact.reason.endswith("nothing was sent")
        assert len(peer.received()) == sent
        await peer.restore_connectivity()
        await it.until(lambda: it.desk.venue[-1] == "CONNECTED")
        it.submit(order("then", **RESTING))
        await it.reaches("then", State.ACCEPTED)


@at_every_version()
async def test_fault_27_two_orders_of_one_name_are_both_shown(peer: Peer) -> None:
    async with trading(peer) as it:
        kept = await resting(it)
        twin = await peer.clone(peer.order("o"))
        state = await it.broker.standing([kept])
        assert [each.client_order_id for each in state.open_orders] == ["o", "o"]
        assert {each.broker_order_id for each in state.open_orders} == {kept.broker_id, str(twin.perm_id)}


@at_every_version()
async def test_fault_28_more_than_was_ordered_is_reported_as_it_was(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        await peer.fill(peer.order("o"), 3, "3990")
        await peer.fill(peer.order("o"), 1, "3990")
        await it.reports(f.OrderFilled, count=2)
        assert (it.state("o"), it.desk.orders["o"].filled) == (State.FILLED, 4)


@at_every_version()
async def test_fault_29_a_stop_that_is_refused_after_its_entry_filled_is_reported(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("e"), order("e-stop", Side.SELL, stop=399000, parent="e"))
        await it.reaches("e", State.FILLED)
        await peer.reject(peer.order("e-stop"), 201, "Order rejected - reason:no stops today")
        await it.reaches("e-stop", State.REJECTED)
        assert "no stops today" in it.desk.orders["e-stop"].reason


@at_every_version()
async def test_fault_30_both_orders_of_a_group_that_fill_are_both_reported(peer: Peer) -> None:
    await peer.hold("XAUUSD", 2, 4000)
    async with trading(peer) as it:
        it.submit(order("s", Side.SELL, stop=399000, oco="g"), order("t", Side.SELL, limit=401000, oco="g"))
        await it.reports(f.OrderAccepted, count=2)
        await peer.fill(peer.order("t"))
        await peer.fill(peer.order("s"), 2, "3990")
        await it.reaches("t", State.FILLED)
        await it.reaches("s", State.FILLED)
        assert peer.position("XAUUSD") == -2


@at_the_newest_version()
async def test_fault_53_a_clock_that_is_set_back_delays_no_alarm(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        peer.faults.on("placeOrder", Drop())
        it.submit(order("o", **RESTING))
        await peer.advance(-300)
        await it.reports(f.OrderUnknown)
        peer.faults.on("placeOrder", Drop())
        await peer.advance(900)
        it.submit(order("p", **RESTING))
        await it.reports(f.OrderUnknown, "p")


@at_every_version()
async def test_fault_05_a_fill_while_tws_has_lost_ib_is_reported(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        await peer.lose_connectivity()
        await it.until(lambda: it.desk.venue[-1] == "LOST")
        await peer.fill(peer.order("o"))
        await it.reaches("o", State.FILLED)


@at_every_version()
async def test_fault_03_a_fill_that_was_missed_meanwhile_is_told_by_standing(peer: Peer) -> None:
    async with trading(peer) as it:
        kept = await resting(it)
        await peer.lose_connectivity(lost=True)
        await peer.fill(peer.order("o"))
        await peer.restore_connectivity(1102)
        await it.until(lambda: it.desk.venue == ["CONNECTED", "LOST", "CONNECTED"])
        state = await it.broker.standing([kept])
        assert [each.client_order_id for each in state.executions] == ["o"]
        assert [each.status for each in state.ended_orders] == ["filled"]


@at_the_newest_version()
async def test_a_fill_that_is_told_by_the_status_only_is_looked_up(peer: Peer) -> None:
    async with trading(peer, **SOON) as it:
        await resting(it)
        peer.faults.on("execDetails", Drop())
        await peer.fill(peer.order("o"))
        await it.reaches("o", State.FILLED)
        assert len(it.desk.of(f.OrderFilled)) == 1


@at_the_newest_version()
async def test_an_execution_that_cannot_be_read_is_looked_up(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        peer.faults.on("execDetails", Replace(lambda it: Message(it.kind, it.fields[:9])))
        await peer.fill(peer.order("o"))
        await it.reaches("o", State.FILLED)


@at_the_newest_version()
async def test_remarks_about_an_order_change_nothing(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        number = peer.order("o").order_id
        for code in (399, 404, 2109, 10349):
            await peer.error(code, "a remark", request=number)
        await it.settled()
        assert it.desk.told("o") == ["OrderAccepted"]
        assert not peer.received("reqCompletedOrders")


@at_the_newest_version()
async def test_an_order_of_another_client_is_shown_and_not_reported(peer: Peer) -> None:
    async with trading(peer) as it:
        await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3990, client_id=9, order_id=1, tif="GTC")
        await resting(it)
        state = await it.broker.standing()
        assert len(state.open_orders) == 2
        assert it.desk.told("o") == ["OrderAccepted"]


@at_the_newest_version()
async def test_an_order_changed_by_hand_in_tws_is_reported_as_changed(peer: Peer) -> None:
    async with trading(peer) as it:
        await resting(it)
        known = peer.order("o")
        known.quantity += 1
        peer.venue.reports.opened(known)
        (changed,) = await it.reports(f.OrderModified)
        assert (changed.quantity, changed.limit) == (3, 399000)


@at_the_newest_version()
async def test_a_flood_of_orders_is_waited_for_from_when_it_has_left(peer: Peer) -> None:
    async with trading(peer, timeout_s=0.5) as it:
        it.submit(*(order(f"n{number}", **RESTING) for number in range(60)))
        await it.reports(f.OrderAccepted, count=60)
        assert not it.desk.of(f.OrderUnknown)
        assert len(peer.orders) == 60


@at_the_newest_version()
async def test_a_leg_whose_entry_is_not_known_here_is_not_sent(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("x-stop", Side.SELL, stop=399000, parent="x"))
        (refused,) = await it.reports(f.OrderRejected)
        assert "has not been found at TWS yet" in refused.reason
        assert not peer.received("placeOrder")


@at_the_newest_version()
async def test_a_link_that_dies_in_the_send_leaves_the_order_unknown_and_found_after(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.faults.on("placeOrder", Cut(acted=True))
        it.submit(order("o", **RESTING))
        (unknown,) = await it.reports(f.OrderUnknown)
        assert "before the order was answered" in unknown.reason
        await it.until(lambda: it.desk.venue == ["CONNECTED", "LOST", "CONNECTED"])
        (found,) = (await it.broker.standing([it.desk.orders["o"]])).open_orders
        assert found.client_order_id == "o"
        assert len(peer.received("placeOrder")) == 1


@at_the_newest_version()
async def test_what_tws_owes_an_answer_about_makes_it_connect_again(peer: Peer) -> None:
    async with trading(peer, at={"timeout": 0.2}) as it:
        peer.faults.on("completedOrdersEnd", Drop())
        kept = await resting(it)
        assert "did not tell ended orders" in await refusal(it.broker.standing([kept]))
        await it.until(lambda: it.desk.venue == ["CONNECTED", "LOST", "CONNECTED"])
        assert len((await it.broker.standing([kept])).open_orders) == 1
