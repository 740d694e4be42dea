"""Fault 20 at a session's door: whatever happens to an order's request, its Idempotency-Key is good for one order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from engine.domain import facts as f
from tests.catalogue.crash_child import warm_up
from tests.catalogue.invariants import intended
from tests.catalogue.rig import GOLD, Desk, at_tws, played
from tests.catalogue.test_crash import life_at_tws, living, until, watched_tws
from tests.catalogue.test_foreign import looked
from tests.live.caller import Caller, calling
from tests.peers.tws import Peer

BID = {"instrument": GOLD, "side": "buy", "type": "limit", "price": "3995", "quantity": 2, "stop_loss": "3980"}
KEY = "3f1c6a52"

pytestmark = [
    pytest.mark.xdist_group("crash"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="programs are forked from a server, which Windows cannot"),
]


@pytest.fixture(scope="module", autouse=True)
def forks() -> None:
    """What all programs import is imported before the first one is timed."""
    warm_up()


def _entries(peer: Peer) -> list[str]:
    """The entries that TWS holds, by our names of them."""
    return [order.ref for order in peer.orders if not order.ref.endswith("-stop")]


async def _ordered(caller: Caller) -> str:
    """The order that our key stands for, as the session tells it."""
    status, said = await caller.post("/v1/orders", BID, KEY)
    assert status == 200, said
    return str(said["order"])


async def _works(peer: Peer, desk: Desk, name: str) -> None:
    await desk.until(lambda: desk.state(name) == "ACCEPTED")
    assert _entries(peer) == [name]


@played
async def test_fault_20_a_retry_while_the_first_is_in_flight_is_one_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk, calling(folder) as caller:
        await desk.ready()
        names = await asyncio.gather(*(_ordered(caller) for _ in range(5)))
        assert len(set(names)) == 1
        await _works(peer, desk, names[0])


@played
async def test_fault_20_a_retry_after_the_answer_is_one_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk, calling(folder) as caller:
        await desk.ready()
        name = await _ordered(caller)
        await _works(peer, desk, name)
        assert await _ordered(caller) == name
        assert (await caller.post("/v1/orders", {**BID, "quantity": 1}, KEY))[0] == 409
        await _works(peer, desk, name)


@played
async def test_what_was_adopted_without_a_stop_is_protected_when_its_owner_says_so(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk, calling(folder) as caller:
        await desk.ready()
        await peer.place(GOLD, "BUY", 1)
        await looked(desk)
        await desk.until(lambda: desk.session.pipeline.protection.waiting(GOLD) == 1)
        (position,) = (await caller.get("/v1/state"))[1]["positions"]
        assert (position["quantity"], position["waits_for_a_choice"]) == ("1", "1")
        assert (await caller.post("/v1/protection", {"instrument": GOLD, "choice": "attach"}))[0] == 200
        await desk.until(lambda: desk.session.pipeline.protection.at_venue(GOLD) == 1)
        (position,) = (await caller.get("/v1/state"))[1]["positions"]
        assert (position["protected"], position["waits_for_a_choice"]) == ("1", "0")


@played
async def test_a_moved_port_is_followed_when_a_program_says_so(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk, calling(folder) as caller:
        await desk.ready()
        await peer.reset_port()
        await desk.until(lambda: "nothing is tried until you say so" in desk.session.trouble)
        venue = (await caller.get("/v1/state"))[1]["venue"]
        assert (venue["is_ready"], "nothing is tried until you say so" in venue["trouble"]) == (False, True)
        status, said = await caller.post("/v1/reconnect", {"port": 70_000})
        assert (status, said["error"]) == (400, "port: should be less than or equal to 65535")
        assert (await caller.post("/v1/reconnect"))[0] == 200
        await desk.ready()


@asynccontextmanager
async def _program(peer: Peer, folder: Path, moment: str) -> AsyncIterator[Caller]:
    """Somebody who speaks with a program of its own, which may trade; it dies at the moment, or when the block ends."""
    life = life_at_tws(peer, folder, moment)
    async with living(life) as process:
        await until(life.ready.exists)
        async with calling(folder, process.pid) as caller:
            yield caller
        if moment == "never":
            process.kill()


@played
async def test_fault_20_a_retry_after_the_answer_and_kill_9_is_one_order(peer: Peer, folder: Path) -> None:
    async with watched_tws(peer, folder) as wire:
        async with _program(peer, folder, "never") as caller:
            name = await _ordered(caller)
            await until(lambda: len(peer.orders) == 2)
        async with at_tws(peer, folder) as desk, calling(folder) as caller:
            await desk.ready()
            assert await _ordered(caller) == name
            await _works(peer, desk, name)
        assert wire.seen == [name, f"{name}-stop"]


@played
async def test_fault_20_a_retry_after_an_answer_that_kill_9_cut_off_is_one_order(peer: Peer, folder: Path) -> None:
    """The order is on record and at TWS; who asked for it has heard nothing."""
    async with watched_tws(peer, folder) as wire:
        async with _program(peer, folder, "before the ack's commit") as caller:
            with suppress(aiohttp.ClientError):
                await _ordered(caller)
        name = wire.seen[0]
        async with at_tws(peer, folder) as desk, calling(folder) as caller:
            await desk.until(lambda: desk.state(name) == "ACCEPTED")
            await desk.ready()
            assert await _ordered(caller) == name
            await _works(peer, desk, name)


@played
async def test_fault_20_a_retry_after_kill_9_before_the_commit_is_one_order(peer: Peer, folder: Path) -> None:
    """Nothing is on record, so nothing was sent: the retry is the first that is heard of it."""
    async with watched_tws(peer, folder) as wire:
        async with _program(peer, folder, "before the intent's commit") as caller:
            with pytest.raises(aiohttp.ClientError):
                await _ordered(caller)
        assert wire.seen == []
        assert intended(f"sqlite:///{folder / 'books.db'}") == set()
        async with at_tws(peer, folder) as desk, calling(folder) as caller:
            await desk.ready()
            await _works(peer, desk, await _ordered(caller))


@played
async def test_fault_20_a_retry_after_kill_9_before_the_send_hears_of_the_first_and_sends_none(peer: Peer, folder: Path) -> None:
    """It is on record: whether it left is for the venue to say, and another is not placed meanwhile."""
    async with watched_tws(peer, folder) as wire:
        async with _program(peer, folder, "after the intent's commit") as caller:
            with pytest.raises(aiohttp.ClientError):
                await _ordered(caller)
        async with at_tws(peer, folder) as desk, calling(folder) as caller:
            name = await _ordered(caller)
            await desk.until(lambda: desk.state(name) == "REJECTED")
            assert await _ordered(caller) == name
            assert (await caller.get(f"/v1/orders/{name}"))[1]["state"] == "REJECTED"
            assert [fact.key for fact in desk.facts(f.IntentReceived)] == [KEY]
        assert wire.seen == _entries(peer) == []
