"""The kill switch: it blocks, cancels, flattens where that is wanted, asks the venue what is left, and says how long it took."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.intents import Halt, SubmitOrder
from engine.domain.views import KillReport
from engine.live.control import ask, sessions
from engine.live.kill import kill
from engine.ports.venue import VenueState
from tests.catalogue.invariants import records_on_disk
from tests.live.rig import GOLD, Desk, on_paper, played

LIMIT = SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000)


async def _killed(desk: Desk, **terms: bool) -> KillReport:
    """What the switch comes to while the market goes on."""
    killing = asyncio.ensure_future(kill(desk.session, **terms))
    while not killing.done():
        desk.feed.say(400_010, 400_040)
        await asyncio.sleep(0.01)
    return killing.result()


@played
async def test_the_switch_cancels_entries_and_leaves_a_position_with_its_stop(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        desk.do(LIMIT)
        report = await _killed(desk)
        assert (report.state, report.cancelled, report.closed, report.is_clean) == ("HALTED", 1, 0, True)
        assert desk.session.pipeline.protection.covered(GOLD) == 2
        assert [fact.leftovers for fact in desk.facts if isinstance(fact, f.KillSwitched)] == [()]


@played
async def test_the_switch_closes_every_position_where_that_is_wanted(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        desk.do(LIMIT)
        report = await _killed(desk, flatten=True)
        assert (report.state, report.cancelled, report.closed, report.is_clean) == ("HALTED", 1, 1, True)
        assert desk.session.pipeline.ledger.position(GOLD) == 0


@played
async def test_a_drill_does_the_same_and_trading_goes_on(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        report = await _killed(desk, flatten=True, drill=True)
        assert (report.state, report.closed, report.is_clean) == ("ACTIVE", 1, True)


@played
async def test_a_switch_that_is_thrown_during_a_drill_outlasts_it(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        standing, go = desk.session.broker.standing, asyncio.Event()

        async def slowly() -> VenueState:
            await go.wait()
            return await standing()

        patch.setattr(desk.session.broker, "standing", slowly)
        drilling = asyncio.ensure_future(kill(desk.session, drill=True))
        await desk.until(lambda: desk.session.pipeline.guard.state == "HALTED")
        killing = asyncio.ensure_future(kill(desk.session))
        await desk.until(lambda: sum(isinstance(fact, f.IntentReceived) for fact in desk.facts) == 2)
        go.set()
        assert ((await drilling).drill, (await killing).state) == (True, "HALTED")
        assert desk.session.pipeline.guard.state == "HALTED"


@played
async def test_the_switch_works_while_the_database_is_locked(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        lock = sqlite3.connect(folder / "books.db")
        try:
            lock.execute("BEGIN IMMEDIATE")
            report = await _killed(desk, flatten=True)
        finally:
            lock.close()
        assert (report.state, report.closed, report.is_clean) == ("HALTED", 1, True)


@played
async def test_a_halt_is_on_a_disk_before_anything_else_happens(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        lock = sqlite3.connect(folder / "books.db")
        try:
            lock.execute("BEGIN IMMEDIATE")
            desk.do(Halt(reason="enough"))
            kinds = [type(record.fact) for record in records_on_disk(f"sqlite:///{folder / 'books.db'}")]
        finally:
            lock.close()
        assert f.TradingStateChanged in kinds


@played
async def test_a_command_of_this_machine_throws_it_and_hears_what_it_came_to(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        (told,) = sessions(folder)
        answer = await asyncio.to_thread(ask, told, "POST", "/v1/kill", {})
        assert (answer["state"], answer["is_verified"], answer["leftovers"]) == ("HALTED", True, [])
        assert [fact.by for fact in desk.facts if isinstance(fact, f.KillSwitched)] == ["command line"]
        with pytest.raises(UserError, match="there is nothing at this address"):
            await asyncio.to_thread(ask, told, "POST", "/v1/dance", {})
        with pytest.raises(UserError, match="the word of the session's file is needed"):
            await asyncio.to_thread(ask, {**told, "word": "guess"}, "POST", "/v1/kill", {})
    assert sessions(folder) == []
