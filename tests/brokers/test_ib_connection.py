"""Interactive Brokers is connected to, or one sentence says why not, and nothing is left behind."""

from __future__ import annotations

import asyncio

import pytest

from engine.brokers.ib.heartbeat import watch
from engine.brokers.ib.venue import IbVenue, is_live
from engine.ports.venue import VenueAddress
from tests.brokers.ib_adapter import address, alone, at_every_version, at_the_newest_version, connected, refusal, refused
from tests.peers.faults import Cut, Drop
from tests.peers.tws import Peer

IMPATIENT = {"timeout": 0.2}


@at_every_version()
async def test_a_connection_knows_its_server_and_accounts(peer: Peer) -> None:
    async with connected(peer) as venue:
        assert venue.accounts == ("DU1234567",)
        assert venue.link.version == peer.venue.version
        assert venue.is_ready
        assert not venue.is_live
    await alone(peer)


@at_every_version()
async def test_closing_twice_and_before_connecting_is_harmless(peer: Peer) -> None:
    venue = IbVenue(address(peer))
    await venue.close()
    async with connected(peer) as other:
        await other.close()
    assert "closed here" in await refusal(other.state())


@at_the_newest_version(accounts=("U7654321",))
async def test_fault_11_a_live_account_is_refused_where_paper_is_expected(peer: Peer) -> None:
    assert "U7654321" in await refused(peer)
    await alone(peer)
    async with connected(peer, is_live=True) as venue:
        assert venue.is_live


@at_the_newest_version()
async def test_a_paper_account_is_refused_where_a_live_one_is_expected(peer: Peer) -> None:
    assert "is a paper one" in await refused(peer, is_live=True)
    await alone(peer)


@at_the_newest_version(accounts=("DU1", "DU2"))
async def test_an_account_that_the_login_lacks_is_refused_with_those_it_has(peer: Peer) -> None:
    assert "account DU3 is not at" in await refused(peer, account="DU3")
    async with connected(peer, account="DU2") as venue:
        assert venue.accounts == ("DU2",)


@pytest.mark.parametrize(("name", "live"), [("DU1", False), ("DF1", False), ("U1", True), ("F1", True), ("DX1", True)])
def test_an_account_is_paper_by_its_name_only(name: str, live: bool) -> None:
    assert is_live(("DU9", name)) is live


@at_every_version()
async def test_fault_08_a_client_id_in_use_is_named_and_not_taken_over(peer: Peer) -> None:
    async with connected(peer, client_id=7) as holder:
        sentence = await refused(peer, client_id=7)
        assert sentence.startswith("client id 7 is in use")
        assert holder.link.is_open
    assert len(peer.venue.record.handshakes) == 2


@at_the_newest_version()
async def test_fault_01_where_nobody_listens_it_is_said_at_once(peer: Peer) -> None:
    await peer.refuse()
    assert f"nobody listens at 127.0.0.1:{peer.port}" in await refused(peer)


@at_the_newest_version()
async def test_a_handshake_that_is_never_answered_ends_in_time(peer: Peer) -> None:
    peer.faults.freeze()
    assert "did not complete the handshake within 0.2 s" in await refused(peer, **IMPATIENT)


@at_the_newest_version()
async def test_a_server_that_never_gets_ready_ends_in_time(peer: Peer) -> None:
    peer.faults.on("nextValidId", Drop())
    assert "did not complete the handshake within 0.2 s" in await refused(peer, **IMPATIENT)


@at_the_newest_version(server_version=156)
async def test_a_server_that_is_too_old_is_named_with_its_version(peer: Peer) -> None:
    assert "is too old (server version 156" in await refused(peer)


@at_the_newest_version()
async def test_a_server_that_hangs_up_during_the_handshake_is_no_mystery(peer: Peer) -> None:
    peer.faults.on("startApi", Cut())
    assert "closed the connection before it was ready; client id 1 may be in use" in await refused(peer)


@at_every_version()
async def test_fault_06_a_tws_without_its_broker_is_connected_to_and_not_ready(peer: Peer) -> None:
    peer.start_disconnected()
    async with connected(peer) as venue:
        assert venue.link.is_open
        assert not venue.is_ready
        assert "has no connection to Interactive Brokers (error 2110)" in await refusal(venue.state())
        await peer.restore_connectivity(1102)
        await venue.link.ask_alone("the time", venue.link.ib.reqCurrentTimeAsync)
        assert venue.is_ready
        assert (await venue.state()).accounts == ("DU1234567",)


@at_every_version()
async def test_a_broker_that_is_lost_later_is_not_asked(peer: Peer) -> None:
    async with connected(peer) as venue:
        await peer.lose_connectivity()
        await venue.link.ask_alone("the time", venue.link.ib.reqCurrentTimeAsync)
        assert "(error 1100)" in await refusal(venue.state())


@at_every_version()
async def test_fault_10_positions_that_are_not_told_at_start_up_are_an_error(peer: Peer) -> None:
    peer.faults.on("positionEnd", Drop())
    assert "positions request timed out" in await refused(peer, **IMPATIENT)
    await alone(peer)


@at_every_version()
async def test_a_dropped_socket_is_noticed_and_leaves_nothing(peer: Peer) -> None:
    async with connected(peer) as venue:
        await peer.drop()
        await asyncio.wait_for(venue.link.lost(), 60)
        assert not venue.is_ready
        assert "closed the connection" in await refusal(venue.state())


@at_every_version()
async def test_a_socket_that_drops_while_it_is_asked_is_an_error_at_once(peer: Peer) -> None:
    async with connected(peer, timeout=30.0) as venue:
        peer.faults.on("reqExecutions", Cut(acted=False))
        assert "closed the connection" in await refusal(venue.state())


@at_the_newest_version()
async def test_closing_ends_what_is_being_asked(peer: Peer) -> None:
    async with connected(peer, timeout=30.0) as venue:
        held = peer.faults.on("reqExecutions", Drop())
        asked = asyncio.ensure_future(venue.state())
        while not held.hits:
            await asyncio.sleep(0)
        await venue.close()
        assert "was closed here" in await refusal(asked)


@at_the_newest_version()
async def test_connecting_can_be_given_up_at_any_moment(peer: Peer) -> None:
    for kind in ("startApi", "reqPositions", "reqCurrentTime"):
        venue = IbVenue(address(peer, timeout=30.0))
        held = peer.faults.on(kind, Drop())
        attempt = asyncio.ensure_future(venue.connect())
        while not held.hits:
            await asyncio.sleep(0)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        assert not venue.link.is_open
        await venue.close()


@at_the_newest_version()
async def test_a_half_open_socket_is_closed_all_the_same(peer: Peer) -> None:
    async with connected(peer, **IMPATIENT) as venue:
        peer.faults.freeze()
        assert "did not tell" in await refusal(venue.state())
    assert not venue.link.is_open


@at_the_newest_version()
async def test_fault_02_a_socket_that_is_half_open_is_declared_dead(peer: Peer) -> None:
    async with connected(peer, **IMPATIENT) as venue:
        watching = asyncio.ensure_future(watch(venue.link, 0.01))
        while len(peer.received("reqCurrentTime")) < 3:
            await asyncio.sleep(0)
        assert not watching.done()
        peer.faults.freeze()
        assert "has stopped answering" in await watching
        assert "has stopped answering" in await refusal(venue.state())


@at_the_newest_version()
async def test_a_heartbeat_ends_with_its_connection(peer: Peer) -> None:
    async with connected(peer) as venue:
        watching = asyncio.ensure_future(watch(venue.link, 60))
        await peer.drop()
        assert "closed the connection" in await asyncio.wait_for(watching, 60)


@at_the_newest_version()
async def test_fault_07_a_moved_port_is_told_and_not_followed(peer: Peer) -> None:
    async with connected(peer) as venue:
        await peer.reset_port()
        await asyncio.wait_for(venue.link.lost(), 60)
        assert f"- {peer.port}); confirm the new port" in await refusal(venue.state())
    assert len(peer.venue.record.handshakes) == 1


def test_a_host_that_cannot_be_a_name_is_said() -> None:
    async def attempt() -> str:
        return await refusal(IbVenue(VenueAddress("ib", host="x" * 64, port=1, client_id=1)).connect())

    assert "x:1 cannot be reached" in asyncio.run(attempt())
