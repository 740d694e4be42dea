"""Orders at an exchange that answers badly, late or not at all: what is reported is what is known, and nothing is sent twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.core.clock import SECOND, ManualClock, SystemClock
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.order import OrderType, Side
from engine.ports.outside import KeepsTrying
from tests.brokers.exchange_broker import Told, broker_of, dealing, market, order, subscribed
from tests.peers.exchange import CutAt, Exchange, banned, garbage, refused, saying, too_heavy
from tests.peers.faults import Answer, Cut, Drop, Duplicate, Hold, Mute, Reorder

pytestmark = pytest.mark.xdist_group("ccxt")


def deaf(exchange: Exchange) -> None:
    """The account's stream says nothing from now on, so that nothing is known but by answers."""
    exchange.stall()


@pytest.mark.parametrize(
    ("kind", "action", "stands"),
    [
        ("answer POST order", Drop(), True),
        ("POST order", Drop(), False),
        ("POST order", Mute(), True),
        ("POST order", Cut(acted=True), True),
        ("answer POST order", CutAt(200), True),
        ("answer POST order", garbage(), True),
        ("answer POST order", Answer(200, "", {}), True),
        ("answer POST order", Answer(503, "Service Unavailable"), True),
        ("POST order", Answer(502, "Bad Gateway"), False),
        ("answer POST order", saying(refused("bus")), True),
        ("answer POST order", saying(refused("backend")), True),
        ("POST order", saying(refused("duplicate")), False),
        ("POST order", saying(too_heavy(6000, 7)), False),
        ("POST order", saying(banned(1, 7)), False),
    ],
    ids=[
        "lost-reply",
        "lost",
        "mute",
        "cut",
        "cut-in",
        "garbage",
        "empty",
        "503",
        "502",
        "bus",
        "backend",
        "twice",
        "429",
        "418",
    ],
)
def test_faults_13_14_16_17_18_19_what_may_stand_there_is_unknown_and_sent_once(kind: str, action: Any, stands: bool) -> None:
    @dealing(timeout=0.2)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        deaf(exchange)
        exchange.faults.on("GET openOrders", Drop(), times=None)
        exchange.faults.on(kind, action)
        broker.submit(order())
        unknown = await told.one(f.OrderUnknown)
        assert unknown.reason.endswith("it is looked for and not sent again")
        assert len(exchange.asked("POST order")) == 1
        assert (exchange.order("one") is not None) == stands
        assert "OrderRejected" not in told.kinds("one")

    scenario()


@dealing(timeout=0.2)
async def test_fault_13_an_order_whose_reply_was_lost_is_found_at_once(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    deaf(exchange)
    exchange.faults.on("answer POST order", Drop())
    broker.submit(order())
    await told.one(f.OrderUnknown)
    state = await broker.standing([order()])
    assert [(it.client_order_id, it.status) for it in state.open_orders] == [("one", "NEW")]
    assert state.open_orders[0].broker_order_id == str(exchange.orders[0].order_id)
    assert len(exchange.orders) == 1


@dealing(timeout=0.2)
async def test_fault_14_an_order_that_never_came_is_in_no_list(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    exchange.faults.on("POST order", Drop())
    broker.submit(order())
    await told.one(f.OrderUnknown)
    state = await broker.standing([order()])
    assert (state.open_orders, state.ended_orders) == ((), ())
    assert [it.parameters["origClientOrderId"] for it in exchange.asked("GET order")] == ["one"]


@dealing(timeout=0.2)
async def test_fault_15_an_order_that_is_filled_and_gone_is_found_with_its_fills(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    deaf(exchange)
    exchange.faults.on("answer POST order", Drop())
    broker.submit(market())
    await told.one(f.OrderUnknown)
    state = await broker.standing([market()])
    [ended] = state.ended_orders
    assert (ended.client_order_id, ended.status, ended.filled) == ("one", "filled", ended.quantity)
    [fill] = state.executions
    assert (fill.client_order_id, fill.execution_id) == ("one", f"PAXGUSDT-{exchange.orders[0].fills[0].trade_id}")


@dealing
async def test_fault_18_while_an_exchange_wants_to_be_left_alone_nothing_is_sent(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.faults.on("POST order", saying(too_heavy(6000, 7)))
    broker.submit(order("one"))
    broker.submit(order("two"))
    broker.cancel("one")
    rejected = await told.one(f.OrderRejected)
    assert (rejected.order, "asked to be left alone" in rejected.reason) == ("two", True)
    assert len(exchange.asked("POST order")) == 1
    assert exchange.asked("DELETE order") == []


def test_fault_18_after_that_time_it_is_asked_again() -> None:
    clock = ManualClock(SystemClock().now())

    @dealing(clock=clock)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        exchange.faults.on("POST order", saying(too_heavy(6000, 7)))
        broker.submit(order("one"))
        await told.one(f.OrderUnknown)
        clock.set(clock.now() + 8 * SECOND)
        broker.submit(order("two"))
        assert (await told.one(f.OrderAccepted)).order == "two"

    scenario()


@dealing
async def test_fault_20_an_order_that_is_submitted_twice_is_one_order(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order("one"))
    broker.submit(order("one"))
    broker.submit(order("two"))
    await told.until(lambda: told.kinds("two"))
    assert [it.ticket.client_id for it in exchange.orders] == ["one", "two"]


@dealing
async def test_fault_21_a_fill_before_the_answer_is_booked_once(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    held = exchange.faults.on("answer POST order", Hold())
    broker.submit(market())
    await told.one(f.OrderFilled)
    held.release()
    broker.submit(order("two"))
    await told.until(lambda: told.kinds("two"))
    assert told.kinds("one") == ["OrderAccepted", "OrderFilled"]


@dealing
async def test_fault_21_fills_out_of_order_and_twice_are_each_booked_once(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    exchange.faults.on("executionReport", Reorder())
    exchange.faults.on("executionReport", Duplicate())
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    await exchange.trade("PAXGUSDT", "SELL", "0.25", limit="3890.00")
    await told.until(lambda: len(told.of(f.OrderFilled)) == 2)
    assert {it.execution for it in told.of(f.OrderFilled)} == {f"PAXGUSDT-{it.trade_id}" for it in exchange.orders[0].fills}
    assert [it.quantity for it in told.of(f.OrderFilled)] == [2500, 2500]


@dealing
async def test_fault_23_a_fill_after_the_cancel_is_reported(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    late = exchange.faults.on("executionReport", Hold())
    exchange.faults.on("answer GET myTrades", Answer(200, "", []), times=None)
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    exchange.cancel(exchange.orders[0])
    broker.cancel("one")
    late.release()
    await told.until(lambda: told.of(f.OrderFilled))
    assert [it.quantity for it in told.of(f.OrderFilled)] == [2500]


@dealing
async def test_a_cancel_is_told_after_the_fills_it_met(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    deaf(exchange)
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    broker.cancel("one")
    await told.one(f.OrderCancelled)
    assert told.kinds("one") == ["OrderAccepted", "OrderFilled", "OrderCancelled"]


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        (saying(refused("unknown_order")), ["OrderAccepted", "CancelRejected"]),
        (Answer(503, "Service Unavailable"), ["OrderAccepted", "CancelRejected"]),
        (Drop(), ["OrderAccepted", "CancelRejected"]),
    ],
    ids=["-2011", "503", "lost"],
)
def test_fault_24_a_cancel_that_is_refused_leaves_the_order_at_work(action: Any, asked: list[str]) -> None:
    @dealing(timeout=0.3)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        broker.submit(order())
        await told.one(f.OrderAccepted)
        exchange.faults.on("DELETE order", action)
        broker.cancel("one")
        rejected = await told.one(f.CancelRejected)
        assert "the order still works there" in rejected.reason
        assert told.kinds("one") == asked
        assert exchange.orders[0].status == "NEW"

    scenario()


@dealing
async def test_fault_24_an_unknown_order_that_was_cancelled_is_told_as_cancelled(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    deaf(exchange)
    exchange.faults.on("DELETE order", Cut(acted=True))  # the library sends it again, and is told that there is no such order
    broker.cancel("one")
    await told.one(f.OrderCancelled)
    assert len(exchange.asked("DELETE order")) == 2
    assert told.kinds("one") == ["OrderAccepted", "OrderCancelled"]


@dealing(timeout=0.2)
async def test_a_cancel_of_which_nothing_is_heard_is_not_told_as_done(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    deaf(exchange)
    exchange.faults.on("answer DELETE order", Drop())
    exchange.faults.on("GET order", Drop())
    broker.cancel("one")
    rejected = await told.one(f.CancelRejected)
    assert "whether it still works is not known" in rejected.reason
    await told.one(f.OrderCancelled)
    assert told.kinds("one") == ["OrderAccepted", "CancelRejected", "OrderCancelled"]


@dealing
async def test_a_cancel_of_what_was_never_placed_is_refused(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.cancel("none")
    broker.modify("none", 1, 1, None)
    await told.one(f.CancelRejected)
    await told.one(f.ModifyRejected)
    assert exchange.asked("DELETE order") == []


@dealing
async def test_a_change_ends_the_order_there_and_places_another_under_our_id(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order(limit=None, stop=380_000, side=Side.SELL, type=OrderType.STOP))
    await told.one(f.OrderAccepted)
    broker.modify("one", 4000, None, 381_000)
    modified = await told.one(f.OrderModified)
    assert (modified.quantity, modified.limit, modified.stop) == (4000, None, 381_000)
    old, new = exchange.orders
    assert (old.status, new.status, new.ticket.client_id, str(new.ticket.stop_price)) == ("CANCELED", "NEW", "one", "3810")
    await exchange.quote("PAXGUSDT", "3809.90", "3810.00")
    await told.one(f.OrderFilled)
    assert told.kinds("one") == ["OrderAccepted", "OrderModified", "OrderFilled"]


@dealing
async def test_a_change_whose_second_half_fails_leaves_no_order_and_says_so(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    broker.modify("one", 300_000, 389_000, None)
    cancelled = await told.one(f.OrderCancelled)
    assert "ended the order and refused the one with the new terms" in cancelled.reason
    assert [it.status for it in exchange.orders] == ["CANCELED"]
    assert told.kinds("one") == ["OrderAccepted", "OrderCancelled"]


@pytest.mark.parametrize("action", [Answer(503, "Busy"), saying(refused("unknown_order")), Drop()], ids=["503", "-2011", "lost"])
def test_fault_25_a_change_that_is_refused_leaves_the_order_as_it_was(action: Any) -> None:
    @dealing(timeout=0.3)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        broker.submit(order())
        await told.one(f.OrderAccepted)
        exchange.faults.on("POST order/cancelReplace", action)
        broker.modify("one", 5000, 388_000, None)
        rejected = await told.one(f.ModifyRejected)
        assert "the order still works there as it was" in rejected.reason
        assert [it.status for it in exchange.orders] == ["NEW"]

    scenario()


@dealing(timeout=0.3)
async def test_a_change_whose_reply_is_lost_is_seen_at_the_exchange(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    exchange.faults.on("answer POST order/cancelReplace", Drop())
    broker.modify("one", 5000, 388_000, None)
    assert (await told.one(f.OrderModified)).limit == 388_000
    broker.cancel("one")
    await told.one(f.OrderCancelled)
    assert [it.status for it in exchange.orders] == ["CANCELED", "CANCELED"]


@dealing(timeout=0.2)
async def test_a_change_that_comes_late_is_no_end_of_the_order(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    late = exchange.faults.on("POST order/cancelReplace", Hold())
    broker.modify("one", 5000, 388_000, None)
    await told.one(f.ModifyRejected)
    late.release()
    assert (await told.one(f.OrderModified)).limit == 388_000
    assert told.kinds("one") == ["OrderAccepted", "ModifyRejected", "OrderModified"]
    assert [it.status for it in exchange.orders] == ["CANCELED", "NEW"]


@dealing
async def test_what_is_filled_in_part_is_not_changed(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    await told.one(f.OrderFilled)
    broker.modify("one", 5000, 388_000, None)
    assert "filled in part" in (await told.one(f.ModifyRejected)).reason


@dealing
async def test_fault_53_a_clock_that_is_off_is_measured_again_and_the_order_is_not_sent_again(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.clock_offset_ms = 300_000
    broker.submit(order("one"))
    rejected = await told.one(f.OrderRejected)
    assert "the clock was measured again, so place it anew" in rejected.reason
    assert len(exchange.asked("POST order")) == 1
    broker.submit(order("two"))
    assert (await told.one(f.OrderAccepted)).order == "two"
    exchange.clock_offset_ms = -300_000
    broker.cancel("two")
    await told.one(f.OrderCancelled)
    assert [it.code for it in exchange.asked("DELETE order")] == [-1021, None]


@dealing
async def test_fault_65_a_key_that_is_deleted_ends_the_session_without_another_try(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order("one"))
    await told.one(f.OrderAccepted)
    exchange.revoke_key()
    broker.submit(order("two"))
    await told.until(lambda: told.kinds("two"))
    [connected, lost] = told.of(f.VenueChanged)
    assert (connected.state, lost.state, broker.is_ready) == ("CONNECTED", "LOST", False)
    assert "does not accept the key: it was deleted" in lost.reason
    asked = len(exchange.requests)
    broker.submit(order("three"))
    broker.cancel("one")
    await told.until(lambda: told.of(f.CancelRejected))
    assert [type(it).__name__ for it in told.facts if isinstance(it, f.OrderFact)][-3:] == [
        "OrderRejected",
        "OrderRejected",
        "CancelRejected",
    ]
    assert len(exchange.requests) == asked
    assert told.waits == []


@dealing(quiet_s=0.05, pulse_s=0.02)
async def test_fault_65_a_key_that_is_deleted_while_nothing_is_sent_is_noticed_by_the_next_look(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.revoke_key()
    await told.until(lambda: len(told.of(f.VenueChanged)) == 2)
    assert "does not accept the key" in told.of(f.VenueChanged)[1].reason
    asked = len(exchange.requests)
    await asyncio.sleep(0.1)  # longer than the look that is not to come
    assert len(exchange.requests) == asked


@dealing(quiet_s=0.05, pulse_s=0.02)
async def test_fault_65_a_key_that_is_accepted_again_is_tried_at_the_owner_s_word(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    assert isinstance(broker, KeepsTrying)
    exchange.revoke_key()
    await told.until(lambda: told.of(f.TradingStateChanged))
    broker.resume()
    await told.until(lambda: len(told.of(f.TradingStateChanged)) >= 2)  # it is refused still
    exchange.gate.is_revoked = False
    broker.resume()
    await told.until(lambda: [it.state for it in told.of(f.VenueChanged)][-1] == "CONNECTED")
    broker.submit(order("again"))
    await told.until(lambda: told.kinds("again") == ["OrderAccepted"])


def test_fault_1_an_exchange_that_refuses_at_first_is_tried_again_and_then_told_as_connected() -> None:
    @dealing(listening=False)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        second = Told()
        await exchange.stop()
        late = broker_of(exchange, second)
        with pytest.raises(BrokerError, match="cannot be reached"):
            await late.connect()
        late.submit(order("early"))
        await second.until(lambda: second.kinds("early"))
        assert (second.kinds("early"), late.is_ready) == (["OrderRejected"], False)
        await exchange.start()
        assert (await second.one(f.VenueChanged)).state == "CONNECTED"
        late.submit(order("now"))
        await second.one(f.OrderAccepted)
        assert second.waits
        assert all(wait <= 30 for wait in second.waits)
        await late.close()

    scenario()


@dealing(pulse_s=0.02)
async def test_a_broken_stream_is_made_anew_and_what_it_missed_is_asked_for(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order("one"))
    broker.submit(order("two", limit=388_000))
    await told.until(lambda: len(told.of(f.OrderAccepted)) == 2)
    exchange.stall()
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    exchange.cancel(exchange.orders[1])
    exchange.resume()
    exchange.drop_sockets()
    await told.until(lambda: told.of(f.OrderFilled) and told.of(f.OrderCancelled))
    assert (told.kinds("one"), told.kinds("two")) == (["OrderAccepted", "OrderFilled"], ["OrderAccepted", "OrderCancelled"])
    assert [it.state for it in told.of(f.VenueChanged)] == ["CONNECTED"]
    await subscribed(exchange)
    await exchange.trade("PAXGUSDT", "SELL", "0.25", limit="3890.00")
    await told.until(lambda: len(told.of(f.OrderFilled)) == 2)


@dealing(quiet_s=0.05, pulse_s=0.02)
async def test_a_silent_stream_is_made_up_for_by_questions(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    exchange.stall()
    await exchange.trade("PAXGUSDT", "SELL", "5.5", limit="3890.00")
    fill = await told.one(f.OrderFilled)
    assert (fill.quantity, fill.execution) == (5000, f"PAXGUSDT-{exchange.orders[0].fills[0].trade_id}")


@dealing(quiet_s=0.05, pulse_s=0.02, timeout=0.2)
async def test_an_exchange_that_is_gone_is_told_once_and_its_return_too(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    await exchange.stop()
    await told.until(lambda: len(told.of(f.VenueChanged)) == 2)
    assert not broker.is_ready
    broker.submit(order("two"))
    await told.until(lambda: told.kinds("two"))
    assert told.kinds("two") == ["OrderRejected"]
    await exchange.start()
    await told.until(lambda: len(told.of(f.VenueChanged)) == 3)
    assert [it.state for it in told.of(f.VenueChanged)] == ["CONNECTED", "LOST", "CONNECTED"]
    assert broker.is_ready


async def for_ever(_: float) -> None:
    await asyncio.Event().wait()


@dealing(quiet_s=0.02, pulse_s=0.02, sleep=for_ever)
async def test_where_nothing_can_be_streamed_the_exchange_is_asked(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.drop_sockets()
    broker.submit(order())
    await told.one(f.OrderAccepted)
    await exchange.trade("PAXGUSDT", "SELL", "5.5", limit="3890.00")
    await told.one(f.OrderFilled)
    assert [it.state for it in told.of(f.VenueChanged)] == ["CONNECTED"]
    assert not exchange.hub.sockets
    assert "following orders" in broker.trouble
