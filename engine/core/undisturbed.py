"""An asyncio loop that finishes what it was woken for before another thread gets the interpreter.

A thread that lets go of the interpreter's lock, be it for a microsecond, may have to wait for it as long as another thread likes
to compute; a stop on its way out must not let go between what triggers it and its bytes. Where the system has no epoll (Windows,
macOS) the loop is asyncio's own, and a busy thread can come between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.core.kept import HAS_EPOLL

SWITCH_S, UNDISTURBED_S = 0.005, 0.02
"""How long a thread waits for the interpreter before it asks for it: while the engine waits, and while it works. A thread that
gives way may still read the first, so that is longer than a stop takes on its way out."""

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for a live session."""
    if not HAS_EPOLL:
        return asyncio.new_event_loop()
    from engine.core.turns import UndisturbedLoop

    return UndisturbedLoop()


def run(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on such a loop."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main)


def is_held_up(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether another thread keeps the interpreter from `loop` for long; False where that cannot be told."""
    return bool(getattr(loop, "is_held_up", False))


def wait_for_others(loop: asyncio.AbstractEventLoop, more: int) -> None:
    """Tells `loop` that so many `more` (or less) answers of other threads are waited for, so that these have their turns too."""
    tell = getattr(loop, "wait_for_others", None)
    if tell is not None:
        tell(more)
