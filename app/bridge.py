"""The one door between window and engine: intents go in as coroutines, frames come out at the window's pace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from time import perf_counter
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.picture import Picture
from engine.domain.facts import IntentRefused, Record
from engine.domain.intents import Intent, SubmitOrder
from engine.host import Host, Opening
from engine.portfolio.chronicle import Chronicle
from engine.session import Request
from widgets.format import Display

FRAME_S = 1 / 30


class Bridge(QObject):
    """Owns the host and asks it for frames. All signals are emitted on the window's thread.

    `progressed(share, words)` while the session opens, `shown(Picture)` per frame, `refused(intent, sentence)`,
    `verdict(order, Verdict)`, `failed(exception)` when the engine stopped.
    """

    progressed = Signal(float, str)
    opened = Signal(object)
    shown = Signal(object)
    refused = Signal(object, str)
    done = Signal(object, object)
    verdict = Signal(object, object)
    failed = Signal(object)
    _crashed = Signal(object)

    def __init__(self, request: Request, display: Display, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.request = request
        self.display = display
        self.chronicle = Chronicle()
        self.opening: Opening | None = None
        self.frame_ms = 0.0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._crashed.connect(self.failed)
        told = _with_progress(request, self.progressed.emit)
        self.host = Host(told, self._crashed.emit)

    async def run(self) -> None:
        """Opens the session and shows frames until `close`."""
        try:
            self.opening = await asyncio.wrap_future(self.host.start())
        except Exception as error:  # shown in the window, which stays open to say what to mend
            self.failed.emit(error)
            return
        for record in self.opening.records:
            self.chronicle.take(record)
        self.opened.emit(self.opening)
        while not self._stopping:
            await self.refresh()
            await asyncio.sleep(FRAME_S)

    async def refresh(self) -> None:
        """Takes a frame and shows it."""
        assert self.opening is not None
        frame = await asyncio.wrap_future(self.host.take())
        begun = perf_counter()
        for record in frame.records:
            self.chronicle.take(record)
        instrument = self.request.instrument
        self.shown.emit(Picture(frame, self.opening, self.chronicle, instrument, self.display))
        self.frame_ms = 1_000 * (perf_counter() - begun)

    def submit(self, intent: Intent) -> None:
        """Sends an intent; `refused` says so when it is not carried out."""
        self._keep(self._submit(intent))

    def preview(self, order: SubmitOrder) -> None:
        """Asks what the gate thinks of a ticket; `verdict` answers."""
        self._keep(self._preview(order))

    def play(self, speed: float | None = None) -> None:
        self._keep(self._wait(self.host.set_playing(True, speed)))

    def pause(self) -> None:
        self._keep(self._wait(self.host.set_playing(False)))

    def step(self) -> None:
        """Plays one bar and pauses."""
        self._keep(self._wait(self.host.step_bar()))

    async def close(self) -> None:
        """Stops asking for frames, ends the session and its thread."""
        self._stopping = True
        for task in tuple(self._tasks):
            await asyncio.wait([task], timeout=1)
        await asyncio.to_thread(self.host.stop)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed.emit(error)

    async def _submit(self, intent: Intent) -> None:
        records: Sequence[Record] = await asyncio.wrap_future(self.host.submit(intent))
        refusal = next((r.fact for r in records if isinstance(r.fact, IntentRefused)), None)
        if refusal is not None:
            self.refused.emit(intent, refusal.reason)
        else:
            self.done.emit(intent, records)

    async def _preview(self, order: SubmitOrder) -> None:
        self.verdict.emit(order, await asyncio.wrap_future(self.host.preview(order)))

    async def _wait(self, answer: Any) -> None:
        await asyncio.wrap_future(answer)


def _with_progress(request: Request, progress: Any) -> Request:
    from dataclasses import replace

    return replace(request, progress=progress, apart=True)
