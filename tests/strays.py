"""What a test may not leave behind: threads, asyncio tasks, windows, and timers that still fire."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import pytest

PATIENCE_S = 20.0
"""How long what is on its way out may take."""


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fails a test after which something runs or waits that did not before."""
    before = Census()
    yield
    left = before.strays()
    if left:
        gc.collect()
        left = _in_time(before.strays)
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


class Census:
    """What runs and waits at one moment."""

    def __init__(self) -> None:
        self._known = [everything() for _name, everything in KINDS]

    def strays(self) -> list[str]:
        """What is there now and was not then, in words."""
        _delete_what_qt_was_asked_to()
        found = []
        for (name, everything), known in zip(KINDS, self._known, strict=True):
            found += [f"{name} {it!r}" for it in everything() if it not in known]
        return found


def threads() -> list[threading.Thread]:
    """Threads that keep the process alive."""
    return [thread for thread in threading.enumerate() if not thread.daemon]


def tasks() -> list[asyncio.Task[Any]]:
    """Tasks of any loop that are not done; asyncio itself only tells of one loop's."""
    known = getattr(asyncio.tasks, "_scheduled_tasks", None) or getattr(asyncio.tasks, "_all_tasks", ())
    return [task for task in list(known) if not task.done()]


def windows() -> list[Any]:
    """Widgets without a parent."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return []
    return [widget for widget in widgets.QApplication.topLevelWidgets() if widget.parent() is None and not _is_qts_own(widget)]


def timers() -> list[Any]:
    """Running timers that Python made."""
    core, shiboken = sys.modules.get("PySide6.QtCore"), sys.modules.get("shiboken6")
    if core is None or shiboken is None:
        return []
    return [it for it in shiboken.getAllValidWrappers() if isinstance(it, core.QTimer) and it.isActive()]


KINDS: tuple[tuple[str, Callable[[], list[Any]]], ...] = (
    ("thread", threads),
    ("task", tasks),
    ("window", windows),
    ("timer", timers),
)


def _is_qts_own(widget: Any) -> bool:
    return widget.metaObject().className() in {"QTipLabel", "QWidgetWindow", "QDesktopScreenWidget"}


def _delete_what_qt_was_asked_to() -> None:
    """`deleteLater` waits for an event loop that a test may not have had."""
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)


def _in_time(strays: Callable[[], list[str]]) -> list[str]:
    """What is still there when patience ends."""
    end = monotonic() + PATIENCE_S
    while (left := strays()) and monotonic() < end:
        sleep(0.01)
    return left
