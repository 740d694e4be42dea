"""Each thing that the loopback TWS can be told to do wrong, done to the real ib_async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder

from tests.brokers.ib_client import (
    GOLD,
    Errors,
    at_every_version,
    at_the_newest_version,
    connected,
    settled,
    until,
)
from tests.peers.faults import EVERY, Answer, Cut, Delay, Drop, Duplicate, Hold, Mute, Reorder, Replace
from tests.peers.tws import Peer
from tests.peers.tws.codec import Message

# messages


@at_every_version()
async def test_a_dropped_report_never_arrives(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("execDetails", Drop())
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    assert (trade.orderStatus.status, trade.fills) == ("Filled", [])
    assert len(await ib.reqExecutionsAsync()) == 1


@at_every_version()
async def test_a_doubled_execution_is_one_fill_for_the_client(peer: Peer, ib: ib_async.IB) -> None:
    rule = peer.faults.on("execDetails", Duplicate(3), times=None)
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    assert (rule.hits, len(peer.sent("execDetails")), len(trade.fills)) == (1, 3, 1)


@at_every_version()
async def test_a_report_can_overtake_another(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("openOrder", Reorder(behind=2))
    ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    assert [it.kind for it in peer.sent() if it.message.order][:3] == ["orderStatus", "execDetails", "openOrder"]


@at_every_version()
async def test_held_reports_arrive_when_they_are_let_go(peer: Peer, ib: ib_async.IB) -> None:
    held = peer.faults.on("execDetails", Hold(), times=None)
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    assert (trade.isDone(), trade.fills) == (True, [])
    filled = until(ib.execDetailsEvent)
    held.release()
    await filled
    assert len(trade.fills) == 1


@at_the_newest_version()
async def test_a_late_report_arrives_later(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("orderStatus", Delay(0.3))
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    changed = until(trade.statusEvent)
    await settled(ib)
    assert trade.orderStatus.status == "PendingSubmit"
    await changed
    assert trade.orderStatus.status == "Submitted"


@at_the_newest_version()
async def test_a_message_can_be_replaced(peer: Peer, ib: ib_async.IB) -> None:
    def crossed(message: Message) -> Message:
        return Message(message.kind, (*message.fields[:3], 3000, *message.fields[4:]))

    ticker = ib.reqMktData(GOLD)
    await settled(ib)
    peer.faults.on("tickPrice", Replace(crossed), where=lambda message: message.fields[2] == 2)
    await peer.quote("XAUUSD", 4001, 4002)
    await settled(ib)
    assert (ticker.bid, ticker.ask) == (4001, 3000)


@at_every_version()
async def test_requests_too_can_be_lost_doubled_and_swapped(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("placeOrder", Reorder())
    for ref in ("first", "second"):
        ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef=ref))
    await settled(ib)
    assert [it.ref for it in peer.orders] == ["second"]
    assert [it.order.ref for it in peer.received("placeOrder") if it.order] == ["first", "second"]
    peer.faults.on("placeOrder", Duplicate())
    ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY", orderRef="third"))
    await settled(ib)
    assert [it.ref for it in peer.orders] == ["second", "third"]


@pytest.mark.parametrize("code", [103, 104, 135, 161, 201, 10147, 10148, 10349])
def test_any_error_code_can_be_the_answer_to_an_order(code: int) -> None:
    @at_every_version()
    async def scenario(peer: Peer, ib: ib_async.IB) -> None:
        errors = Errors(ib)
        peer.faults.on("placeOrder", Answer(code, "no"))
        trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
        await settled(ib)
        assert errors == [(trade.order.orderId, code, "no")]
        assert trade.orderStatus.status == "Cancelled"
        assert peer.orders == []

    scenario(178)


@at_every_version()
async def test_a_refused_cancel_leaves_the_order_live(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    peer.faults.on("cancelOrder", Answer(161, "Cancel attempted when order is not in a cancellable state."))
    ib.cancelOrder(trade.order)
    await settled(ib)
    assert trade.orderStatus.status == "Cancelled"
    assert peer.orders[0].status == "Submitted"
    (found,) = await ib.reqAllOpenOrdersAsync()
    assert found.orderStatus.status == "Submitted"


@at_every_version()
async def test_other_requests_can_be_refused_too(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    peer.faults.on("reqHistoricalData", Answer(162, "pacing"))
    assert not await ib.reqHistoricalDataAsync(GOLD, "", "600 S", "1 min", "MIDPOINT", False)
    peer.faults.on("reqMktData", Answer(354, "not subscribed"))
    ib.reqMktData(GOLD)
    await settled(ib)
    assert errors.codes == [162, 354]


# orders that are swallowed


@at_every_version()
async def test_an_order_can_be_accepted_without_a_word(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("placeOrder", Mute())
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="quiet"))
    await peer.quote("XAUUSD", 3980, 3981)
    await settled(ib)
    await peer.quote("XAUUSD", 3980, 3981)
    await settled(ib)
    assert trade.orderStatus.status == "PendingSubmit"
    assert peer.order("quiet").status == "Filled"
    assert [it.execution.orderRef for it in await ib.reqExecutionsAsync()] == ["quiet"]


@pytest.mark.parametrize("acted", [True, False], ids=["accepted", "not accepted"])
def test_the_link_can_die_with_the_reply(acted: bool) -> None:
    @at_every_version()
    async def scenario(peer: Peer, ib: ib_async.IB) -> None:
        peer.faults.on("placeOrder", Cut(acted))
        gone = until(ib.disconnectedEvent)
        ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="fate unknown"))
        ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3980, tif="GTC", orderRef="too late"))
        await gone
        assert peer.sent("openOrder") == []
        async with connected(peer) as again:
            assert [it.order.orderRef for it in again.openTrades()] == (["fate unknown"] if acted else [])

    scenario(178)


@at_every_version()
async def test_an_order_can_be_lost_on_its_way(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("placeOrder", Drop())
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    assert trade.orderStatus.status == "PendingSubmit"
    assert (len(peer.received("placeOrder")), peer.orders) == (1, [])


@at_every_version()
async def test_an_accepted_order_can_be_forgotten(peer: Peer, ib: ib_async.IB) -> None:
    ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    peer.forget(peer.orders[0])
    assert await ib.reqAllOpenOrdersAsync() == []
    assert await ib.reqCompletedOrdersAsync(False) == []


# fills that should not be


@at_every_version()
async def test_an_execution_can_be_told_twice_and_corrected(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 2, tif="DAY"))
    await settled(ib)
    (execution,) = peer.executions
    await peer.repeat(execution)
    await peer.correct(execution, price=4002, quantity=1)
    await settled(ib)
    assert [it.execution.execId[-5:] for it in trade.fills] == ["01.01", "01.02"]
    assert trade.fills[0].execution.execId.rpartition(".")[0] == trade.fills[1].execution.execId.rpartition(".")[0]
    assert [it.position for it in ib.positions()] == [1]
    assert peer.account().cash == 1_000_000 - 4002 - 2


@at_every_version()
async def test_a_fill_can_come_after_the_cancel_was_confirmed(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 2, 3990, tif="GTC"))
    await settled(ib)
    ib.cancelOrder(trade.order)
    await settled(ib)
    await peer.fill(peer.orders[0], 1, 3990)
    await settled(ib)
    assert (trade.orderStatus.status, trade.orderStatus.filled) == ("Cancelled", 1)
    assert [it.execution.shares for it in trade.fills] == [1]
    assert peer.position("XAUUSD") == 1


@at_every_version()
async def test_a_fill_can_win_against_a_pending_cancel(peer: Peer, ib: ib_async.IB) -> None:
    peer.slow_cancels()
    trades = [ib.placeOrder(GOLD, LimitOrder("BUY", 1, price, tif="GTC")) for price in (3990, 3900)]
    await settled(ib)
    for trade in trades:
        ib.cancelOrder(trade.order)
    await settled(ib)
    assert [it.orderStatus.status for it in trades] == ["PendingCancel", "PendingCancel"]
    await peer.quote("XAUUSD", 3989, 3990)
    await peer.confirm_cancel(peer.orders[1])
    await settled(ib)
    assert [it.orderStatus.status for it in trades] == ["Filled", "Cancelled"]


@at_every_version()
async def test_an_order_can_be_filled_beyond_its_quantity(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 2, tif="DAY"))
    await settled(ib)
    await peer.fill(peer.orders[0], 3)
    await settled(ib)
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (5, 0)
    assert peer.position("XAUUSD") == 5


@at_every_version()
async def test_both_legs_of_an_oca_group_can_fill(peer: Peer, ib: ib_async.IB) -> None:
    orders = [LimitOrder("SELL", 1, 4010, tif="GTC"), ib_async.StopOrder("SELL", 1, 3990, tif="GTC")]
    trades = [ib.placeOrder(GOLD, order) for order in ib.oneCancelsAll(orders, "exit", 1)]
    await settled(ib)
    await peer.quote("XAUUSD", 4010, 4011)
    await peer.fill(peer.orders[1])
    await settled(ib)
    assert [len(it.fills) for it in trades] == [1, 1]
    assert peer.position("XAUUSD") == -2


@at_every_version()
async def test_one_order_can_live_twice(peer: Peer, ib: ib_async.IB) -> None:
    ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="one"))
    await settled(ib)
    await peer.clone(peer.orders[0])
    async with connected(peer, client_id=2) as other:
        await other.reqAllOpenOrdersAsync()
    assert len({it.message.order for it in peer.sent("openOrder")}) == 2
    assert {it.ref for it in peer.orders} == {"one"}
    await peer.quote("XAUUSD", 3989, 3990)
    assert peer.position("XAUUSD") == 2


@at_every_version()
async def test_the_venue_can_end_an_order_by_itself(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    await peer.reject(peer.orders[0], 201, "Order rejected - reason:No trading permissions")
    await settled(ib)
    assert trade.orderStatus.status == "Inactive"


# rules


@at_every_version()
async def test_a_rule_can_wait_and_can_be_meant_for_everything(peer: Peer, ib: ib_async.IB) -> None:
    seen: list[str] = []
    peer.venue.record.watchers.append(lambda request: seen.append(request.kind))
    rule = peer.faults.on(EVERY, Drop(), after=1, where=_is("reqCurrentTime"))
    await settled(ib)
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    ib.client.reqIds(1)
    await ib.reqPositionsAsync()
    assert (rule.hits, asked.done()) == (1, False)
    peer.faults.clear()
    ib.client.reqCurrentTime()
    await asked
    assert seen == ["reqCurrentTime", "reqCurrentTime", "reqIds", "reqPositions", "reqCurrentTime"]


def _is(kind: str) -> Callable[[object], bool]:
    return lambda message: getattr(message, "kind", "") == kind
