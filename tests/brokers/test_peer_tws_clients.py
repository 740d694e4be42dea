"""The loopback TWS as the real ib_async sees it: other clients, orders typed into TWS, and what is left after a reconnect."""

from __future__ import annotations

import ib_async
from ib_async import LimitOrder, MarketOrder

from tests.brokers.ib_client import GOLD, at_every_version, connect, connected, disconnect, settled
from tests.peers.tws import Peer


@at_every_version()
async def test_a_global_cancel_ends_the_orders_of_every_client(peer: Peer, ib: ib_async.IB) -> None:
    async with connected(peer, client_id=2) as other:
        trades = [client.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC")) for client in (ib, other)]
        typed = await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3990)
        await settled(other)
        ib.reqGlobalCancel()
        await settled(ib)
        await settled(other)
        assert [it.orderStatus.status for it in trades] == ["Cancelled", "Cancelled"]
        assert typed.status == "Cancelled"


@at_every_version()
async def test_orders_of_others_are_seen_by_who_asks_for_all(peer: Peer, ib: ib_async.IB) -> None:
    await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3990, ref="typed")
    async with connected(peer, client_id=2) as other:
        other.placeOrder(GOLD, LimitOrder("SELL", 1, 4100, tif="GTC", orderRef="other"))
        await settled(other)
        assert await ib.reqOpenOrdersAsync() == []
        found = {it.order.orderRef: (it.order.clientId, it.order.orderId) for it in await ib.reqAllOpenOrdersAsync()}
    assert found["typed"] == (0, 0)
    assert found["other"][0] == 2


@at_every_version(master=9)
async def test_a_master_client_hears_of_everybodys_orders(peer: Peer, ib: ib_async.IB) -> None:
    async with connected(peer, client_id=9) as master:
        ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY", orderRef="client 1"))
        await settled(ib)
        await peer.place("XAUUSD", "SELL", 1, ref="typed")
        await peer.place("XAUUSD", "SELL", 1, ref="client 7", client_id=7, order_id=3)
        await settled(master)
        assert [it.execution.orderRef for it in master.fills()] == ["client 1", "typed", "client 7"]
        assert [it.execution.orderRef for it in ib.fills()] == ["client 1"]


@at_every_version()
async def test_client_0_binds_orders_typed_into_tws_and_can_cancel_them(peer: Peer, ib: ib_async.IB) -> None:
    before = await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3990)
    async with connected(peer, client_id=0) as owner:
        after = await peer.place("XAUUSD", "BUY", 1, "LMT", limit=3991)
        await settled(owner)
        assert [it.order.orderId for it in owner.openTrades()] == [before.order_id, after.order_id]
        assert before.order_id < 0
        owner.cancelOrder(owner.openTrades()[1].order)
        await settled(owner)
        assert (before.status, after.status) == ("Submitted", "Cancelled")


@at_every_version()
async def test_after_a_reconnect_open_orders_executions_and_completed_orders_are_told_again(peer: Peer, ib: ib_async.IB) -> None:
    ib.placeOrder(GOLD, MarketOrder("BUY", 2, tif="DAY", orderRef="filled"))
    ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="resting"))
    gone = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3980, tif="GTC", orderRef="cancelled"))
    await settled(ib)
    ib.cancelOrder(gone.order)
    await settled(ib)
    await disconnect(ib)
    again = await connect(peer)
    assert {it.order.orderRef: it.orderStatus.status for it in again.trades()} == {
        "resting": "Submitted",
        "filled": "Filled",
        "cancelled": "Cancelled",
    }
    (fill,) = again.fills()
    assert (fill.execution.shares, fill.execution.orderRef, fill.commissionReport.commission) == (2, "filled", 2)
    assert fill.execution.time.isoformat() == "2025-11-20T15:00:00+00:00"
    assert again.client.getReqId() > gone.order.orderId
    assert [it.position for it in again.positions()] == [2]
    await disconnect(again)


@at_every_version()
async def test_yesterdays_executions_are_not_told(peer: Peer, ib: ib_async.IB) -> None:
    ib.placeOrder(GOLD, MarketOrder("BUY", 2, tif="DAY"))
    await settled(ib)
    assert len(await ib.reqExecutionsAsync()) == 1
    await peer.advance(14 * 3600)
    assert await ib.reqExecutionsAsync() == []
    assert await ib.reqCompletedOrdersAsync(False) == []
