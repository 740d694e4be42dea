"""Futures at Interactive Brokers that are held in one month and dealt in as another: which contract an order goes to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.brokers.ib.broker import IbOptions
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.order import Role, Side, State
from engine.ports.outside import HoldsContracts
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version
from tests.brokers.ib_trading import Trading, order, trading
from tests.peers.tws import Peer

FEBRUARY = IbOptions(months={"GC": "G26"}, heartbeat_s=60)


def elsewhere(desk: Trading) -> str:
    assert isinstance(desk.broker, HoldsContracts)
    return desk.broker.elsewhere("GC")


@at_every_version()
async def test_a_position_in_another_month_is_closed_and_protected_where_it_is_held(peer: Peer) -> None:
    await peer.hold("GCZ5", 2, 4000)
    async with trading(peer, ("GC",), options=FEBRUARY) as desk:
        with pytest.raises(BrokerError, match=r"GC is held in GCZ5 and dealt in as GCG6: nothing is opened"):
            await desk.broker.standing()
        desk.submit(order("NG-S", Side.SELL, symbol="GC", stop=39000, role=Role.STOP))
        await desk.reaches("NG-S", State.ACCEPTED)
        assert peer.order("NG-S").contract.local_symbol == "GCZ5"
        desk.modify("NG-S", 2, stop=38900)
        await desk.reports(f.OrderModified, "NG-S")
        assert peer.order("NG-S").contract.local_symbol == "GCZ5"
        desk.cancel("NG-S")
        await desk.reaches("NG-S", State.CANCELLED)
        desk.submit(order("NG-C", Side.SELL, symbol="GC", role=Role.CLOSE))
        await desk.reaches("NG-C", State.FILLED)
        await desk.until(lambda: not elsewhere(desk))
        assert (peer.position("GCZ5"), peer.position("GCG6")) == (Decimal(0), Decimal(0))
        await desk.broker.standing()


@at_the_newest_version()
async def test_beside_a_position_in_another_month_nothing_is_opened_nor_more_closed_than_is_held(peer: Peer) -> None:
    await peer.hold("GCZ5", 2, 4000)
    async with trading(peer, ("GC",), options=FEBRUARY) as desk:
        desk.submit(order("NG-1", quantity=1, symbol="GC"), order("NG-2", Side.SELL, 1, symbol="GC", stop=39000, parent="NG-1"))
        desk.submit(order("NG-3", Side.SELL, 3, symbol="GC", role=Role.CLOSE))
        desk.submit(order("NG-4", Side.BUY, 1, symbol="GC", role=Role.STOP, stop=42000))
        for name in ("NG-1", "NG-2", "NG-3", "NG-4"):
            (refused,) = await desk.reports(f.OrderRejected, name)
            assert refused.reason.startswith("GC is held in GCZ5 and dealt in as GCG6: nothing is opened")
            assert refused.reason.endswith("nothing was sent")
        assert not peer.received("placeOrder")


@at_the_newest_version()
async def test_a_position_that_comes_in_another_month_meanwhile_is_known_before_the_venue_is_asked(peer: Peer) -> None:
    async with trading(peer, ("GC",), options=FEBRUARY) as desk:
        assert not elsewhere(desk)
        await peer.hold("GCZ5", 1, 4000)
        await desk.until(lambda: elsewhere(desk))
        desk.submit(order("NG-1", quantity=1, symbol="GC"))
        await desk.reaches("NG-1", State.REJECTED)
        desk.submit(order("NG-C", Side.SELL, 1, symbol="GC", role=Role.CLOSE))
        await desk.reaches("NG-C", State.FILLED)
        assert (peer.position("GCZ5"), peer.position("GCG6")) == (Decimal(0), Decimal(0))


@at_the_newest_version()
async def test_of_a_position_in_two_months_nothing_is_sent_at_all(peer: Peer) -> None:
    await peer.hold("GCZ5", 1, 4000)
    await peer.hold("GCG6", 1, 4020)
    async with trading(peer, ("GC",), options=FEBRUARY) as desk:
        desk.submit(order("NG-C", Side.SELL, 1, symbol="GC", role=Role.CLOSE))
        (refused,) = await desk.reports(f.OrderRejected, "NG-C")
        assert "GC is held in GCG6 and GCZ5: no order for it is sent until one of them is closed in TWS" in refused.reason
        assert not peer.received("placeOrder")


@at_the_newest_version()
async def test_what_is_held_is_closed_though_the_contract_that_is_named_does_not_exist(peer: Peer) -> None:
    await peer.hold("GCZ5", 1, 4000)
    async with trading(peer, ("GC",), options=IbOptions(months={"GC": "F27"}, heartbeat_s=60)) as desk:
        assert "which contract is dealt in is not known" in elsewhere(desk)
        desk.submit(order("NG-1", quantity=1, symbol="GC"))
        await desk.reaches("NG-1", State.REJECTED)
        desk.submit(order("NG-C", Side.SELL, 1, symbol="GC", role=Role.CLOSE))
        await desk.reaches("NG-C", State.FILLED)
        assert peer.position("GCZ5") == 0


@at_the_newest_version()
async def test_a_stop_that_was_left_behind_in_another_month_is_named_and_cancelled_and_never_moved(peer: Peer) -> None:
    stop = order("NG-S", Side.SELL, 1, symbol="GC", stop=39000, role=Role.STOP)
    async with trading(peer, ("GC",), options=IbOptions(months={"GC": "Z25"}, heartbeat_s=60)) as before:
        before.submit(stop)
        stop = await before.reaches("NG-S", State.ACCEPTED)
    await peer.hold("GCG6", 1, 4020)
    async with trading(peer, ("GC",), options=FEBRUARY) as desk:
        desk.desk.orders["NG-S"] = stop
        await desk.broker.standing([stop])
        assert elsewhere(desk) == "order NG-S for GC works in GCZ5, of which nothing is held; cancel it in TWS"
        desk.modify("NG-S", 1, stop=38900)
        (refused,) = await desk.reports(f.ModifyRejected, "NG-S")
        assert "works in GCZ5, of which nothing is held; cancel it in TWS; nothing was sent" in refused.reason
        desk.cancel("NG-S")
        await desk.reaches("NG-S", State.CANCELLED)
        assert not elsewhere(desk)
