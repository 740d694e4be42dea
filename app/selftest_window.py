"""The self-test's window: the real one on the simulated market, looked at until it is painted, then traded in by its owner."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, qInstallMessageHandler

from app.run import Terminal, run_window
from app.screenshot import until, without_the_platforms_limits
from engine.domain.intents import Flatten, SubmitOrder
from engine.domain.market import Bars
from engine.request import Request
from engine.services.rehearsal import WORDS as COMPILING

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.picture import Picture

SIZE = (1366, 768)
BARS = 120
SETTLE_S = 0.3
SAMPLE = 4
"""Every fourth pixel each way is looked at when colours are counted."""


@dataclass(slots=True)
class Visit:
    """What was seen. Seconds count from the start of the process, those of `compiling_s` and `training_s` from their own start.

    `problem` says why the visit ended early; what is None was not reached.
    """

    painted_s: float | None = None
    compiling_s: float = 0.0
    training_s: float | None = None
    bars: int = 0
    colours: int = 0
    model_sha256: str = ""
    trade: list[str] = field(default_factory=list)
    traded: bool = False
    problem: str = ""


def process_age() -> float:
    """Seconds since this process began; where the system does not say, since this module was loaded."""
    with suppress(OSError, ValueError, AttributeError):
        fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.monotonic() - _LOADED


_LOADED = time.monotonic()


class FirstPaint(QObject):
    """Notes when the chart was first painted with bars in it."""

    def __init__(self, window: MainWindow, visit: Visit) -> None:
        super().__init__(window)
        self._surface, self._visit = window.panels["chart"].widget.surface, visit
        self._surface.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Looks, and lets everything pass; the paint itself comes after it."""
        if event.type() is QEvent.Type.Paint and self._surface.model.series.count:
            self._surface.removeEventFilter(self)
            QTimer.singleShot(0, self._note)
        return False

    def _note(self) -> None:
        self._visit.painted_s = process_age()


def visit_window(request: Request, picture: Path | None) -> Visit:
    """Opens the window, trades in it once and closes it; `picture` is the PNG that is kept of it."""
    visit = Visit()
    works: list[asyncio.Future[None]] = []

    def prepare(terminal: Terminal) -> None:
        work = asyncio.ensure_future(_look(terminal, visit, picture))
        terminal.tasks.append(work)
        works.append(work)

    previous = qInstallMessageHandler(without_the_platforms_limits)
    try:
        run_window(request, None, prepare, autoplay=False)
    finally:
        qInstallMessageHandler(previous)
    works[0].result()
    return visit


async def _look(terminal: Terminal, visit: Visit, picture: Path | None) -> None:
    try:
        while terminal.window is None:
            await asyncio.sleep(0)
        window = terminal.window
        window.resize(*SIZE)
        failures: list[BaseException] = []
        shown: deque[Picture] = deque(maxlen=1)
        window.bridge.failed.connect(failures.append)
        window.bridge.shown.connect(shown.append)
        begun = _time_the_opening(window, visit)
        await until(lambda: window.bridge.opening or failures)
        if failures:
            visit.problem = str(failures[0])
            return
        visit.training_s = time.monotonic() - begun[0]
        await until(lambda: visit.painted_s is not None)
        await _trade(window, visit, shown, picture)
    except TimeoutError:
        visit.problem = "the window waited in vain for what should have come"
    finally:
        terminal.leave()


def _time_the_opening(window: MainWindow, visit: Visit) -> list[float]:
    """Watches the first paint and the progress; the time at which the model's turn began is the list's one value."""
    FirstPaint(window, visit)
    start = time.monotonic()
    begun = [start]

    def history(_bars: Bars) -> None:
        begun[0] = time.monotonic()

    def progress(_share: float, words: str) -> None:
        if words == COMPILING:
            visit.compiling_s = time.monotonic() - start

    window.bridge.history.connect(history)
    window.bridge.progressed.connect(progress)
    return begun


async def _trade(window: MainWindow, visit: Visit, shown: deque[Picture], picture: Path | None) -> None:
    """Buys the least there is, sees the fill and the position, closes it, and sees the trade."""
    bridge, instrument = window.bridge, window.bridge.request.instrument
    play = partial(_play, window)
    await play(BARS)
    visit.model_sha256 = shown[-1].view.model_sha256
    bridge.submit(SubmitOrder(instrument.symbol, "buy", "market", 1))
    await until(lambda: shown[-1].chronicle.orders)
    visit.trade.append("order")
    await play(2)
    await until(lambda: shown[-1].chronicle.fills)
    visit.trade.append("fill")
    await until(lambda: shown[-1].view.positions)
    visit.trade.append("position")
    await asyncio.sleep(SETTLE_S)
    _grab(window, visit, picture)
    orders = len(shown[-1].chronicle.orders)
    bridge.submit(Flatten())
    await until(lambda: len(shown[-1].chronicle.orders) > orders)
    await play(2)
    await until(lambda: shown[-1].chronicle.trades and not shown[-1].view.positions)
    visit.trade.append("close")
    visit.traded = True


async def _play(window: MainWindow, bars: int) -> None:
    host = window.bridge.host
    await asyncio.wrap_future(host.play_bars(bars))
    await until(lambda: not host.is_busy)
    await window.bridge.refresh()


def _grab(window: MainWindow, visit: Visit, picture: Path | None) -> None:
    grabbed = window.grab()
    image = grabbed.toImage()
    rows, columns = range(0, image.height(), SAMPLE), range(0, image.width(), SAMPLE)
    visit.colours = len({image.pixel(x, y) for y in rows for x in columns})
    visit.bars = window.panels["chart"].widget.surface.model.series.count
    if picture is not None and not grabbed.save(str(picture)):
        visit.problem = f"{picture} could not be written"
