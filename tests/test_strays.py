"""The look for what a test leaves behind sees all four kinds, and only what is new."""

from __future__ import annotations

import asyncio
import threading

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from tests.strays import Census


def test_a_thread_that_does_not_end_is_a_stray() -> None:
    before, gate = Census(), threading.Event()
    thread = threading.Thread(target=gate.wait, name="lingering")
    thread.start()
    assert "lingering" in " ".join(before.strays())
    assert Census().strays() == []
    gate.set()
    thread.join()
    assert before.strays() == []


def test_a_task_that_waits_is_a_stray() -> None:
    before = Census()
    loop = asyncio.new_event_loop()
    task = loop.create_task(asyncio.sleep(60), name="waiting")
    assert "waiting" in " ".join(before.strays())
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    assert before.strays() == []


def test_a_window_that_nobody_deletes_is_a_stray(qapp) -> None:
    before = Census()
    window = QWidget()
    inner = QWidget(window)
    assert len(before.strays()) == 1
    assert inner.parent() is window
    window.deleteLater()
    assert before.strays() == []


def test_a_timer_that_fires_on_is_a_stray(qapp) -> None:
    before = Census()
    timer = QTimer()
    timer.start(60_000)
    assert "QTimer" in " ".join(before.strays())
    timer.stop()
    assert before.strays() == []
