"""Programs that trade and are killed at any moment, one after another on one book.

`python -m tests.soak.kills --count 200 --seed 7`, with `--venue exchange` at the other loopback venue. After every tenth a
session looks at what is left, and I1-I5 must hold. Prices move all the time, orders fill in parts, and what a program does is
random. The seed decides what is tried; when it happens is up to the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import logging
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.core.clock import SystemClock
from engine.profile import VenueSection
from tests.catalogue.crash_child import KILLED, MOMENTS, Life, start, warm_up
from tests.catalogue.invariants import Wire
from tests.catalogue.rig import GOLD, PAXG, Desk, at_exchange, at_tws, minutes
from tests.peers.exchange import KEY, SECRET, Exchange
from tests.peers.faults import Drop
from tests.peers.tws import Peer

LOOK_EVERY = 10
START_S = 20.0
"""How long a program may take until it can trade."""
LONGEST_S = 1.2
"""How long it goes on then at most."""
EARLY = 0.2
"""The share of programs that may be killed before they can trade."""
LIMITS = (("daily_loss", 0.9), ("drawdown", 0.9), ("orders_per_minute", 100_000))
"""Nobody is to stop trading for what it costs."""
AT_A_MOMENT = 0.4
"""The share of programs that die at a named moment, if they come to it."""


@dataclass
class Ground:
    """A venue and a book. `move` puts up a price in dollars, `life` is the next program, `look` a session that checks."""

    db: str
    life: Callable[[str, int], Life]
    move: Callable[[Decimal], Awaitable[object]]
    look: Callable[[], Any]
    wire: Wire = field(default_factory=Wire)
    moments: Counter[str] = field(default_factory=Counter)

    def saw(self, order: str) -> bool:
        """An order came in; it passes."""
        self.wire.saw(order, self.db)
        return False


@asynccontextmanager
async def tws(folder: Path) -> AsyncIterator[Ground]:
    """The loopback TWS, which fills no more than an ounce at a price."""
    async with Peer(clock=SystemClock(), always_open=True) as peer:
        peer.partial_fills()
        venue = VenueSection(host=peer.host, port=peer.port, client_id=1, timeout=2.0)
        ground = Ground(
            _db(folder),
            lambda moment, seed: Life(folder, "ib", venue, "XAUUSD@ib", (), moment, seed, LIMITS),
            lambda bid: peer.quote(GOLD, bid, bid + Decimal("0.3"), bid_size=1, ask_size=1),
            lambda: at_tws(peer, folder, limits=dict(LIMITS)),
        )
        numbers: set[object] = set()

        def saw(received: Any) -> bool:
            order = received.order
            if (key := (received.client_id, order.order_id, order.ref)) in numbers:
                return False
            numbers.add(key)
            return ground.saw(order.ref)

        peer.faults.on("placeOrder", Drop(), times=None, where=saw)
        yield ground


@asynccontextmanager
async def exchange(folder: Path) -> AsyncIterator[Ground]:
    """The loopback exchange."""
    os.environ.update({KEY_VARIABLE: KEY, SECRET_VARIABLE: SECRET})
    async with Exchange() as peer:
        peer.history(PAXG, minutes(200))
        venue = VenueSection(url=peer.rest_url, ws_url=peer.socket_url, timeout=2.0)
        ground = Ground(
            _db(folder),
            lambda moment, seed: Life(folder, "binance", venue, PAXG, (), moment, seed, LIMITS),
            lambda bid: peer.quote(PAXG, str(bid), str(bid + Decimal("0.1")), depth=100),
            lambda: at_exchange(peer, folder, limits=dict(LIMITS)),
        )
        peer.faults.on("POST order", Drop(), times=None, where=lambda it: ground.saw(it.parameters["newClientOrderId"]))
        yield ground


VENUES = {"tws": tws, "exchange": exchange}


def _db(folder: Path) -> str:
    return f"sqlite:///{(folder / 'books.db').as_posix()}"


async def soak(venue: str, count: int, seed: int, folder: Path) -> None:
    """Lives and kills; AssertionError with what does not hold."""
    random = Random(seed)
    async with VENUES[venue](folder) as ground:
        await ground.move(Decimal(4000))
        for number in range(1, count + 1):
            async with _moving(ground, random):
                await _one(ground, random)
            if number % LOOK_EVERY == 0 or number == count:
                await _look(ground, number)


@asynccontextmanager
async def _moving(ground: Ground, random: Random) -> AsyncIterator[None]:
    """The price walks between 3990 and 4010."""

    async def walk() -> None:
        bid = Decimal(4000)
        while True:
            bid = min(max(bid + Decimal(random.randint(-60, 60)) / 100, Decimal(3990)), Decimal(4010))
            await ground.move(bid)
            await asyncio.sleep(0.02)

    walking = asyncio.ensure_future(walk())
    try:
        yield
    finally:
        walking.cancel()
        with suppress(asyncio.CancelledError):
            await walking


async def _one(ground: Ground, random: Random) -> None:
    moment = random.choice(sorted(MOMENTS)) if random.random() < AT_A_MOMENT else "never"
    life = ground.life(moment, random.randint(1, 1 << 30))
    is_early = random.random() < EARLY
    life.ready.unlink(missing_ok=True)
    process = start(life)
    await _passes(process, START_S, lambda: is_early or life.ready.exists())
    await _passes(process, random.uniform(0, LONGEST_S))
    ground.moments[moment if not process.is_alive() else "at random"] += 1
    process.kill()
    process.join()
    assert process.exitcode == KILLED, f"a program ended by itself with {process.exitcode}"
    process.close()


async def _passes(process: BaseProcess, seconds: float, is_over: Callable[[], bool] = lambda: False) -> None:
    """Waits that long at most while the program lives."""
    ends = time.monotonic() + seconds
    while process.is_alive() and not is_over() and time.monotonic() < ends:
        await asyncio.sleep(0.01)


async def _look(ground: Ground, number: int) -> None:
    """What the programs left holds together: the rig checks the books, this the wire of all of them."""
    async with ground.look() as desk:
        await desk.ready()
        await desk.until(lambda: _is_calm(desk), "that nothing is unknown and every position is protected")
        facts, state = desk.session.journal.last_seq(), desk.session.pipeline.guard.state
    assert ground.wire.unwritten == []
    assert set(Counter(ground.wire.seen).values()) <= {1}
    print(f"{number} killed: {len(ground.wire.seen)} orders sent, {facts} facts, position {desk.position}, {state}", flush=True)


def _is_calm(desk: Desk) -> bool:
    pipeline = desk.session.pipeline
    settled = all(it.state.value in ("ACCEPTED", "PARTIALLY_FILLED", "HELD") for it in pipeline.register.all_live())
    return settled and desk.session.keeper.found.is_clean


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many programs are killed")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--venue", choices=sorted(VENUES), default="tws")
    given = parser.parse_args()
    for name in ("ib_async", "asyncio"):  # a venue that writes to the dead is told so
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for library in ("ccxt.pro", "ib_async"):
        importlib.import_module(library)
    warm_up()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(soak(given.venue, given.count, given.seed, Path(folder)))
    print(f"I1-I5 held over {given.count} kills with seed {given.seed} in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
