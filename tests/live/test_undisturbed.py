"""A stop that is due leaves in one piece: no other thread has the interpreter between what triggers it and its leaving.

Nothing here is timed: the other thread asks for nothing, so it has the interpreter only when the engine lets go of it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import undisturbed
from engine.core.kept import HAS_EPOLL
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, SubmitOrder
from engine.domain.order import Order, State
from engine.live import session
from tests.live.rig import GOLD, Desk, on_paper

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="the loop is asyncio's own where there is no epoll")

STOP = SubmitOrder(GOLD, "sell", "stop", 1, price=397_000, reduce_only=True)
PATIENCE_S, ROUNDS = 20.0, 15
MINUTE_S = 60.0


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads that wait for the interpreter do not ask for it."""
    from engine.core import turns

    before = sys.getswitchinterval()
    for module, name in ((turns, "SWITCH_S"), (turns, "UNDISTURBED_S"), (session, "UNDISTURBED_S")):
        monkeypatch.setattr(module, name, MINUTE_S)
    monkeypatch.setattr(turns, "TURN_NS", int(MINUTE_S * 1e9))
    yield
    sys.setswitchinterval(before)


def test_a_stop_has_left_when_another_thread_gets_the_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unasked: None
) -> None:
    told: list[tuple[asyncio.AbstractEventLoop, Desk]] = []
    sent: list[str] = []
    ready, over = threading.Event(), threading.Event()

    async def live() -> None:
        async with asyncio.timeout(MINUTE_S), on_paper(tmp_path, monkeypatch) as desk:
            await desk.ready()
            await desk.open_long()
            desk.session.pipeline.subscribers.append(
                lambda record: sent.append(record.fact.order) if isinstance(record.fact, f.OrderSent) else None
            )
            told.append((asyncio.get_running_loop(), desk))
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.005)
            assert desk.faults == []

    async def clear(desk: Desk) -> None:
        """The stop before is over, and the price is fresh."""
        desk.feed.say(400_010, 400_040)
        await desk.until(lambda: all(order.state is State.ACCEPTED for order in _stops(desk)))
        for order in _stops(desk):
            desk.session.do(CancelOrder(order.id))
        await desk.until(lambda: not _stops(desk))

    def stop_is_due(desk: Desk) -> None:
        asyncio.get_running_loop().call_soon(desk.session.do, STOP)

    thread = threading.Thread(target=undisturbed.run, args=(live(),))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        loop, desk = told[0]
        for number in range(1, ROUNDS + 1):
            asyncio.run_coroutine_threadsafe(clear(desk), loop).result(PATIENCE_S)
            loop.call_soon_threadsafe(stop_is_due, desk)
            _until_it_had_its_turn(loop)
            assert len(sent) == number
    finally:
        over.set()
        thread.join(MINUTE_S)
    assert not thread.is_alive()


def _stops(desk: Desk) -> list[Order]:
    return [order for order in desk.session.pipeline.register.all_live() if order.stop == STOP.price]


def _until_it_had_its_turn(loop: asyncio.AbstractEventLoop) -> None:
    """Returns when the loop got the interpreter after this was called, and let go of it again."""
    since = time.monotonic_ns()
    turns = loop.turns  # type: ignore[attr-defined]
    while turns.woken <= since:
        assert time.monotonic_ns() - since < PATIENCE_S * 1e9
        time.sleep(0.00001)
