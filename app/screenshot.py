"""A picture of the real window, made offscreen: what it shows after some bars, and the same in plain values."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import UserError
from engine.request import Request

if TYPE_CHECKING:
    from app.run import Terminal

PATIENCE_S = 300.0
SETTLE_FRAMES = 4


def take_screenshot(
    request: Request, file: Path, size: str, theme: str, bars: int, commands: list[str], dump: Path | None, own_book: bool
) -> int:
    """Opens the window offscreen on the request, plays `bars`, runs the window's `commands`, writes the PNG at `file` and leaves.

    Without a book of its own the session is kept in a temporary one. UserError for a size or theme that is none.
    """
    width, height = _size(size)
    if theme not in ("dark", "light"):
        raise UserError(f"--theme {theme!r} is not known; use dark or light")
    if not file.parent.is_dir():
        raise UserError(f"the folder {file.parent} does not exist; make it first")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        if not own_book:
            request = replace(request, db=f"sqlite:///{folder}/books.db")
        os.environ["NICEGOLD_WINDOW_MEMORY"] = folder
        from PySide6.QtCore import qInstallMessageHandler

        from app.run import run_window

        missed: list[str] = []
        works: list[asyncio.Future[None]] = []

        def prepare(terminal: Terminal) -> None:
            terminal.theme = theme
            work = asyncio.ensure_future(_shoot(terminal, file, (width, height), bars, commands, dump, missed))
            terminal.tasks.append(work)
            works.append(work)

        previous = qInstallMessageHandler(without_the_platforms_limits)
        try:
            run_window(request, None, prepare, autoplay=False)
        finally:
            qInstallMessageHandler(previous)
        works[0].result()
    if missed:
        raise UserError(missed[0])
    print(file)
    return 0


def without_the_platforms_limits(_kind: object, _where: object, message: str) -> None:
    """What Qt has to say, but for what an offscreen window never can do."""
    if not message.startswith("This plugin does not support"):
        print(message, file=sys.stderr)


async def _shoot(
    terminal: Terminal, file: Path, size: tuple[int, int], bars: int, commands: list[str], dump: Path | None, missed: list[str]
) -> None:
    try:
        window = await until(lambda: terminal.window)
        window.resize(*size)
        bridge = window.bridge
        failures: list[BaseException] = []
        bridge.failed.connect(failures.append)
        await until(lambda: bridge.opening or failures)
        if failures:
            missed.append(str(failures[0]))
            return
        await asyncio.wrap_future(bridge.host.play_bars(bars))
        await until(lambda: failures or not bridge.host.is_busy)
        for command in commands:
            window.commands.run(command)
            await asyncio.sleep(0.1)
            await until(lambda: failures or not bridge.host.is_busy)
        for _ in range(SETTLE_FRAMES):
            await bridge.refresh()
            await asyncio.sleep(0.1)
        window.grab().save(str(file))
        if dump is not None:
            dump.write_text(json.dumps(window.state(), indent=1, default=str), "utf-8")
    except TimeoutError:
        missed.append("the session was not ready in time; try again with a file that is shorter")
    except KeyError as error:
        missed.append(f"the window has no command {error.args[0]!r}; Ctrl+K lists them")
    finally:
        terminal.leave()


async def until(found: Callable[[], Any]) -> Any:
    """Waits until `found` has something, and returns it. TimeoutError when it never does."""
    waited = 0.0
    while not (value := found()):
        if waited > PATIENCE_S:
            raise TimeoutError
        await asyncio.sleep(0.05)
        waited += 0.05
    return value


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts) or not all(300 <= int(part) <= 8_000 for part in parts):
        raise UserError(f"--size {text!r} is no window size such as 1366x768")
    return int(parts[0]), int(parts[1])
