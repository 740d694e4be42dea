"""Faults 1 to 8, 10 and 11, the link to TWS: nothing is opened while it is in doubt, and what happened meanwhile is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.brokers.ib.reconnect import FIRST_S
from engine.core.clock import SystemClock
from engine.core.errors import BrokerError, NotAdmitted
from engine.domain import facts as f
from engine.domain.intents import Intent, Reconnect, SubmitOrder
from engine.live import opening
from tests.brokers.ib_adapter import connected
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.live.rig import Ticker, on_paper
from tests.peers.faults import Drop
from tests.peers.tws import Peer

RESTING = {"type": "limit", "price": 399_000}
MARKET = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)


def denial(desk: Desk) -> str:
    """Why nothing may be opened now: an order is tried, and leaves nothing behind but its denial."""
    facts = desk.do(MARKET)
    (denied,) = [fact for fact in facts if isinstance(fact, f.OrderDenied)]
    assert not any(isinstance(fact, f.OrderIntended) for fact in facts)
    return denied.reason


def venue(desk: Desk) -> list[str]:
    """What was said of the venue so far, in its order."""
    return [fact.state for fact in desk.facts(f.VenueChanged)]


def refusals(desk: Desk, intent: Intent) -> list[str]:
    """What stands against the intent, which is carried out where nothing does."""
    return [fact.reason for fact in desk.do(intent) if isinstance(fact, f.IntentRefused)]


def fills(desk: Desk, order: str) -> list[str]:
    """The executions of an order that are on record."""
    return [fact.execution for fact in desk.facts(f.OrderFilled) if fact.order == order]


@contextmanager
def prices_from_elsewhere() -> Iterator[Ticker]:
    """Sessions that are opened meanwhile have another feed than TWS."""
    ticker = Ticker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "feed_at", lambda _address, _around: ticker)
        yield ticker


def attempts(peer: Peer) -> int:
    """How often the broker's own client id has asked to be let in; the feed has another, and any account will do for it."""
    return sum(it.fields[1] == "1" for it in peer.received("startApi"))


async def a_while() -> None:
    """Longer than the first pause before a link is made again, so that one that goes back by itself is seen to."""
    await asyncio.sleep(1.2 * FIRST_S)


async def book_with_a_resting_order(peer: Peer, folder: Path) -> str:
    """A book from before, and our id of the order that works in it."""
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
    return name


@played
async def test_fault_01_a_known_book_opens_offline_and_connects_by_itself_when_tws_is_there(peer: Peer, folder: Path) -> None:
    name = await book_with_a_resting_order(peer, folder)
    await peer.refuse()
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: desk.facts(f.VenueChanged)[-1].state == "LOST")
        assert f"nobody listens at 127.0.0.1:{peer.port}" in desk.facts(f.VenueChanged)[-1].reason
        await desk.until(lambda: "nobody listens" in desk.session.feed.trouble)
        assert "nobody listens" in desk.session.pipeline.broken[GOLD]
        assert "out of reach" in denial(desk)
        assert desk.state(name) == "ACCEPTED"
        await peer.listen()
        await desk.ready()
        assert venue(desk)[-1] == "CONNECTED"
        entry = desk.buy()
        await desk.until(lambda: desk.state(entry) == "FILLED")


@played
async def test_fault_01_paper_trades_while_tws_refuses(peer: Peer, folder: Path) -> None:
    await book_with_a_resting_order(peer, folder)
    await peer.refuse()
    (folder / "paper").mkdir()
    with prices_from_elsewhere():
        async with at_tws(peer, folder) as desk:
            with pytest.MonkeyPatch.context() as patch:
                async with on_paper(folder / "paper", patch) as paper:
                    await paper.ready()
                    await paper.open_long()
                    assert paper.session.pipeline.ledger.position(GOLD) == 2
                    (refused,) = [fact for fact in paper.do(Reconnect()) if isinstance(fact, f.IntentRefused)]
                    assert "comes back by itself" in refused.reason
            assert not desk.session.broker.is_ready
            assert desk.position == 0


@played
async def test_fault_01_a_new_book_is_not_opened_at_a_venue_that_refuses(peer: Peer, folder: Path) -> None:
    await peer.refuse()
    with prices_from_elsewhere(), pytest.raises(BrokerError, match="nobody listens at"):
        async with at_tws(peer, folder):
            pass
    await peer.listen()
    async with at_tws(peer, folder) as desk:
        await desk.ready()


@played
async def test_fault_02_a_half_open_socket_is_declared_dead_by_our_own_heartbeat(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, heartbeat=0.2, venue={"timeout": 1.0}) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        peer.faults.freeze(new=False)
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        assert "has stopped answering" in desk.facts(f.VenueChanged)[-1].reason
        assert "out of reach" in denial(desk)
        peer.faults.thaw()
        await desk.ready()
        assert desk.state(name) == "ACCEPTED"
        assert len(peer.orders) == 2


@played
async def test_fault_02_an_order_sent_into_a_half_open_socket_is_unknown_and_found_when_it_arrived(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder, heartbeat=0.2, venue={"timeout": 1.0}) as desk:
        await desk.ready()
        peer.faults.freeze(new=False)
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "UNKNOWN")
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        assert not peer.orders
        peer.faults.thaw()
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        await desk.ready()
        assert [order.ref for order in peer.orders] == desk.wire.seen == [name, f"{name}-stop"]


@played
async def test_fault_03_nothing_is_opened_in_an_outage_and_the_fill_missed_in_it_is_booked_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        await peer.lose_connectivity(lost=True)
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        assert "(error 1100)" in desk.facts(f.VenueChanged)[-1].reason
        assert "out of reach" in denial(desk)
        filled = await peer.fill(peer.order(name), 2, "3990")
        assert desk.position == 0
        await peer.restore_connectivity(1102)
        await desk.until(lambda: desk.state(name) == "FILLED")
        await desk.ready()
        await peer.repeat(filled)
        await desk.session.keeper.reconcile()
        assert fills(desk, name) == [filled.exec_id]
        assert desk.position == 2
        assert len(peer.sent("openOrder")) >= 2
        assert len(peer.received("reqMktData")) == 1


@played
async def test_fault_03_an_order_that_met_the_outage_is_unknown_and_found_after_it(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.venue.outage = True
        name = desk.buy(**RESTING)
        await desk.until(lambda: peer.received("placeOrder"))
        await peer.lose_connectivity()
        await desk.until(lambda: desk.state(name) == "UNKNOWN")
        assert "out of reach" in denial(desk)
        assert not peer.orders
        await peer.restore_connectivity(1102)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        await desk.ready()
        assert [order.ref for order in peer.orders] == desk.wire.seen == [name, f"{name}-stop"]


@played
async def test_fault_04_after_data_was_lost_each_subscription_is_renewed_once(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        asked = len(peer.received("reqMktData"))
        await peer.lose_connectivity(lost=True)
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        assert "out of reach" in denial(desk)
        filled = await peer.fill(peer.order(name), 2, "3990")
        await peer.restore_connectivity(1101)
        await peer.error(1101)
        await desk.until(lambda: desk.state(name) == "FILLED")
        await desk.until(lambda: len(peer.received("reqMktData")) > asked, "that quotes are asked for again")
        before = desk.session.quotes
        await peer.quote(GOLD, "4001.00", "4001.30")
        await desk.until(lambda: desk.session.quotes > before, "that quotes come again")
        await desk.ready()
        assert len(peer.received("reqMktData")) == asked + 1
        assert fills(desk, name) == [filled.exec_id]
        assert desk.position == 2


@played
async def test_fault_05_a_fill_that_arrives_in_an_outage_is_booked_in_it(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        await peer.lose_connectivity()
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        filled = await peer.fill(peer.order(name), 2, "3990")
        await desk.until(lambda: desk.state(name) == "FILLED")
        assert not desk.session.broker.is_ready
        assert desk.position == 2
        assert "out of reach" in denial(desk)
        await peer.restore_connectivity()
        await desk.ready()
        assert fills(desk, name) == [filled.exec_id]


@played
async def test_fault_06_a_tws_that_says_2110_at_connect_is_not_ready(peer: Peer, folder: Path) -> None:
    await book_with_a_resting_order(peer, folder)
    peer.start_disconnected()
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: "LOST" in venue(desk)[1:])
        assert "(error 2110)" in desk.facts(f.VenueChanged)[-1].reason
        assert not desk.session.broker.is_ready
        assert "out of reach" in denial(desk)
        sent = len(peer.received("placeOrder"))
        await peer.restore_connectivity()
        await desk.ready()
        assert len(peer.received("placeOrder")) == sent
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED")


@played
async def test_fault_06_a_tws_that_says_2110_at_connect_opens_no_new_book(peer: Peer, folder: Path) -> None:
    peer.start_disconnected()
    with pytest.raises(BrokerError, match=r"\(error 2110\)"):
        async with at_tws(peer, folder):
            pass


@played
async def test_fault_07_a_moved_port_is_followed_only_when_the_owner_says_so(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy(**RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        shaken = len(peer.venue.record.handshakes)
        await peer.reset_port()
        await desk.until(lambda: venue(desk)[-1] == "LOST")
        reason = desk.facts(f.VenueChanged)[-1].reason
        assert f"- {peer.port}); confirm the new port" in reason
        assert "nothing is tried until you say so" in reason
        assert "out of reach" in denial(desk)
        await a_while()
        assert len(peer.venue.record.handshakes) == shaken
        assert refusals(desk, Reconnect(70_000)) == ["70000 is no port; give one from 1 to 65535, or none"]
        assert not refusals(desk, Reconnect())
        await desk.ready()
        assert desk.state(name) == "ACCEPTED"
        entry = desk.buy()
        await desk.until(lambda: desk.state(entry) == "FILLED")


@played
async def test_fault_08_a_client_id_in_use_is_named_and_its_holder_keeps_it(peer: Peer, folder: Path) -> None:
    async with connected(peer, client_id=1) as holder:
        with pytest.raises(NotAdmitted, match="client id 1 is in use"):
            async with at_tws(peer, folder):
                pass
        assert holder.link.is_open
        assert peer.clients == [1]
    assert not peer.received("placeOrder")


@played
async def test_fault_08_a_client_id_that_was_taken_meanwhile_waits_for_the_owners_word(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        peer.reserve(1)
        await peer.drop(1)
        await desk.until(lambda: "client id 1 is in use" in desk.facts(f.VenueChanged)[-1].reason)
        assert "nothing is tried until you say so" in desk.facts(f.VenueChanged)[-1].reason
        assert "out of reach" in denial(desk)
        peer.venue.reserved.clear()
        shaken = attempts(peer)
        await a_while()
        assert attempts(peer) == shaken
        assert not refusals(desk, Reconnect())
        await desk.ready()


@played
async def test_fault_10_positions_that_are_not_told_at_start_up_leave_trading_off(peer: Peer, folder: Path) -> None:
    name = await book_with_a_resting_order(peer, folder)
    sent = len(peer.received("placeOrder"))
    silent = peer.faults.on("reqPositions", Drop(), times=None, where=lambda it: it.client_id == 1)
    async with at_tws(peer, folder, venue={"timeout": 0.4}) as desk:
        assert silent.hits
        assert not desk.session.broker.is_ready
        assert "out of reach" in denial(desk)
        assert len(peer.received("placeOrder")) == sent
        silent.lift()
        await desk.ready()
        assert desk.state(name) == "ACCEPTED"


@played
async def test_fault_10_executions_that_are_not_told_at_start_up_leave_trading_off(peer: Peer, folder: Path) -> None:
    await book_with_a_resting_order(peer, folder)
    sent = len(peer.received("placeOrder"))
    silent = peer.faults.on("reqExecutions", Drop(), times=None)
    async with at_tws(peer, folder, venue={"timeout": 0.4}) as desk:
        assert not desk.session.keeper.found.is_clean
        assert denial(desk)
        hits = silent.hits
        await desk.until(lambda: silent.hits > hits, "that it is asked again")
        assert denial(desk)
        assert len(peer.received("placeOrder")) == sent
        silent.lift()
        await desk.ready()


@played
async def test_fault_10_no_book_is_opened_on_a_snapshot_that_is_not_whole(peer: Peer, folder: Path) -> None:
    peer.faults.on("reqExecutions", Drop(), times=None)
    with pytest.raises(BrokerError, match="executions"):
        async with at_tws(peer, folder, venue={"timeout": 0.4}):
            pass
    assert not peer.received("placeOrder")


def with_money(port: int = 0) -> Peer:
    """A TWS that is logged in to a live account."""
    return Peer(accounts=("U7654321",), clock=SystemClock(), always_open=True, port=port)


@played
async def test_fault_11_a_live_account_on_the_paper_profile_is_refused(peer: Peer, folder: Path) -> None:
    await book_with_a_resting_order(peer, folder)
    async with with_money() as other:
        for books in (folder, folder / "new"):
            books.mkdir(exist_ok=True)
            with pytest.raises(NotAdmitted, match="account U7654321"):
                async with at_tws(other, books):
                    pass
        assert not other.received("placeOrder")


@played
async def test_fault_11_a_login_that_became_live_meanwhile_is_not_traded_at(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await peer.shut_down()
        async with with_money(peer.port) as other:
            await desk.until(lambda: "account U7654321" in desk.facts(f.VenueChanged)[-1].reason)
            assert "nothing is tried until you say so" in desk.facts(f.VenueChanged)[-1].reason
            shaken = attempts(other)
            said = len(desk.facts(f.VenueChanged))
            await a_while()
            assert attempts(other) == shaken
            assert not refusals(desk, Reconnect())
            await desk.until(lambda: len(desk.facts(f.VenueChanged)) > said, "that it is looked at once more")
            assert venue(desk)[said:] == ["LOST"]
            assert "out of reach" in denial(desk)
            assert not other.received("placeOrder")
