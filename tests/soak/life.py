"""One life: a book at a venue that misbehaves, in several sessions, with a calm at each checkpoint at which all must hold."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

from engine.core.errors import BrokerError, NiceGoldError
from engine.domain.intents import Reconnect
from engine.domain.order import State
from tests.catalogue.invariants import Wire, records_on_disk, violations
from tests.catalogue.rig import Desk
from tests.soak.owner import Owner
from tests.soak.stage import Stage
from tests.soak.tally import Tally

CALM_S = 150.0
"""How long the engine may take to come clean with a venue that answers again."""
UNSETTLED = (State.INTENT, State.SENT, State.UNKNOWN, State.PENDING_CANCEL, State.PENDING_MODIFY)
SPOOLS = "books.db.*.spool"
TOLD = 40
"""Facts that are shown with a violation."""

Say = Callable[[str], None]


class QuickWire(Wire):
    """Asks the disk for one intent instead of reading the whole book for every order.

    The spool is looked at first: what leaves it meanwhile has got to the database.
    """

    def saw(self, order: str, db: str) -> None:
        path = Path(db.removeprefix("sqlite:///"))
        named = f'"order":"{order}"'
        spooled = any(named in spool.read_text(errors="replace") for spool in path.parent.glob(SPOOLS))
        self.seen.append(order)
        if not (spooled or self._is_stored(path, named)):
            self.unwritten.append(order)

    def _is_stored(self, path: Path, named: str) -> bool:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as books:
            query = "SELECT 1 FROM facts WHERE kind = 'OrderIntended' AND instr(fact, ?) LIMIT 1"
            return books.execute(query, (named,)).fetchone() is not None


class Life:
    """`checkpoints` times `span_s` seconds of trouble; every session of it has the same books and the same wire."""

    def __init__(self, stage: Stage, folder: Path, tally: Tally, say: Say) -> None:
        self._stage = stage
        self._folder = folder
        self._tally = tally
        self._say = say
        self._wire = QuickWire()
        self._desk: Desk | None = None
        self._open = AsyncExitStack()
        self._db = self._symbol = ""
        self._uncaught: list[str] = []

    async def live(self, checkpoints: int, span_s: float, until: float) -> list[str]:
        """What was violated; ends at the first checkpoint with something, or when the loop's clock is past `until`."""
        self._tally.lives += 1
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: self._uncaught.append(str(context.get("exception") or context)))
        found: list[str] = []
        try:
            await self._begin()
            for _ in range(checkpoints):
                await self._trouble(loop.time() + span_s)
                found = await self._checkpoint()
                if found or loop.time() >= until:
                    break
                await self._begin()
        finally:
            await self._end()
            self._tally.count(records_on_disk(self._db))
        return found

    async def _begin(self) -> None:
        self._desk = await self._open.enter_async_context(self._stage.session(self._folder))
        self._desk.wire = self._wire
        self._symbol = self._desk.symbol
        self._db = self._desk.db
        self._stage.watch(self._desk)

    async def _end(self) -> list[str]:
        """Ends the session; what went wrong in it."""
        desk, self._desk = self._desk, None
        try:
            await self._open.aclose()
        except NiceGoldError as error:
            return [f"the session ended by itself: {error}"]
        if desk is None:
            return []
        return [f"a bug in the program: {fault!r}" for fault in desk.faults]

    async def _trouble(self, until: float) -> None:
        loop, chance = asyncio.get_running_loop(), self._stage.chance
        desk = self._desk
        assert desk is not None
        owner = Owner(chance, desk.symbol, self._stage.lots, self._tally)
        while loop.time() < until:
            await self._stage.move()
            if chance.random() < 0.35:
                await owner.act(self._desk.session)  # type: ignore[union-attr]  # a session is open while the owner acts
            if chance.random() < 0.08:
                self._tally.faults[await self._stage.mischief()] += 1
            if chance.random() < 0.01:
                await self._stage.calm()
                await self._calm_link()
            if chance.random() < 0.003:
                await self._restart()
            await asyncio.sleep(chance.random() * 0.05)

    async def _calm_link(self) -> None:
        """A while without trouble, so that something gets done at all."""
        loop = asyncio.get_running_loop()
        assert self._desk is not None
        self._desk.session.do(Reconnect())
        until = loop.time() + 3.0
        while loop.time() < until and any(self._desk.session.obstacles(self._desk.symbol)):
            await self._stage.move()
            await asyncio.sleep(0.02)

    async def _restart(self) -> None:
        """The session ends in the midst of it, and another goes on with its book, if need be once the venue answers again."""
        self._tally.restarts += 1
        faults = await self._end()
        self._tally.violations += faults
        self._open = AsyncExitStack()
        try:
            await self._begin()
        except BrokerError:
            await self._stage.calm()
            self._open = AsyncExitStack()
            await self._begin()

    async def _checkpoint(self) -> list[str]:
        """Calms the venue, waits until the engine has come clean with it, ends the session and looks at what must hold."""
        self._tally.checkpoints += 1
        await self._stage.calm()
        found = await self._settled()
        found += await self._end()
        found += [f"nobody caught {each}" for each in self._uncaught]
        self._open = AsyncExitStack()
        found += violations(self._db, self._wire, {self._symbol: self._stage.position()})
        found += self._stage.twins()
        records = list(records_on_disk(self._db))
        self._say(
            f"checkpoint {self._tally.checkpoints}: {len(records)} facts, {len(self._wire.seen)} orders at the venue, "
            f"position {self._stage.position()}, {len(found)} violations"
        )
        if found:
            for record in records[-TOLD:]:
                self._say(f"    {record.seq} {record.fact}")
            for each in found:
                self._say(f"  ! {each}")
        return found

    async def _settled(self) -> list[str]:
        """Empty once nothing is open between the engine and the venue; else what is."""
        desk = self._desk
        assert desk is not None
        session = desk.session
        session.do(Reconnect())
        try:
            async with asyncio.timeout(CALM_S):
                while self._unsettled(desk) or not await session.keeper.reconcile() or self._unsettled(desk):
                    await self._stage.move()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return [f"the engine does not come clean: {'; '.join(self._unsettled(desk)) or session.keeper.found.trouble}"]
        return []

    def _unsettled(self, desk: Desk) -> list[str]:
        session = desk.session
        orders = [f"{it.id} is {it.state.value}" for it in session.pipeline.register.all_live() if it.state in UNSETTLED]
        return [*filter(None, session.obstacles(desk.symbol)), *orders, *session.keeper.found.absences]
