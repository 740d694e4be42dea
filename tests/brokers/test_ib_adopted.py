"""Orders that were found at TWS: they are cancelled and changed at once where TWS lets this session do it, and said where not."""

from __future__ import annotations

from typing import Any

from engine.brokers.ib.broker import IbOptions
from engine.domain import facts as f
from engine.domain.order import Role, State, terms
from tests.brokers.ib_adapter import at_every_version, at_the_newest_version
from tests.brokers.ib_trading import Trading, order, trading
from tests.peers.faults import Answer
from tests.peers.tws import Peer

AS_OWNER: dict[str, Any] = {"at": {"client_id": 0}, "options": IbOptions(binds_manual=True, heartbeat_s=60)}
"""A session with client id 0, which has what is typed into TWS bound to it."""


async def adopted(it: Trading) -> str:
    """Everything is asked for once, and the one order that is nobody's is put on record; its name."""
    (told,) = (await it.broker.standing()).open_orders
    name = f"EXT-{told.broker_order_id}"
    known = order(name, role=Role.EXTERNAL, limit=399_000)._replace(state=State.ACCEPTED, broker_id=told.broker_order_id)
    it.desk.orders[name] = known
    it.broker.apply(f.OrderAdopted(**terms(known), broker_id=told.broker_order_id, filled=0))
    return name


@at_every_version()
async def test_an_order_typed_into_tws_before_is_cancelled_at_once_by_client_0(peer: Peer) -> None:
    typed = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC")
    async with trading(peer, **AS_OWNER) as it:
        it.cancel(name := await adopted(it))
        await it.reaches(name, State.CANCELLED)
        assert typed.order_id < 0
        assert typed.status == "Cancelled"
        assert len(peer.received("reqAllOpenOrders")) == 1


@at_every_version()
async def test_an_order_typed_into_tws_meanwhile_is_changed_at_once_by_client_0(peer: Peer) -> None:
    async with trading(peer, **AS_OWNER) as it:
        typed = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC")
        it.modify(name := await adopted(it), 3, limit=398_500)
        (changed,) = await it.reports(f.OrderModified, name)
        assert (changed.quantity, changed.limit) == (3, 398_500)
        assert (typed.quantity, typed.limit, typed.status) == (3, 3985, "Submitted")
        it.cancel(name)
        await it.reaches(name, State.CANCELLED)
        assert len(peer.received("reqAllOpenOrders")) == 1


@at_the_newest_version()
async def test_an_order_of_another_program_under_our_client_id_is_cancelled_at_once(peer: Peer) -> None:
    other = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, client_id=1, order_id=7, tif="GTC")
    async with trading(peer, at={"client_id": 1}) as it:
        it.cancel(name := await adopted(it))
        await it.reaches(name, State.CANCELLED)
        assert other.status == "Cancelled"


async def refused(peer: Peer, ours: int, said: str, **owner: int) -> None:
    """That is said of a cancel and of a change of somebody's order, at once and without asking TWS."""
    standing = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC", **owner)
    async with trading(peer, at={"client_id": ours}) as it:
        it.cancel(name := await adopted(it))
        (kept,) = await it.reports(f.CancelRejected, name)
        it.modify(name, 3, limit=398_500)
        (unchanged,) = await it.reports(f.ModifyRejected, name)
        assert said in kept.reason
        assert said in unchanged.reason
        assert not peer.received("cancelOrder")
        assert standing.is_working


@at_the_newest_version()
async def test_what_was_typed_into_tws_is_for_client_0_alone(peer: Peer) -> None:
    await refused(peer, 1, "typed into TWS, and only a session with client id 0 can change it; do it in TWS")


@at_the_newest_version()
async def test_what_another_program_placed_is_for_that_alone(peer: Peer) -> None:
    await refused(peer, 1, "placed under client id 9, and only that one can change it; do it in TWS", client_id=9, order_id=4)


@at_the_newest_version()
async def test_client_0_has_no_power_over_what_another_program_placed(peer: Peer) -> None:
    await refused(peer, 0, "placed under client id 9, and only that one can change it; do it in TWS", client_id=9, order_id=4)


@at_the_newest_version()
async def test_client_0_that_binds_nothing_cannot_change_what_was_typed_into_tws(peer: Peer) -> None:
    await refused(peer, 0, "typed into TWS, which has given it no number here; do it in TWS")


@at_the_newest_version()
async def test_what_tws_says_against_a_cancel_of_an_order_typed_into_it_is_heard(peer: Peer) -> None:
    await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC")
    async with trading(peer, **AS_OWNER) as it:
        name = await adopted(it)
        peer.faults.on("cancelOrder", Answer(161, "Cancel attempted when order is not in a cancellable state"))
        it.cancel(name)
        (refused,) = await it.reports(f.CancelRejected, name)
        assert "not in a cancellable state" in refused.reason
        it.cancel(name)
        await it.reaches(name, State.CANCELLED)


@at_the_newest_version()
async def test_after_a_reconnect_it_is_called_by_what_tws_calls_it_then(peer: Peer) -> None:
    await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC")
    async with trading(peer, **AS_OWNER) as it:
        name = await adopted(it)
        await peer.drop()
        await it.until(lambda: it.desk.venue[-2:] == ["LOST", "CONNECTED"])
        it.cancel(name)
        await it.reaches(name, State.CANCELLED)
