"""A program that lives a live session and is killed, by its own hand at a named moment or by whoever started it.

It is forked from a server that has everything imported already, so that one more life costs no more than its session.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, event

from engine.brokers.exchange.broker import ExchangeBroker
from engine.brokers.ib.broker import IbBroker
from engine.brokers.ib.sending import Sending
from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.core.errors import UserError
from engine.domain.intents import CancelOrder, ClosePosition, Halt, Intent, ModifyOrder, Resume, SubmitOrder
from engine.live.keeper import Keeper
from engine.live.kill import kill
from engine.profile import VenueSection
from engine.risk.guard import ACTIVE
from engine.storage.writers import SqliteWriter
from tests.catalogue.rig import GOLD, Desk, session_at
from tests.peers.exchange import KEY, SECRET

KILLED = -int(getattr(signal, "SIGKILL", signal.SIGTERM))
"""How a process that was killed ended."""

REFUSED = 2
"""How one ended that wrote into the file `refused` why it may not begin."""

KIND = 4
"""Where a row tells what fact it is."""


@dataclass(frozen=True, slots=True)
class Life:
    """One program: where its books are, the venue and what it trades there, what it does there, and when it dies.

    With a `seed` it goes on doing what it likes.
    """

    folder: Path
    broker: str
    venue: VenueSection
    instrument: str
    acts: tuple[str, ...]
    moment: str = "never"
    seed: int = 0
    limits: tuple[tuple[str, float], ...] = ()

    @property
    def ready(self) -> Path:
        """A file that is there once the program may trade."""
        return self.folder / "ready"


def start(life: Life) -> BaseProcess:
    """The program, on its way."""
    return _forked(live, life)


def warm_up() -> None:
    """Returns when programs can be forked at once."""
    process = _forked(_nothing)
    process.join()
    process.close()


def _forked(target: Callable[..., None], *given: Any) -> BaseProcess:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.catalogue.warmed"])
    process = context.Process(target=target, args=given, name="a life", daemon=True)
    process.start()
    return process


def _nothing() -> None:
    """Has lived."""


def live(life: Life) -> None:
    """The whole program."""
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    os.environ.update({KEY_VARIABLE: KEY, SECRET_VARIABLE: SECRET})
    MOMENTS[life.moment]()
    try:
        asyncio.run(_live(life))
    except UserError as error:
        (life.folder / "refused").write_text(str(error))
        sys.exit(REFUSED)


async def _live(life: Life) -> None:
    venues, limits = {life.broker: life.venue}, dict(life.limits)
    async with session_at(life.folder, life.broker, venues, life.instrument, limits=limits) as desk:
        await desk.ready()
        life.ready.touch()
        for act in life.acts:
            await ACTS[act](desk)
        if life.seed:
            await _wander(desk, Random(life.seed))
        await asyncio.Event().wait()


def die(*_: object) -> None:
    """No handler, no finally, no flush."""
    os.kill(os.getpid(), -KILLED)


# --- what it does -----------------------------------------------------------------------------------------------------


async def _buy(desk: Desk) -> None:
    desk.buy(quantity_at(desk))


async def _hold(desk: Desk) -> None:
    """Has a position with its stop."""
    quantity = quantity_at(desk)
    desk.buy(quantity)
    await desk.until(lambda: desk.position >= quantity and desk.session.pipeline.protection.at_venue(desk.symbol))


async def _bid(desk: Desk) -> None:
    """Has an order that works below the market."""
    name = desk.buy(quantity_at(desk), type="limit", price=399_500)
    await desk.until(lambda: desk.state(name) == "ACCEPTED")


async def _send_a_bid(desk: Desk) -> None:
    desk.buy(quantity_at(desk), type="limit", price=399_500)


async def _cancel(desk: Desk) -> None:
    entry = next(it for it in desk.session.pipeline.register.all_live() if not it.reduce_only)
    desk.do(CancelOrder(entry.id))


async def _kill_switch(desk: Desk) -> None:
    await kill(desk.session)


async def _wander(desk: Desk, random: Random) -> None:
    """Does whatever an owner may do, one thing after another, until it is killed."""
    while True:
        desk.do(_whim(desk, random))
        await asyncio.sleep(random.choice((0.0, 0.002, 0.02, 0.1)))


def _whim(desk: Desk, random: Random) -> Intent:
    bid, quantity = desk.session.pipeline.book.last[desk.symbol].bid, quantity_at(desk)
    entries = [it.id for it in desk.session.pipeline.register.all_live() if not it.reduce_only]
    stop = bid - random.randint(100, 1_000)
    whims: list[Intent] = [
        SubmitOrder(desk.symbol, "buy", "market", quantity, stop_loss=stop),
        SubmitOrder(desk.symbol, "buy", "market", quantity, stop_loss=stop, take_profit=bid + random.randint(100, 1_000)),
        SubmitOrder(desk.symbol, "buy", "limit", quantity, price=bid - random.randint(10, 80), stop_loss=stop),
        SubmitOrder(desk.symbol, "buy", "limit", quantity, price=bid - random.randint(1, 20), stop_loss=stop),
        ClosePosition(desk.symbol, quantity),
        *(CancelOrder(name) for name in entries),
        *(ModifyOrder(name, price=bid - random.randint(1, 80)) for name in entries),
    ]
    if random.random() < 0.05:
        whims = [Halt(flatten=random.random() < 0.5)]
    elif desk.session.pipeline.guard.state != ACTIVE:
        whims.append(Resume("on with it"))
    return random.choice(whims)


ACTS: Mapping[str, Callable[[Desk], Awaitable[None]]] = {
    "buy": _buy,
    "hold": _hold,
    "bid": _bid,
    "send a bid": _send_a_bid,
    "cancel": _cancel,
    "kill switch": _kill_switch,
}


def quantity_at(desk: Desk) -> int:
    """Two ounces, or a tenth of one where the exchange has finer steps."""
    return 2 if desk.symbol == GOLD else 1_000


# --- when it dies -----------------------------------------------------------------------------------------------------


def _before_commit(kind: str) -> None:
    """The step with such a fact is on its way to the disk, and does not arrive."""
    _wrap(SqliteWriter, "write", before=lambda _self, rows, *_: any(row[KIND] == kind for row in rows))


def _after_commit(kind: str) -> None:
    """The step with such a fact is on the disk, and the engine was not told so."""
    _wrap(SqliteWriter, "write", after=lambda _self, rows, *_: any(row[KIND] == kind for row in rows))


def _at_second(kind: type, name: str) -> None:
    """One was sent, the second one is not."""
    count = iter(range(10))
    _wrap(kind, name, before=lambda *_: next(count) == 1)


def _at_a_stop(kind: type) -> None:
    """The entry is filled; the stop that belongs to it waited here, and does not leave."""
    _wrap(kind, "submit", before=lambda _self, order, *_: order.reduce_only)


def _in_reconciling() -> None:
    """The venue has answered, the first of what follows from it was taken in, the rest is not."""
    settle = Keeper._settle

    def settling(keeper: Keeper, state: Any) -> None:
        take, count = keeper._books.take, iter(range(1_000_000))

        def taking(report: Any) -> None:
            if next(count) == 1:
                die()
            take(report)

        keeper._books.take = taking
        settle(keeper, state)

    Keeper._settle = settling  # type: ignore[method-assign]  # dies in the middle of it


def _in_a_migration() -> None:
    """Tables were made and changed, and none of it is committed."""
    seen = iter(range(1_000_000))
    event.listen(Engine, "before_cursor_execute", lambda _c, _k, sql, *_: "ALTER" in sql.upper() and next(seen) == 1 and die())


MOMENTS: Mapping[str, Callable[[], None]] = {
    "never": lambda: None,
    "before the intent's commit": partial(_before_commit, "OrderIntended"),
    "after the intent's commit": partial(_after_commit, "OrderIntended"),
    "before the ack's commit": partial(_before_commit, "OrderAccepted"),
    "after a partial fill": partial(_after_commit, "OrderFilled"),
    "before the fill's commit": partial(_before_commit, "OrderFilled"),
    "while a cancel is pending": partial(_after_commit, "CancelRequested"),
    "in reconciling": _in_reconciling,
    "in the kill switch": partial(_at_second, IbBroker, "cancel"),
    "after the kill switch's commit": partial(_after_commit, "TradingStateChanged"),
    "after leg 1": partial(_at_second, Sending, "_send"),
    "in a migration": _in_a_migration,
    "before the stop": partial(_at_a_stop, ExchangeBroker),
}


def _wrap(
    kind: type, name: str, before: Callable[..., bool] = lambda *_: False, after: Callable[..., bool] = lambda *_: False
) -> None:
    original = getattr(kind, name)

    def wrapped(*given: Any) -> Any:
        if before(*given):
            die()
        result = original(*given)
        if after(*given):
            die()
        return result

    setattr(kind, name, wrapped)
