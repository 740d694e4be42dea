"""The one door between window and engine: intents go in as coroutines, frames come out at the window's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from threading import Event
from time import perf_counter
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from app.picture import Picture
from engine.core.errors import EngineStopped, NiceGoldError
from engine.domain.facts import IntentRefused
from engine.domain.intents import Intent, SubmitOrder, SubmitPair
from engine.domain.margin import Margin
from engine.domain.market import Bars
from engine.host import Host, Opening
from engine.portfolio.chronicle import Chronicle
from engine.request import Request
from engine.services.rehearsal import compile_ahead
from widgets.format import Display

FOLD_CHUNK = 2_000
"""Facts of an old book that are folded between two turns of the loop."""
FRAME_S = 1 / 30
FIRST_LOOK_S = 1.0
"""The longest the engine waits for a window to paint the history; one that is not to be seen never paints."""

T = TypeVar("T")


class Bridge(QObject):
    """Owns the host and asks it for frames. All signals are emitted on the window's thread.

    `progressed(share, words)` while the session opens, `history(Bars)` what lies before it, `shown(Picture)` per frame,
    `refused(intent, sentence)`, `verdict(order, Verdict)`, `margin(order, Margin)` or with the sentence why there is none,
    `faulted(exception)` when a command failed that should not, `failed(exception)` when the engine stopped or never started,
    `closing()` before the session is ended, `killed(report)` when the kill switch has done its work, `roll_foreseen(RollView)`.
    With a `fault` the session is not opened: that is why it failed.
    """

    progressed = Signal(float, str)
    history = Signal(object)
    opened = Signal(object)
    shown = Signal(object)
    refused = Signal(object, str)
    done = Signal(object, object)
    verdict = Signal(object, object)
    margin = Signal(object, object)
    faulted = Signal(object)
    failed = Signal(object)
    closing = Signal()
    killed = Signal(object)
    roll_foreseen = Signal(object)
    _crashed = Signal(object)

    def __init__(
        self, request: Request, display: Display, parent: QObject | None = None, fault: NiceGoldError | None = None
    ) -> None:
        super().__init__(parent)
        self._fault = fault
        self.request = request
        self.display = display
        self.chronicle = Chronicle()
        self.opening: Opening | None = None
        self.frame_ms = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._question: asyncio.Task[Any] | None = None
        self._stopping = False
        self._turn = asyncio.Lock()
        self._crashed.connect(self.failed)
        self._seen = Event()
        wanted = replace(request, progress=self.progressed.emit)
        self.host = Host(wanted, self._crashed.emit, self._prepare, self._first_look, self.faulted.emit)

    async def run(self) -> None:
        """Opens the session and shows frames until `close`."""
        try:
            opening = await asyncio.wrap_future(self.host.start())
        except Exception as error:  # shown in the window, which stays open to say what to mend
            self._end(error)
            return
        if self._stopping:
            return
        for number, record in enumerate(opening.records):
            self.chronicle.take(record)
            if number % FOLD_CHUNK == FOLD_CHUNK - 1:
                await asyncio.sleep(0)
        self.opening = opening
        self.opened.emit(self.opening)
        try:
            while not self._stopping:
                await self.refresh()
                await asyncio.sleep(FRAME_S)
        except Exception as error:  # without pictures the window is blind; it says so instead of showing old ones
            self._end(error)

    def _prepare(self, request: Request) -> None:
        """On the engine's thread, before anything is opened."""
        if self._fault is not None:
            raise self._fault
        compile_ahead(request)

    def _first_look(self, bars: Bars) -> None:
        """On the engine's thread, which waits for the window to paint what is there already before it gets busy."""
        self.history.emit(bars)
        self._seen.wait(FIRST_LOOK_S)

    def has_seen(self) -> None:
        """The window has painted the history; the engine may go on."""
        self._seen.set()

    def _end(self, error: Exception) -> None:
        """The engine that stopped by itself has said why already."""
        if not self._stopping and not isinstance(error, EngineStopped):
            self.failed.emit(error)

    async def refresh(self) -> None:
        """Takes a frame and shows it; one after the other, for facts must be taken in their order."""
        async with self._turn:
            await self._refresh()

    async def _refresh(self) -> None:
        assert self.opening is not None
        frame = await asyncio.wrap_future(self.host.take())
        begun = perf_counter()
        for record in frame.records:
            self.chronicle.take(record)
        self.shown.emit(Picture(frame, self.opening, self.chronicle, self.display))
        self.frame_ms = 1_000 * (perf_counter() - begun)

    def submit(self, intent: Intent) -> None:
        """Sends an intent; `refused` says so when it is not carried out."""
        self._keep(self._submit(intent))

    def preview(self, order: SubmitOrder | SubmitPair) -> None:
        """Asks what the gate thinks of a ticket; `verdict` answers."""
        self._keep(self._preview(order))

    def ask_margin(self, order: SubmitOrder) -> None:
        """Asks what an order would do to margin; `margin` answers. What was asked before is not waited for any more."""
        self.drop_margin()
        self._question = self._keep(self._ask_margin(order))

    def drop_margin(self) -> None:
        """Nobody wants the answer any more."""
        if self._question is not None:
            self._question.cancel()
            self._question = None

    async def _ask_margin(self, order: SubmitOrder) -> None:
        answer: Margin | str
        try:
            answer = await asyncio.wrap_future(self.host.margin(order))
        except NiceGoldError as error:
            answer = str(error)
        if not self._stopping:
            self.margin.emit(order, answer)

    def foresee_roll(self, symbol: str) -> None:
        """Asks what rolling its position would do; `roll_foreseen` answers, and `refused` says what stands against it."""
        self._keep(self._foresee_roll(symbol))

    async def _foresee_roll(self, symbol: str) -> None:
        found = await self._ask(lambda host: host.foresee_roll(symbol))
        if found is not None and not self._stopping:
            self.roll_foreseen.emit(found)

    def kill(self, flatten: bool, drill: bool) -> None:
        """Throws the kill switch of a live session; `killed` says what it came to."""
        self._keep(self._kill(flatten, drill))

    async def _kill(self, flatten: bool, drill: bool) -> None:
        report = await self._ask(lambda host: host.kill(flatten, drill))
        if report is not None:
            self.killed.emit(report)

    def play(self, speed: float | None = None) -> None:
        self._keep(self._ask(lambda host: host.set_playing(True, speed)))

    def pause(self) -> None:
        self._keep(self._ask(lambda host: host.set_playing(False)))

    def step(self) -> None:
        """Plays one bar and pauses."""
        self._keep(self._ask(lambda host: host.step_bar()))

    async def close(self) -> None:
        """Stops asking for frames, ends the session and its thread."""
        self._stopping = True
        self.drop_margin()
        self.closing.emit()
        self._seen.set()
        for task in tuple(self._tasks):
            await asyncio.wait([task], timeout=1)
        await asyncio.to_thread(self.host.stop)
        if self._tasks:  # the host refused what was still open; nobody may speak to a window that is gone
            await asyncio.wait(tuple(self._tasks))

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a panel's coroutine as one of the window's own: awaited before the window goes, its faults said."""
        self._keep(work)

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[Any] | None:
        if self._stopping:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.faulted.emit(error)

    async def _ask(self, command: Callable[[Host], Future[T]], intent: Intent | None = None) -> T | None:
        """What the engine answers; None after a refusal, which is said."""
        if self.opening is None:
            self.refused.emit(intent, "The session is not open yet; nothing was done.")
            return None
        try:
            return await asyncio.wrap_future(command(self.host))
        except NiceGoldError as error:
            if not self._stopping:
                self.refused.emit(intent, str(error))
            return None

    async def _submit(self, intent: Intent) -> None:
        records = await self._ask(lambda host: host.submit(intent), intent)
        refusal = next((r.fact for r in records or () if isinstance(r.fact, IntentRefused)), None)
        if refusal is not None:
            self.refused.emit(intent, refusal.reason)
        elif records is not None:
            self.done.emit(intent, records)

    async def _preview(self, order: SubmitOrder | SubmitPair) -> None:
        verdict = await self._ask(lambda host: host.preview(order), order)
        if verdict is not None:
            self.verdict.emit(order, verdict)
