"""The links of the loopback TWS, lost, frozen, cut and restarted under the real ib_async."""

from __future__ import annotations

import asyncio

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder

from tests.brokers.ib_client import (
    GOLD,
    Errors,
    at_every_version,
    at_the_newest_version,
    connect,
    connected,
    disconnect,
    settled,
    until,
)
from tests.peers.faults import Cut, Drop, Mute
from tests.peers.tws import Peer

# connectivity


@at_every_version()
async def test_1100_hides_a_fill_that_1102_leaves_to_be_asked_for(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    ticker = ib.reqMktData(GOLD)
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    await peer.lose_connectivity(lost=True)
    await peer.quote("XAUUSD", 3989, 3990)
    await settled(ib)
    assert ib.isConnected()
    assert (ticker.ask, trade.orderStatus.status) == (4000.15, "Submitted")
    await peer.restore_connectivity(1102)
    await settled(ib)
    assert errors.codes == [1100, 1102]
    assert len(await ib.reqExecutionsAsync()) == 1
    await peer.quote("XAUUSD", 4009, 4010)
    await settled(ib)
    assert ticker.ask == 4010


@at_every_version()
async def test_fills_inside_1100_can_arrive_and_orders_wait_for_1102(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    await peer.lose_connectivity()
    await peer.quote("XAUUSD", 3989, 3990)
    waits = ib.placeOrder(GOLD, MarketOrder("SELL", 1, tif="DAY"))
    await settled(ib)
    assert (trade.orderStatus.status, waits.orderStatus.status) == ("Filled", "PendingSubmit")
    await peer.restore_connectivity()
    await settled(ib)
    assert waits.orderStatus.status == "Filled"


@at_every_version()
async def test_1101_loses_the_subscriptions(peer: Peer, ib: ib_async.IB) -> None:
    ticker = ib.reqMktData(GOLD)
    await settled(ib)
    await peer.lose_connectivity()
    await peer.restore_connectivity(1101)
    await peer.quote("XAUUSD", 4009, 4010)
    await settled(ib)
    assert ticker.ask == 4000.15
    ib.client.reqMktData(ib.client.getReqId(), GOLD, "", False, False, [])
    await settled(ib)
    assert len(peer.received("reqMktData")) == 2


@at_every_version()
async def test_2110_is_told_to_who_connects_while_the_broker_is_away(peer: Peer, ib: ib_async.IB) -> None:
    peer.start_disconnected()
    errors: list[int] = []
    other = ib_async.IB()
    other.errorEvent += lambda _request, code, _text, _contract: errors.append(code)
    await other.connectAsync(peer.host, peer.port, clientId=2, timeout=60)
    assert errors == [2110]
    await disconnect(other)


@at_every_version()
async def test_1300_moves_the_server_to_another_port(peer: Peer, ib: ib_async.IB) -> None:
    errors, gone, old = Errors(ib), until(ib.disconnectedEvent), peer.port
    await peer.reset_port()
    await gone
    assert errors.codes == [1300]
    assert str(peer.port) in errors[0][2]
    assert peer.port != old
    await disconnect(await connect(peer))


@at_every_version()
async def test_farm_messages_are_only_messages(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    for code in (2103, 2104, 2105, 2106, 2108):
        await peer.error(code)
    await settled(ib)
    assert errors.codes == [2103, 2104, 2105, 2106, 2108]
    assert ib.isConnected()


@pytest.mark.parametrize("taken", ["by a client", "by somebody else"])
def test_a_client_id_in_use_is_326_and_ends_the_link(taken: str) -> None:
    @at_the_newest_version()
    async def scenario(peer: Peer, ib: ib_async.IB) -> None:
        if taken == "by somebody else":
            peer.reserve(5)
        second = ib_async.IB()
        errors, gone = Errors(second), until(second.client.conn.disconnected)
        wanted = 1 if taken == "by a client" else 5
        connecting = asyncio.ensure_future(second.connectAsync(peer.host, peer.port, clientId=wanted, timeout=2))
        await gone
        assert errors.codes == [326]
        assert peer.clients == [1]
        with pytest.raises(TimeoutError):
            await connecting

    scenario(178)


# links


@at_every_version()
async def test_nobody_listening_is_refused_at_once(peer: Peer, ib: ib_async.IB) -> None:
    await peer.refuse()
    assert ib.isConnected()
    with pytest.raises(ConnectionRefusedError):
        await connect(peer, client_id=2)


@at_every_version()
async def test_a_dropped_link_ends_what_was_asked(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("reqContractDetails", Drop())
    asked = asyncio.ensure_future(ib.reqContractDetailsAsync(GOLD))
    await settled(ib)
    await peer.drop()
    with pytest.raises(ConnectionError):
        await asked
    assert not ib.isConnected()


@at_every_version()
async def test_every_byte_can_come_alone(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.chunk = 1
    async with connected(peer, client_id=2) as other:
        assert [it.contract.symbol for it in await other.reqContractDetailsAsync(GOLD)] == ["XAUUSD"]


@at_the_newest_version()
async def test_the_link_can_be_cut_after_any_byte_that_the_peer_sends(peer: Peer, ib: ib_async.IB) -> None:
    for count in range(0, 40, 3):
        (link,) = (session.link for session in peer.venue.sessions)
        before, gone = link.bytes_sent, until(ib.disconnectedEvent)
        peer.faults.cut_sent = count
        ib.client.reqAccountUpdates(True, "DU1234567")
        await gone
        assert link.bytes_sent == before + count
        await ib.connectAsync(peer.host, peer.port, clientId=1, timeout=60)


@at_the_newest_version()
async def test_the_link_can_be_cut_in_the_middle_of_an_order(peer: Peer, ib: ib_async.IB) -> None:
    gone = until(ib.disconnectedEvent)
    peer.faults.cut_received = 100
    ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await gone
    assert peer.received("placeOrder") == []
    assert peer.orders == []
    (torn,) = peer.venue.record.torn
    assert len(torn) == 100
    assert b"XAUUSD" in torn


@at_every_version()
async def test_the_link_can_die_before_or_behind_a_report(peer: Peer, ib: ib_async.IB) -> None:
    for acted, status in ((False, "PendingSubmit"), (True, "Submitted")):
        peer.faults.on("orderStatus", Cut(acted))
        gone = until(ib.disconnectedEvent)
        trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
        await gone
        assert trade.orderStatus.status == status
        await ib.connectAsync(peer.host, peer.port, clientId=1, timeout=60)
    assert len(ib.openTrades()) == 2


@at_every_version()
async def test_a_half_open_link_says_nothing_and_does_not_end(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.freeze()
    ib.RequestTimeout = 0.1
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    done, _ = await asyncio.wait([asked], timeout=0.1)
    assert not done
    assert ib.isConnected()
    peer.faults.thaw()
    await asked
    peer.faults.freeze(new=False)
    await disconnect(await connect(peer, client_id=2))


@at_the_newest_version()
async def test_a_start_up_answer_can_stay_away(peer: Peer, ib: ib_async.IB) -> None:
    peer.faults.on("reqPositions", Mute())
    other = ib_async.IB()
    with pytest.raises(ConnectionError, match="positions request timed out"):
        await other.connectAsync(peer.host, peer.port, clientId=2, timeout=0.5, raiseSyncErrors=True)


@at_every_version()
async def test_a_restart_remembers_orders_and_ids(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="kept"))
    await settled(ib)
    gone, port = until(ib.disconnectedEvent), peer.port
    await peer.restart()
    await gone
    async with connected(peer) as again:
        assert peer.port == port
        assert [(it.order.orderRef, it.order.orderId) for it in again.openTrades()] == [("kept", trade.order.orderId)]
        assert again.client.getReqId() > trade.order.orderId


@at_every_version()
async def test_a_restart_can_give_an_id_twice(peer: Peer, ib: ib_async.IB) -> None:
    ib.client.updateReqId(40)
    ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC", orderRef="old"))
    await settled(ib)
    await peer.restart(lower_ids=True)
    async with connected(peer, client_id=2) as other:
        assert other.client.getReqId() < 40
    again = ib_async.IB()
    await again.connectAsync(peer.host, peer.port, clientId=1, timeout=60, fetchFields=ib_async.StartupFetch.POSITIONS)
    again.client.placeOrder(40, GOLD, LimitOrder("BUY", 2, 3980, tif="GTC", orderRef="new"))
    await settled(again)
    assert [(it.order_id, it.ref) for it in peer.orders] == [(40, "old"), (40, "new")]
    assert len({it.perm_id for it in peer.orders}) == 2
    await disconnect(again)
