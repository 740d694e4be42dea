"""The real terminal under test: window, bridge and engine together, off screen, on books of their own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QWidget
from qasync import QEventLoop

from app.bridge import Bridge
from app.main_window import MainWindow
from app.run import Terminal, application
from engine.config import load
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.session import Request
from engine.signals.desk import Mode

PATIENCE_S = 60.0
OPENING_S = 120.0
"""On a machine that never ran the program its kernels are compiled first."""
BRISK = 6_000.0
"""A hundred minute bars a second: a few a frame, so that a card can be answered before it expires."""


def request(folder: Path, **changes: Any) -> Request:
    """The simulated market with the model-free policy, asking the owner, on books in `folder`."""
    values: dict[str, Any] = {
        "db": f"sqlite:///{(folder / 'books.db').as_posix()}",
        "models": folder / "models",
        "instrument": instrument_of("XAUUSD"),
        "timeframe": Timeframe.of("M1"),
        "config": load(None),
        "policy": "sma_cross",
        "mode": Mode.CONFIRM,
    }
    return Request(**(values | changes))


@dataclass(slots=True)
class Desk:
    """The terminal as its owner has it: what is shown, and hands on keyboard and mouse."""

    terminal: Terminal

    @property
    def window(self) -> MainWindow:
        assert self.terminal.window is not None
        return self.terminal.window

    @property
    def bridge(self) -> Bridge:
        return self.window.bridge

    def panel(self, name: str) -> Any:
        """The widget in the dock called `name`."""
        return self.window.panels[name].widget

    def rows(self, name: str) -> list[dict[str, str]]:
        """The rows of a table panel, each by its column's name."""
        model = self.panel(name).model
        columns = [column.name for column in model.columns]
        return [dict(zip(columns, cells, strict=True)) for cells in texts(model)]

    def lines(self) -> dict[str, str]:
        """The lines on the chart: id to price."""
        return {line["id"]: line["price"] for line in self.panel("chart").state()["lines"]}

    async def frame(self) -> None:
        """A picture of now, shown."""
        await self.bridge.refresh()

    async def until(self, claim: Callable[[], Any], what: str, patience: float = PATIENCE_S) -> Any:
        """Looks at every turn of the loop whether `claim` holds, and returns what it gave."""
        end = monotonic() + patience
        while not (value := claim()):
            assert monotonic() < end, f"never came: {what}; shown was {self._shown()}"
            await asyncio.sleep(0.01)
        return value

    def _shown(self) -> str:
        return str(self.window.state()) if self.terminal.window is not None else "no window"

    async def opened(self) -> None:
        """The session is open and the first picture is shown."""
        await self.until(lambda: self.terminal.window is not None and self.bridge.opening, "an open session", OPENING_S)
        await self.frame()

    async def play(self, claim: Callable[[], Any], what: str, speed: float = BRISK) -> Any:
        """Plays the market until `claim` holds, then pauses it."""
        self.bridge.play(speed)
        try:
            return await self.until(claim, what)
        finally:
            await self.pause()

    async def pause(self) -> None:
        """Pauses the market and waits until the window shows it."""
        self.bridge.pause()
        await self.until(lambda: not self.bridge.host.is_busy, "a market that stands")
        await self.frame()

    async def bars(self, count: int) -> None:
        """Plays `count` bars as fast as it goes."""
        await asyncio.wrap_future(self.bridge.host.play_bars(count))
        await self.until(lambda: not self.bridge.host.is_busy, f"{count} bars")
        await self.frame()

    def press(self, key: Qt.Key, widget: QWidget | None = None, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        """A key where the focus is, or in `widget`."""
        target = widget or self.window.focusWidget() or self.window
        QTest.keyClick(target, key, modifiers)

    def click(self, button: QPushButton) -> None:
        """The left mouse button; only what is enabled can be clicked."""
        assert button.isEnabled(), f"{button.text()!r} is disabled"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def texts(model: Any) -> list[list[str]]:
    """What a table's cells say."""
    return [[model.text(row, column) for column in range(model.columnCount())] for row in range(model.rowCount())]


Scenario = Callable[[Desk], Coroutine[Any, Any, None]]


def live(wanted: Request, scenario: Scenario, autoplay: bool = False) -> None:
    """Opens the terminal on `wanted`, lets `scenario` use it, and closes it in order."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app, theme = application("dark")
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    problems: list[str] = []
    loop.set_exception_handler(lambda _loop, context: problems.append(str(context)))
    try:
        with loop:
            loop.run_until_complete(_use(Terminal(wanted, theme, autoplay=autoplay), scenario))
    finally:
        asyncio.set_event_loop(None)
    assert problems == []


async def _use(terminal: Terminal, scenario: Scenario) -> None:
    life = asyncio.ensure_future(terminal.run())
    desk = Desk(terminal)
    try:
        await desk.until(lambda: terminal.window is not None or life.done(), "a window")
        await scenario(desk)
    finally:
        terminal.leave()
        await asyncio.wait_for(life, PATIENCE_S)
