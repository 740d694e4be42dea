"""Orders of every kind at Interactive Brokers: what leaves is what was meant, and what comes back is reported."""

from __future__ import annotations

from decimal import Decimal

from engine.brokers.ib.broker import IbOptions
from engine.core.clock import MINUTE, from_iso
from engine.domain import facts as f
from engine.domain.instrument import cash
from engine.domain.order import OrderType, Role, Side, State, TimeInForce
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version, refusal
from tests.brokers.ib_trading import order, trading
from tests.peers.faults import Answer
from tests.peers.tws import Peer


@at_every_version()
async def test_a_market_order_is_accepted_filled_and_charged(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("a1"))
        (charged,) = await it.reports(f.CommissionCharged)
        (accepted,), (fill,) = it.desk.of(f.OrderAccepted), it.desk.of(f.OrderFilled)
        made = peer.executions[0]
        assert accepted.broker_id == str(peer.order("a1").perm_id)
        assert (fill.execution, fill.side, fill.price, fill.quantity) == (made.exec_id, "buy", 400015, 2)
        assert (charged.execution, charged.amount) == (made.exec_id, cash(made.commission))
        assert it.desk.told("a1") == ["OrderAccepted", "OrderFilled", "CommissionCharged"]
        assert it.state("a1") is State.FILLED


@at_every_version()
async def test_each_type_and_time_in_force_arrives_as_it_was_meant(peer: Peer) -> None:
    until = from_iso("2025-11-21T12:30:00")
    async with trading(peer) as it:
        it.submit(order("limit", limit=399000, tif=TimeInForce.DAY))
        it.submit(order("stop", Side.SELL, stop=398000, role=Role.STOP))
        it.submit(order("both", stop=401000, limit=401050, tif=TimeInForce.GTD, expires=until))
        it.submit(order("trail", Side.SELL, type=OrderType.TRAILING, trail=500, stop=399400))
        it.submit(order("percent", Side.SELL, type=OrderType.TRAILING, trail_ppm=12_500))
        it.submit(order("now", limit=399000, tif=TimeInForce.IOC))
        it.submit(order("whole", limit=399000, tif=TimeInForce.FOK))
        await it.reports(f.OrderExpired, count=2)
        await it.reports(f.OrderAccepted, "percent")
    told = {each.ref: each for each in peer.orders}
    limit, stop, both, trail, percent = (told[name] for name in ("limit", "stop", "both", "trail", "percent"))
    assert (limit.type, limit.limit, limit.tif, limit.quantity) == ("LMT", Decimal("3990"), "DAY", 2)
    assert (stop.type, stop.stop, stop.tif, stop.action) == ("STP", Decimal("3980"), "GTC", "SELL")
    assert (both.type, both.stop, both.limit, both.tif) == ("STP LMT", Decimal("4010"), Decimal("4010.50"), "GTD")
    assert both.good_till == "20251121-12:30:00"
    assert (trail.type, trail.stop, trail.trail_percent) == ("TRAIL", Decimal("5.00"), None)
    assert (percent.type, percent.stop, percent.trail_percent) == ("TRAIL", None, Decimal("1.25"))
    assert all(each.outside_rth and each.account == "DU1234567" for each in told.values())
    assert [it.state(name) for name in ("now", "whole", "limit")] == [State.EXPIRED, State.EXPIRED, State.ACCEPTED]


@at_every_version()
async def test_a_bracket_with_two_targets_lives_at_the_venue(peer: Peer) -> None:
    async with trading(peer) as it:
        legs = [
            order("e-s1", Side.SELL, 1, stop=399000, role=Role.STOP, parent="e", oco="e-1"),
            order("e-t1", Side.SELL, 1, limit=401000, role=Role.TARGET, parent="e", oco="e-1"),
            order("e-s2", Side.SELL, 3, stop=399000, role=Role.STOP, parent="e", oco="e-2"),
            order("e-t2", Side.SELL, 3, limit=402000, role=Role.TARGET, parent="e", oco="e-2"),
        ]
        it.submit(order("e", quantity=4, limit=399500), *legs)
        await it.reports(f.OrderAccepted, count=5)
        placed = [each.order for each in peer.received("placeOrder") if each.order is not None]
        assert [each.transmit for each in placed] == [False, False, False, False, True]
        assert {each.parent_id for each in placed[1:]} == {placed[0].order_id}
        assert [(each.oca_group, each.oca_type) for each in placed[1:]] == [("e-1", 2), ("e-1", 2), ("e-2", 2), ("e-2", 2)]
        assert not peer.executions
        await peer.quote("XAUUSD", "3994.7", "3995")
        await it.reaches("e", State.FILLED)
        await peer.quote("XAUUSD", "4010", "4010.3")
        await it.reaches("e-t1", State.FILLED)
        await it.reaches("e-s1", State.CANCELLED)
        await peer.fill(peer.order("e-t2"), 1, "4020")
        await it.until(lambda: it.desk.orders["e-s2"].quantity == 2)
        await peer.quote("XAUUSD", "3989", "3989.3")
        await it.reaches("e-s2", State.FILLED)
        await it.reaches("e-t2", State.CANCELLED)
        assert peer.position("XAUUSD") == 0


@at_every_version()
async def test_orders_of_a_group_cancel_each_other(peer: Peer) -> None:
    await peer.hold("XAUUSD", 2, 4000)
    async with trading(peer) as it:
        stop = order("s", Side.SELL, stop=399000, role=Role.STOP, oco="g")
        it.submit(stop, order("t", Side.SELL, limit=401000, role=Role.TARGET, oco="g"))
        await it.reports(f.OrderAccepted, count=2)
        await peer.quote("XAUUSD", "4010", "4010.3")
        await it.reaches("t", State.FILLED)
        await it.reaches("s", State.CANCELLED)


@at_every_version()
async def test_a_modify_keeps_the_order_and_its_number(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("m", limit=399000))
        await it.reports(f.OrderAccepted)
        it.modify("m", 3, limit=399100)
        await it.reaches("m", State.ACCEPTED)
        assert it.desk.of(f.OrderModified) == [f.OrderModified("m", 3, 399100, None)]
        (kept,) = peer.orders
        assert (kept.quantity, kept.limit) == (3, Decimal("3991"))
        await peer.quote("XAUUSD", "3990.7", "3991")
        assert (await it.reaches("m", State.FILLED)).filled == 3


@at_the_newest_version()
async def test_a_trailing_stop_moves_at_the_venue_and_can_be_resized(peer: Peer) -> None:
    await peer.hold("XAUUSD", 3, 4000)
    async with trading(peer) as it:
        it.submit(order("t", Side.SELL, 3, type=OrderType.TRAILING, trail=500, role=Role.STOP))
        await it.reports(f.OrderAccepted)
        it.modify("t", 2)
        await it.reports(f.OrderModified)
        await peer.quote("XAUUSD", "4020", "4020.3")
        await peer.quote("XAUUSD", "4014.9", "4015.2")
        await it.reaches("t", State.FILLED)
        assert peer.position("XAUUSD") == 1


@at_every_version()
async def test_a_cancel_is_answered(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("c", limit=399000))
        await it.reports(f.OrderAccepted)
        it.cancel("c")
        it.broker.cancel("c")
        (ended,) = await it.reports(f.OrderCancelled)
        assert ended.reason == "cancelled as asked"
        assert len(peer.received("cancelOrder")) == 1
        it.broker.cancel("c")
        it.broker.modify("c", 3, 399100, None)
        await it.reports(f.ModifyRejected)
        assert it.desk.told("c") == ["OrderAccepted", "OrderCancelled", "CancelRejected", "ModifyRejected"]
        assert len(peer.received("cancelOrder")) == 1


@at_every_version()
async def test_a_refusal_is_reported_with_its_reason(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("big", quantity=10_000))
        (refused,) = await it.reports(f.OrderRejected)
        assert "MUST EXCEED THE INITIAL MARGIN" in refused.reason
        assert it.desk.told("big") == ["OrderRejected"]


@at_the_newest_version()
async def test_the_legs_of_a_refused_entry_are_refused_too(peer: Peer) -> None:
    async with trading(peer) as it:
        leg = order("x-stop", Side.SELL, 10_000, stop=399000, role=Role.STOP, parent="x")
        it.submit(order("x", quantity=10_000), leg)
        await it.reaches("x", State.REJECTED)
        await it.reaches("x-stop", State.REJECTED)
        assert not peer.venue.broker.working()


@at_the_newest_version()
async def test_an_order_that_the_venue_ends_of_its_own_accord_is_reported(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("one", limit=399000), order("two", limit=398000))
        await it.reports(f.OrderAccepted, count=2)
        await peer.fill(peer.order("two"), 1)
        for name in ("one", "two"):
            await peer.reject(peer.order(name))
        await it.reaches("one", State.REJECTED)
        await it.reaches("two", State.CANCELLED)


@at_the_newest_version()
async def test_a_day_order_expires_with_its_session(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("d", limit=399000, tif=TimeInForce.DAY))
        it.submit(order("g", limit=399000, tif=TimeInForce.GTD, expires=peer.clock.now() + 5 * MINUTE))
        await it.reports(f.OrderAccepted, count=2)
        await peer.advance(5 * 60)
        await it.reaches("g", State.EXPIRED)
        await peer.advance(7 * 3600)
        await it.reaches("d", State.EXPIRED)


@at_the_newest_version()
async def test_orders_of_futures_count_contracts_of_the_month_asked_for(peer: Peer) -> None:
    async with trading(peer, ("GC", "MGC"), options=IbOptions(months={"GC": "G26"})) as it:
        it.submit(order("gc", symbol="GC", limit=40000))
        it.submit(order("mgc", symbol="MGC", limit=40000))
        await it.reports(f.OrderAccepted, count=2)
        assert (peer.order("gc").contract.local_symbol, peer.order("gc").quantity) == ("GCG6", 2)
        assert peer.order("mgc").contract.local_symbol == "MGCZ5"


@at_the_newest_version()
async def test_fault_45_the_month_that_is_held_is_dealt_in_until_it_is_left(peer: Peer) -> None:
    await peer.advance(5 * 24 * 3600)
    await peer.hold("GCZ5", 1, 4010)
    async with trading(peer, ("GC", "MGC")) as it:
        it.submit(order("gc", Side.SELL, 1, symbol="GC", limit=41000), order("mgc", symbol="MGC", limit=40000))
        await it.reports(f.OrderAccepted, count=2)
        assert (peer.order("gc").contract.local_symbol, peer.order("mgc").contract.local_symbol) == ("GCZ5", "MGCG6")
    await peer.hold("GCG6", 1, 4030)
    async with trading(peer, ("GC",)) as it:
        it.submit(order("two", symbol="GC", limit=40000))
        (refused,) = await it.reports(f.OrderRejected)
        assert "GC is held in GCG6 and GCZ5: no order for it is sent until one of them is closed" in refused.reason
        assert refused.reason.endswith("nothing was sent")


@at_every_version()
async def test_margin_is_told_before_the_order_and_nothing_is_placed(peer: Peer) -> None:
    async with trading(peer) as it:
        asked = await it.broker.margin(order("w", quantity=10))
        assert asked.initial_added == asked.initial > 0
        assert asked.maintenance <= asked.initial
        assert asked.commission is not None
        assert not peer.orders
        assert not it.desk.of(f.OrderFact)


@at_the_newest_version()
async def test_the_margin_of_a_refused_order_is_the_reason(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.faults.on("placeOrder", Answer(321, "Error validating request"))
        assert "error 321" in await refusal(it.broker.margin(order("w")))


@at_the_newest_version()
async def test_a_session_that_only_reads_sends_nothing(peer: Peer) -> None:
    async with trading(peer, at={"is_read_only": True}) as it:
        it.submit(order("r"))
        (refused,) = await it.reports(f.OrderRejected)
        assert "may only read" in refused.reason
        assert not peer.received("placeOrder")


@at_the_newest_version()
async def test_the_same_order_given_twice_is_sent_once(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("once", limit=399000))
        it.broker.submit(order("once", limit=399000))
        await it.reports(f.OrderAccepted)
        it.broker.submit(order("once", limit=399000))
        await it.settled()
        assert len(peer.received("placeOrder")) == 1
