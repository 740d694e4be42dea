"""Faults and other things the program has to say: into the log panel, the log file, and never into silence."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

from app.paths import log_dir
from engine.core.clock import SystemClock
from engine.core.errors import NiceGoldError
from engine.core.log import crash_log, logger
from widgets.tables.log import KEPT, LogLine


class WindowLog:
    """The last lines of the log, for the window; every line goes to the log file as well."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=KEPT)
        self._count = 0
        self._clock = SystemClock()
        self._lock = threading.Lock()

    def say(self, text: str, level: str = "info", source: str = "window") -> None:
        """Adds a line. May be called from any thread."""
        with self._lock:
            self._count += 1
            self._lines.append(LogLine(self._count, self._clock.now(), level, source, text))
        getattr(logger(source), level)(text)

    def since(self, number: int) -> list[LogLine]:
        """The lines after `number`."""
        with self._lock:
            return [line for line in self._lines if line.number > number] if self._count > number else []


LOG = WindowLog()


def said(error: BaseException, source: str) -> str:
    """What the owner is told of an error, logged on the way: its own sentence, or for a bug where the report lies."""
    if isinstance(error, NiceGoldError):
        sentence = str(error)
        LOG.say(sentence, "error", source)
        begins_with_a_word = sentence.split(" ", 1)[0].isalpha()
        return f"{sentence[:1].upper() if begins_with_a_word else sentence[:1]}{sentence[1:].rstrip('.')}."
    report = crash_log(log_dir(), error)
    LOG.say(f"{type(error).__name__}: {error}; the report is in {report}", "error", source)
    return f"Something went wrong inside the program ({type(error).__name__}: {error}); the report is in {report}."


def catch_everything(folder: Path) -> None:
    """Routes what nobody caught, on any thread, into the log and a crash report in `folder`; the window stays alive."""

    def caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        report = crash_log(folder, error)
        LOG.say(f"{kind.__name__}: {error}; the report is in {report}", "error", "fault")
        traceback.print_exception(kind, error, trace)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            caught(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = caught
    threading.excepthook = in_thread


def catch_in_loop(loop: asyncio.AbstractEventLoop, folder: Path) -> None:
    """The same for what a task or callback of the loop let fall."""

    def handle(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            report = crash_log(folder, error)
            LOG.say(f"{type(error).__name__}: {error}; the report is in {report}", "error", "fault")
        else:
            LOG.say(str(context.get("message", "a task failed")), "error", "fault")

    loop.set_exception_handler(handle)
