"""Faults 37 and 38: a loss of the day that stays tripped, and a kill switch that meets resistance."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from engine.core.clock import Nanos, from_iso
from engine.domain import facts as f
from engine.domain.intents import Resume, SubmitOrder
from engine.live.control import sessions
from engine.live.kill import kill
from tests.catalogue.rig import Desk, at_exchange, at_tws, exchanged
from tests.catalogue.rig import played as played_at_tws
from tests.catalogue.timed import LEVEL, Timed, timed
from tests.live.rig import GOLD, on_paper, played
from tests.peers.exchange import Exchange
from tests.peers.faults import Answer, Drop
from tests.peers.tws import Peer

ROOT = Path(__file__).parents[2]
EVENING = from_iso("2024-06-11T22:30:00")
"""18:30 in New York, where the trading day rolls at 17:00."""
LOSS = 0.001


def _stands(desk: Timed) -> tuple[str, str]:
    return desk.session.pipeline.guard.state, desk.session.pipeline.guard.cause


def _refusal(desk: Timed, quantity: int = 2) -> str:
    facts = desk.do(SubmitOrder(GOLD, "buy", "market", quantity, stop_loss=390_000))
    return next(fact.reason for fact in facts if isinstance(fact, f.IntentRefused))


async def _lose(desk: Timed) -> None:
    """Two ounces fall by sixty dollars, which is more than the day may lose."""
    await desk.seen()
    await desk.until(lambda: not any(desk.session.obstacles(GOLD)))
    desk.do(SubmitOrder(GOLD, "buy", "market", 2, stop_loss=390_000))
    await desk.until(lambda: desk.told(f.OrderAccepted))
    await desk.seen()
    await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 2)
    await desk.minutes(LEVEL - 6_000)
    await desk.until(lambda: _stands(desk) == ("REDUCING", "daily_loss"))


@played
async def test_fault_37_a_daily_loss_trip_survives_restarts_and_every_midnight_but_that_of_its_own_day(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    at = partial(timed, folder, patch, daily_loss=LOSS)
    async with at(EVENING) as desk:
        await _lose(desk)
        await _passes(desk, from_iso("2024-06-12T00:05:00"))  # midnight of UTC, in the session
        assert _stands(desk) == ("REDUCING", "daily_loss")
        desk.do(Resume("go on"))
        assert _stands(desk) == ("REDUCING", "daily_loss")
    async with at(from_iso("2024-06-12T03:55:00")) as desk:
        assert _stands(desk) == ("REDUCING", "daily_loss")
        await _passes(desk, from_iso("2024-06-12T04:05:00"))  # midnight in New York
        assert _stands(desk) == ("REDUCING", "daily_loss")
        assert "REDUCING" in _refusal(desk)
    async with at(from_iso("2024-06-12T20:58:00")) as desk:
        await _passes(desk, from_iso("2024-06-12T20:59:00"))
        assert _stands(desk) == ("REDUCING", "daily_loss")
        days = len(desk.told(f.DayStarted))
        await _passes(desk, from_iso("2024-06-12T21:01:00"))  # 17:00 in New York
        assert len(desk.told(f.DayStarted)) == days + 1
        assert _stands(desk)[0] == "ACTIVE"


async def _passes(desk: Timed, until: Nanos) -> None:
    """Time goes by up to that moment, with a price at it."""
    await desk.waits(until - desk.machine.now())
    await desk.seen(LEVEL - 6_000)


async def _works(desk: Desk, bids: int, quantity: int) -> list[str]:
    """Our ids of that many orders that rest at the venue."""
    names = [desk.buy(quantity, type="limit", price=399_000 - 100 * number) for number in range(bids)]
    await desk.until(lambda: all(desk.state(name) == "ACCEPTED" for name in names))
    return names


def _every_other() -> Callable[[object], bool]:
    numbers = count()
    return lambda _message: next(numbers) % 2 == 0


@played_at_tws
async def test_fault_38_cancels_that_fail_are_asked_for_again_until_all_orders_are_gone(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        names = await _works(desk, 4, 1)
        refused = peer.faults.on("cancelOrder", Answer(161, "Cancel attempted when order is not in a cancellable state"), times=2)
        refused.where = _every_other()
        report = await kill(desk.session)
        assert refused.hits == 2
        assert len(peer.received("cancelOrder")) >= 6
        assert (report.state, report.cancelled, report.is_verified, report.leftovers) == ("HALTED", 4, True, ())
        assert [desk.state(name) for name in names] == ["CANCELLED"] * 4
        assert [peer.order(name).status for name in names] == ["Cancelled"] * 4


@played_at_tws
async def test_fault_38_orders_whose_cancels_fail_for_good_are_listed(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        names = await _works(desk, 4, 1)
        stubborn = {peer.order(name).order_id for name in names[:2]}
        refusing = peer.faults.on(
            "cancelOrder",
            Answer(161, "Cancel attempted when order is not in a cancellable state"),
            times=None,
            where=lambda received: int(received.fields[1]) in stubborn,
        )
        report = await kill(desk.session, patience_s=2.5)
        assert refusing.hits >= 4
        assert (report.state, report.cancelled, report.is_verified, report.is_clean) == ("HALTED", 2, True, False)
        left = [str(peer.order(name).perm_id) for name in names[:2]]
        assert [any(f"works still ({number})" in sentence for sentence in report.leftovers) for number in left] == [True, True]
        assert [desk.state(name) for name in names[2:]] == ["CANCELLED"] * 2
        (told,) = desk.facts(f.KillSwitched)
        assert told.leftovers == report.leftovers


@exchanged
async def test_fault_38_cancels_that_fail_at_an_exchange_are_asked_for_again(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, patience=0.7) as desk:
        await desk.ready()
        names = await _works(desk, 4, 100)
        lost = exchange.faults.on("DELETE order", Drop(), times=2)
        lost.where = _every_other()
        report = await kill(desk.session)
        assert lost.hits == 2
        assert (report.state, report.cancelled, report.is_verified, report.leftovers) == ("HALTED", 4, True, ())
        assert [desk.state(name) for name in names] == ["CANCELLED"] * 4


def test_fault_38_the_switch_is_thrown_from_the_command_line_with_the_database_locked_and_the_window_hung(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has its thread; this one, which would be the window's, does nothing but spin."""
    home = tmp_path / "data"
    home.mkdir()
    ready, over = threading.Event(), threading.Event()

    async def session() -> None:
        async with on_paper(home, monkeypatch) as desk:
            await desk.ready()
            await desk.open_long()
            accepted = sum(isinstance(fact, f.OrderAccepted) for fact in desk.facts)
            desk.do(SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000))
            await desk.until(lambda: sum(isinstance(fact, f.OrderAccepted) for fact in desk.facts) == accepted + 2)
            lock = sqlite3.connect(home / "books.db")
            try:
                lock.execute("BEGIN IMMEDIATE")
                ready.set()
                while not over.is_set():
                    desk.feed.say(400_010, 400_040)
                    await asyncio.sleep(0.01)
            finally:
                lock.close()
            assert desk.session.pipeline.guard.state == "HALTED"
            assert desk.session.pipeline.ledger.position(GOLD) == 0
            assert desk.faults == []

    ended: list[BaseException | None] = []

    def engine() -> None:
        try:
            asyncio.run(session())
        except BaseException as error:  # it is this thread's last word, and raised in the other
            ended.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=engine)
    thread.start()
    try:
        ready.wait()
        assert sessions(home) or ended
        words = [sys.executable, "main.py", "kill", "--flatten", "--json"]
        command = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, "NICEGOLD_HOME": str(tmp_path)}, stdout=subprocess.PIPE, text=True
        )
        with command:
            while command.poll() is None:
                pass
            assert command.stdout is not None
            (report,) = json.loads(command.stdout.read().splitlines()[-1])["sessions"]
    finally:
        over.set()
        thread.join()
    assert ended == []
    assert command.returncode == 0
    assert (report["state"], report["cancelled"], report["closed"], report["leftovers"]) == ("HALTED", 1, 1, [])
