"""Fault 56: a program that is killed at any moment. The next one goes on with its book, and I1-I5 hold at the venue's end."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from engine.domain import facts as f
from engine.domain.intents import CancelOrder
from engine.profile import VenueSection
from tests.catalogue.crash_child import KILLED, Life, start, warm_up
from tests.catalogue.invariants import Wire, intended, violations
from tests.catalogue.rig import ASK, BID, GOLD, PAXG, at_exchange, at_tws, exchanged, played
from tests.peers.exchange import Exchange
from tests.peers.exchange.record import Request as Asked
from tests.peers.faults import Drop, Mute
from tests.peers.tws import Peer
from tests.peers.tws.record import Received

pytestmark = [
    pytest.mark.xdist_group("crash"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="programs are forked from a server, which Windows cannot"),
]

PATIENCE_S = 90.0


@pytest.fixture(scope="module", autouse=True)
def forks() -> None:
    """What all programs import is imported before the first one is timed."""
    warm_up()


@asynccontextmanager
async def watched_tws(peer: Peer, folder: Path) -> AsyncIterator[Wire]:
    """What every program that lives meanwhile sends; no order may come twice, nor before its intent is on the disk."""
    wire, db = Wire(), _db(folder)
    await peer.quote(GOLD, BID, ASK)

    def saw(received: Received) -> bool:
        order = received.order
        assert order is not None
        if (key := (received.client_id, order.order_id, order.ref)) not in wire.numbers:
            wire.numbers.add(key)
            wire.saw(order.ref, db)
        return False

    peer.faults.on("placeOrder", Drop(), times=None, where=saw)
    yield wire
    assert violations(db, wire, {GOLD: int(peer.position(GOLD))}) == []


@asynccontextmanager
async def watched_exchange(exchange: Exchange, folder: Path) -> AsyncIterator[Wire]:
    """As `watched_tws`; the position is compared by the rig."""
    wire, db = Wire(), _db(folder)

    def saw(request: Asked) -> bool:
        wire.saw(request.parameters["newClientOrderId"], db)
        return False

    exchange.faults.on("POST order", Drop(), times=None, where=saw)
    yield wire
    assert wire.unwritten == []
    assert set(Counter(wire.seen).values()) <= {1}


@asynccontextmanager
async def living(life: Life) -> AsyncIterator[BaseProcess]:
    """The program; it is dead when the block ends, and by nothing but SIGKILL."""
    process = start(life)
    try:
        yield process
        async with asyncio.timeout(PATIENCE_S):
            while process.is_alive():
                await asyncio.sleep(0.01)
        assert process.exitcode == KILLED
    finally:
        process.kill()
        process.join()
        process.close()


def life_at_tws(peer: Peer, folder: Path, moment: str, *acts: str) -> Life:
    venue = VenueSection(host=peer.host, port=peer.port, client_id=1, timeout=2.0)
    return Life(folder, "ib", venue, "XAUUSD@ib", acts, moment)


def life_at_exchange(exchange: Exchange, folder: Path, moment: str, *acts: str) -> Life:
    venue = VenueSection(url=exchange.rest_url, ws_url=exchange.socket_url, timeout=2.0)
    return Life(folder, "binance", venue, PAXG, acts, moment)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


async def died(life: Life) -> None:
    async with living(life):
        pass


def _db(folder: Path) -> str:
    return f"sqlite:///{(folder / 'books.db').as_posix()}"


@played
async def test_fault_56_killed_before_the_intent_is_committed_nothing_was_sent_and_nothing_is_known(
    peer: Peer, folder: Path
) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "before the intent's commit", "buy"))
        assert wire.seen == []
        assert intended(_db(folder)) == set()
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            assert not desk.session.pipeline.register.orders


@played
async def test_fault_56_killed_after_the_intent_is_committed_the_order_is_looked_for_and_found_nowhere(
    peer: Peer, folder: Path
) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "after the intent's commit", "buy"))
        assert wire.seen == []
        (entry, *_) = sorted(intended(_db(folder)))
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry) == "REJECTED")
            assert [fact.order for fact in desk.facts(f.OrderUnknown)][:1] == [entry]
            await desk.ready()
        assert wire.seen == []


@played
async def test_fault_56_killed_after_the_send_the_order_is_found_and_its_fill_is_booked(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        peer.faults.on("placeOrder", Mute(), times=None)
        async with living(life_at_tws(peer, folder, "never", "buy")) as process:
            await until(lambda: peer.position(GOLD) == 2)
            process.kill()
        peer.faults.rules[1].lift()
        entry = wire.seen[0]
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry) == "FILLED")
            assert entry in {fact.order for fact in desk.facts(f.OrderUnknown)}
            await desk.ready()
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2


@played
async def test_fault_56_killed_after_the_ack_before_its_commit_the_order_works_on_and_is_the_only_one(
    peer: Peer, folder: Path
) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "before the ack's commit", "send a bid"))
        entry, stop = wire.seen
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry) == desk.state(stop) == "ACCEPTED")
            assert entry in {fact.order for fact in desk.facts(f.OrderUnknown)}
            await desk.ready()
            assert [order.ref for order in peer.orders] == [entry, stop]


@played
async def test_fault_56_killed_between_two_partial_fills_both_are_booked_once(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        async with living(life_at_tws(peer, folder, "after a partial fill", "send a bid")):
            await until(lambda: len(peer.orders) == 2)
            entry = peer.order(wire.seen[0])
            await peer.fill(entry, 1)
        await peer.fill(entry, 1)
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry.ref) == "FILLED")
            assert [fact.quantity for fact in desk.facts(f.OrderFilled)] == [1, 1]
            await desk.ready()
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2


@played
async def test_fault_56_killed_after_a_fill_before_its_commit_it_is_asked_for_and_booked_once(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "before the fill's commit", "buy"))
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(wire.seen[0]) == "FILLED")
            assert [fact.execution for fact in desk.facts(f.OrderFilled)] == [it.exec_id for it in peer.executions]
            await desk.ready()
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2


@played
async def test_fault_56_killed_while_a_cancel_is_pending_the_cancel_counts_when_it_is_confirmed(peer: Peer, folder: Path) -> None:
    peer.slow_cancels()
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "while a cancel is pending", "bid", "cancel"))
        entry = peer.order(wire.seen[0])
        await until(lambda: entry.status == "PendingCancel")
        async with at_tws(peer, folder) as desk:
            assert desk.order(entry.ref).is_live
            await peer.confirm_cancel(entry)
            await desk.until(lambda: desk.state(entry.ref) == "CANCELLED")
            await desk.ready()


@played
async def test_fault_56_killed_while_a_cancel_is_pending_a_fill_that_was_faster_is_booked(peer: Peer, folder: Path) -> None:
    peer.slow_cancels()
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "while a cancel is pending", "bid", "cancel"))
        entry = peer.order(wire.seen[0])
        await peer.fill(entry)
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry.ref) == "FILLED")
            await desk.ready()
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2


@played
async def test_fault_56_killed_while_a_cancel_is_pending_one_that_never_arrived_is_said_not_to_have_worked(
    peer: Peer, folder: Path
) -> None:
    lost = peer.faults.on("cancelOrder", Drop())
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "while a cancel is pending", "bid", "cancel"))
        assert lost.hits == 1
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.facts(f.CancelRejected))
            assert desk.state(wire.seen[0]) == "ACCEPTED"
            desk.do(CancelOrder(wire.seen[0]))
            await desk.until(lambda: desk.state(wire.seen[0]) == "CANCELLED")
            await desk.ready()


@played
async def test_fault_56_killed_in_the_middle_of_reconciling_the_next_one_settles_the_rest(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "before the fill's commit", "buy"))
        await died(life_at_tws(peer, folder, "in reconciling"))
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(wire.seen[0]) == "FILLED")
            await desk.ready()
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2
            assert len(desk.facts(f.OrderFilled)) == 1


@played
async def test_fault_56_killed_between_the_kill_switchs_cancels_the_rest_is_there_and_known(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "in the kill switch", "hold", "bid", "bid", "kill switch"))
        held, first, second = (name for name in wire.seen if not name.endswith("-stop"))
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            assert [desk.state(name) for name in (held, second)] == ["FILLED", "ACCEPTED"]
            assert desk.order(first).is_live == (peer.order(first).status != "Cancelled")  # what is sent last may be lost
            assert desk.position == desk.session.pipeline.protection.at_venue(GOLD) == 2


@played
async def test_fault_56_killed_in_the_kill_switch_after_its_commit_it_is_halted_for_good(peer: Peer, folder: Path) -> None:
    peer.slow_cancels()
    async with watched_tws(peer, folder):
        await died(life_at_tws(peer, folder, "after the kill switch's commit", "hold", "bid", "bid", "kill switch"))
        for order in [it for it in peer.orders if it.status == "PendingCancel"]:
            await peer.confirm_cancel(order)
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            assert desk.session.pipeline.guard.state == "HALTED"
            states = sorted(it.state.value for it in desk.session.pipeline.register.orders.values() if it.role.value == "entry")
            assert states == ["CANCELLED", "CANCELLED", "FILLED"]


@played
async def test_fault_56_killed_after_leg_1_of_a_bracket_that_never_worked_it_is_rejected(peer: Peer, folder: Path) -> None:
    """TWS keeps an entry back until the last leg of its bracket has come."""
    async with watched_tws(peer, folder) as wire:
        await died(life_at_tws(peer, folder, "after leg 1", "buy"))
        (entry,) = wire.seen
        assert peer.order(entry).status == "PendingSubmit"
        async with at_tws(peer, folder) as desk:
            await desk.until(lambda: desk.state(entry) == "REJECTED")
            await desk.ready()
            assert not list(desk.session.pipeline.register.all_live())
        assert wire.seen == [entry]


@exchanged
async def test_fault_56_killed_after_the_send_the_order_is_found_at_an_exchange(exchange: Exchange, folder: Path) -> None:
    async with watched_exchange(exchange, folder) as wire:
        muted = exchange.faults.on("POST order", Mute(), times=None)
        async with living(life_at_exchange(exchange, folder, "never", "buy")) as process:
            await until(lambda: exchange.wallet.total("PAXG") > 10)
            process.kill()
        muted.lift()
        entry = wire.seen[0]
        async with at_exchange(exchange, folder) as desk:
            await desk.until(lambda: desk.state(entry) == "FILLED")
            await desk.ready()
            await desk.until(lambda: desk.session.pipeline.protection.at_venue(PAXG) >= 999)


@exchanged
async def test_fault_56_killed_after_a_fill_before_its_commit_at_an_exchange(exchange: Exchange, folder: Path) -> None:
    async with watched_exchange(exchange, folder) as wire:
        await died(life_at_exchange(exchange, folder, "before the fill's commit", "buy"))
        async with at_exchange(exchange, folder) as desk:
            await desk.until(lambda: desk.state(wire.seen[0]) == "FILLED")
            await desk.ready()
            await desk.until(lambda: desk.session.pipeline.protection.at_venue(PAXG) >= 999)
            assert len(desk.facts(f.OrderFilled)) == 1


@exchanged
async def test_fault_56_killed_before_the_stop_of_a_filled_entry_left_it_is_protected_by_the_next_one(
    exchange: Exchange, folder: Path
) -> None:
    async with watched_exchange(exchange, folder) as wire:
        await died(life_at_exchange(exchange, folder, "before the stop", "buy"))
        assert len(wire.seen) == 1
        async with at_exchange(exchange, folder) as desk:
            await desk.ready()
            assert desk.state(wire.seen[0]) == "FILLED"
            await desk.until(lambda: desk.session.pipeline.protection.at_venue(PAXG) >= 999)
