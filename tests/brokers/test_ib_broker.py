"""The connection of the Interactive Brokers broker: it comes back by itself, except where its owner has to decide."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.ib.broker import IbOptions
from engine.brokers.ib.resets import expected_at
from engine.core.clock import from_iso
from engine.core.errors import NotAdmitted
from engine.domain import facts as f
from engine.domain.order import Role, Side, State
from tests.brokers.ib_adapter import alone, at_every_version, at_the_newest_version, refusal
from tests.brokers.ib_trading import Trading, order, trading, unconnected
from tests.peers.faults import Cut, Drop, Mute
from tests.peers.tws import Peer

RESTING: dict[str, Any] = {"limit": 399000}


async def back(it: Trading) -> None:
    """Returns when the connection was lost and is there again."""
    await it.until(lambda: it.desk.venue[-2:] == ["LOST", "CONNECTED"])


@at_every_version()
async def test_a_connection_is_reported_and_closing_leaves_orders_as_they_are(peer: Peer) -> None:
    async with trading(peer) as it:
        (up,) = it.desk.of(f.VenueChanged)
        assert (up.venue, up.state, up.is_live) == ("ib", "CONNECTED", False)
        assert f"server version {peer.venue.version}" in up.server
        assert it.broker.is_ready
        it.submit(order("o", **RESTING))
        await it.reaches("o", State.ACCEPTED)
        await it.broker.close()
        await it.broker.close()
        await alone(peer)
        assert peer.order("o").is_working
        assert it.desk.venue == ["CONNECTED"]
        it.submit(order("late"))
        await it.reaches("late", State.REJECTED)


@at_the_newest_version()
async def test_fault_01_who_is_refused_at_connect_goes_on_trying_with_growing_waits(peer: Peer) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 9:
            await peer.listen()
        await asyncio.sleep(0)

    await peer.refuse()
    it = unconnected(peer, sleep=note)
    try:
        assert "nobody listens" in await refusal(it.broker.connect())
        await it.until(lambda: it.broker.is_ready)
        assert it.desk.venue == ["LOST", "CONNECTED"]
        assert all(short <= wait <= long for wait, short, long in zip(waits, SHORTEST, LONGEST, strict=True))
    finally:
        await it.broker.close()


SHORTEST = [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
LONGEST = [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@at_the_newest_version()
async def test_fault_02_a_connection_that_died_without_a_word_is_made_again(peer: Peer) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            peer.faults.thaw()
            await alone(peer)

    async with trading(peer, at={"timeout": 0.2}, options=IbOptions(heartbeat_s=0.05), sleep=note) as it:
        peer.faults.freeze(new=False)
        await back(it)
        said = [each.reason for each in it.desk.of(f.VenueChanged)]
        assert "has stopped answering" in said[1]
        assert "it may be the connection that was given up here" in said[2]
        assert len(said) == 4


@at_every_version()
async def test_fault_06_a_tws_without_its_broker_is_connected_to_and_not_ready(peer: Peer) -> None:
    peer.start_disconnected()
    async with trading(peer) as it:
        assert it.desk.venue == ["LOST"]
        assert not it.broker.is_ready
        it.submit(order("early"))
        await it.reaches("early", State.REJECTED)
        assert "(error 2110)" in it.desk.orders["early"].reason
        await peer.restore_connectivity(1102)
        await it.until(lambda: it.desk.venue == ["LOST", "CONNECTED"])
        it.submit(order("then", **RESTING))
        await it.reaches("then", State.ACCEPTED)


@at_the_newest_version()
async def test_fault_07_a_moved_port_is_followed_only_when_its_owner_says_so(peer: Peer) -> None:
    async with trading(peer) as it:
        await peer.reset_port()
        await it.until(lambda: it.desk.venue == ["CONNECTED", "LOST"])
        said = it.desk.of(f.VenueChanged)[-1].reason
        assert f"- {peer.port}); confirm the new port" in said
        assert "nothing is tried until you say so" in said
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert len(peer.venue.record.handshakes) == 1
        it.broker.resume(peer.port)
        await back(it)


@at_every_version()
async def test_fault_08_a_client_id_in_use_is_named_and_not_tried_again(peer: Peer) -> None:
    peer.reserve(1)
    it = unconnected(peer)
    with pytest.raises(NotAdmitted, match="client id 1 is in use"):
        await it.broker.connect()
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert len(peer.venue.record.handshakes) == 1
    await it.broker.close()


@at_the_newest_version()
async def test_fault_08_a_client_id_that_was_taken_meanwhile_waits_for_its_owners_word(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.reserve(1)
        await peer.drop()
        await it.until(lambda: "client id 1 is in use" in it.desk.of(f.VenueChanged)[-1].reason)
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert len(peer.venue.record.handshakes) == 2
        peer.venue.reserved.clear()
        it.broker.resume()
        await back(it)


@at_every_version()
async def test_fault_09_numbers_that_come_again_are_never_mixed_up(peer: Peer) -> None:
    async with trading(peer) as it:
        peer.faults.on("placeOrder", Cut(acted=True))
        it.submit(order("old", **RESTING))
        await it.reports(f.OrderUnknown)
        await peer.restart(lower_ids=True)
        await it.until(lambda: it.desk.venue[-1] == "CONNECTED")
        it.submit(order("new", limit=398000))
        await it.reaches("new", State.ACCEPTED)
        assert peer.order("new").order_id > peer.order("old").order_id
    other = Trading(peer, *_fresh(peer))
    try:
        peer.venue.broker.highest.clear()
        peer.venue.broker.ids.clear()
        await other.broker.connect()
        other.submit(order("third", limit=397000))
        await other.reaches("third", State.ACCEPTED)
        other.desk.sent(order("old", **RESTING))
        assert peer.order("third").order_id == peer.order("old").order_id
        await other.broker.standing([other.desk.orders["old"]])
        await peer.fill(peer.order("old"), 2, "3990")
        await other.reaches("old", State.FILLED)
        assert other.desk.told("third") == ["OrderAccepted"]
    finally:
        await other.broker.close()


def _fresh(peer: Peer) -> tuple[Any, Any]:
    made = unconnected(peer)
    return made.broker, made.desk


@at_every_version()
async def test_fault_10_a_start_up_that_is_not_told_whole_leaves_trading_off(peer: Peer) -> None:
    peer.faults.on("positionEnd", Drop(), times=None)
    it = unconnected(peer, at={"timeout": 0.1})
    assert "positions request timed out" in await refusal(it.broker.connect())
    assert not it.broker.is_ready
    it.submit(order("o"))
    await it.reaches("o", State.REJECTED)
    await it.broker.close()
    assert not peer.received("placeOrder")


@at_the_newest_version(accounts=("U7654321",))
async def test_fault_11_a_live_account_on_the_paper_profile_is_refused_for_good(peer: Peer) -> None:
    it = unconnected(peer)
    with pytest.raises(NotAdmitted, match="U7654321"):
        await it.broker.connect()
    await alone(peer)
    assert len(peer.venue.record.handshakes) == 1
    async with trading(peer, at={"is_live": True}) as live:
        assert live.broker.is_live


@at_the_newest_version(accounts=("DU1", "DU2"))
async def test_orders_need_to_know_whose_they_are(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("o"))
        await it.reaches("o", State.REJECTED)
        assert "DU1, DU2; say which one" in it.desk.orders["o"].reason
    async with trading(peer, at={"account": "DU2"}) as it:
        it.submit(order("o", **RESTING))
        await it.reaches("o", State.ACCEPTED)
        assert peer.order("o").account == "DU2"


@at_every_version()
async def test_what_was_asked_when_the_link_died_is_looked_up_when_it_is_back(peer: Peer) -> None:
    async with trading(peer) as it:
        for name in ("changed", "unchanged", "cancelled", "kept"):
            it.submit(order(name, **RESTING))
            await it.reaches(name, State.ACCEPTED)
        peer.faults.on("placeOrder", Mute())
        it.modify("changed", 3, limit=399100)
        peer.faults.on("placeOrder", Drop())
        it.modify("unchanged", 3, limit=399100)
        peer.faults.on("cancelOrder", Mute())
        it.cancel("cancelled")
        held = peer.faults.on("cancelOrder", Drop())
        it.cancel("kept")
        await it.until(lambda: held.hits)
        await peer.drop()
        await back(it)
        await it.reports(f.OrderModified, "changed")
        await it.reports(f.ModifyRejected, "unchanged")
        await it.reaches("cancelled", State.CANCELLED)
        await it.reports(f.CancelRejected, "kept")
        it.cancel("kept")
        await it.reaches("kept", State.CANCELLED)


@at_every_version()
async def test_orders_of_a_session_that_died_are_found_and_dealt_with(peer: Peer) -> None:
    async with trading(peer) as dead:
        legs = [order("e-stop", Side.SELL, stop=398000, role=Role.STOP, parent="e", oco="e-oco")]
        dead.submit(order("e", **RESTING), *legs)
        await dead.reports(f.OrderAccepted, count=2)
        known = dict(dead.desk.orders)
    async with trading(peer) as it:
        it.desk.orders = known
        it.cancel("e")
        await it.reports(f.CancelRejected)
        assert len((await it.broker.standing(list(known.values()))).open_orders) == 2
        it.modify("e-stop", 2, stop=398500)
        await it.reports(f.OrderModified, "e-stop")
        stop = peer.order("e-stop")
        assert (stop.parent_id, stop.oca_group, stop.ref) == (peer.order("e").order_id, "e-oco", "e-stop")
        await peer.quote("XAUUSD", "3989.7", "3990")
        await it.reaches("e", State.FILLED)
        it.cancel("e-stop")
        await it.reaches("e-stop", State.CANCELLED)
        assert "OrderAccepted" not in it.desk.told("e")


@at_the_newest_version()
async def test_an_order_placed_under_another_client_id_cannot_be_changed_from_here(peer: Peer) -> None:
    typed = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, client_id=9, order_id=4, tif="GTC")
    async with trading(peer) as it:
        adopted = order("x", **RESTING)._replace(state=State.ACCEPTED, broker_id=str(typed.perm_id))
        it.desk.orders["x"] = adopted
        await it.broker.standing([adopted])
        it.cancel("x")
        (refused,) = await it.reports(f.CancelRejected)
        assert "client id 9" in refused.reason
        await peer.fill(typed)
        (ended,) = (await it.broker.standing([adopted])).ended_orders
        assert (ended.broker_order_id, ended.status, ended.filled) == (str(typed.perm_id), "filled", 2)


@at_every_version()
async def test_orders_typed_into_tws_are_bound_by_client_0_only_when_asked(peer: Peer) -> None:
    typed = await peer.place("XAUUSD", "BUY", 2, "LMT", limit=3990, tif="GTC")
    async with trading(peer, at={"client_id": 0}) as it:
        await it.broker.standing()
        assert not peer.received("reqAutoOpenOrders")
        assert not peer.received("reqOpenOrders")
        assert typed.order_id == 0
    async with trading(peer, at={"client_id": 0}, options=IbOptions(binds_manual=True)) as it:
        assert len(peer.received("reqAutoOpenOrders")) == 1


@at_the_newest_version()
async def test_a_fill_while_everything_is_asked_for_makes_it_asked_again(peer: Peer) -> None:
    async with trading(peer) as it:
        it.submit(order("o", **RESTING))
        await it.reaches("o", State.ACCEPTED)
        held = peer.faults.on("reqExecutions", Drop())
        asked = asyncio.ensure_future(it.broker.standing())
        await it.until(lambda: held.hits)
        await peer.fill(peer.order("o"))
        session = peer.venue.sessions[0]
        session._answer(peer.received("reqExecutions")[-1])
        state = await asked
        assert [(each.symbol, each.quantity) for each in state.positions] == [("XAUUSD", 2)]
        assert len(peer.received("reqAllOpenOrders")) == 2


@at_the_newest_version()
async def test_quantities_of_the_venue_become_lot_steps(peer: Peer) -> None:
    async def steps(text: str) -> int:
        return it.broker.steps("XAUUSD", Decimal(text))

    async with trading(peer) as it:
        assert await steps("-3") == -3
        assert "no multiple of 1.00" in await refusal(steps("2.5"))


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2025-11-20T15:00:00", ""),
        ("2025-11-20T05:10:00", ""),
        ("2025-11-20T05:20:00", "North America"),
        ("2025-07-10T04:20:00", "North America"),
        ("2025-12-10T05:30:00", "North America"),
        ("2025-11-20T06:44:00", "North America"),
        ("2025-11-20T06:46:00", ""),
        ("2025-03-13T06:00:00", "Europe"),
        ("2025-11-22T04:30:00", "Friday 23:00"),
        ("2025-11-23T12:00:00", "log in"),
    ],
)
def test_when_interactive_brokers_is_away_as_always_it_is_said(at: str, words: str) -> None:
    clause = expected_at(from_iso(at))
    assert words in clause
    assert bool(clause) is bool(words)
