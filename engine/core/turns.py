"""A selector and a loop that let other threads have the interpreter only when there is nothing left to do. For epoll.

Two things would let them in. asyncio calls `select` between any two callbacks; here it only looks, and keeps the interpreter's
lock, until nothing is left or TURN_NS are over. And threads that wait for the lock ask for it after the switch interval; it is
long for them while this loop works, and short while it waits.
"""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from engine.core.clock import SystemClock
from engine.core.kept import Looking, kept
from engine.core.undisturbed import SWITCH_S, UNDISTURBED_S

TURN_NS = 10_000_000
"""How long the loop goes on without letting others in while it has something to do. A callback is never cut short."""

SHARED_S = 0.0005
"""How long a thread waits before it asks while the loop itself waits for an answer of one."""

BREAK_S = 0.0001
"""How long the others' turn is then, at the least."""

HELD_NS, STAYS_NS = 25_000_000, 1_000_000_000
"""So late means that another thread kept the interpreter, and for so long it is expected to do so again."""

T = TypeVar("T")
_now = SystemClock().monotonic
Found = list[tuple[selectors.SelectorKey, int]]


class Turns(selectors.EpollSelector):
    """`wakes` counts how often it waited and came back, `woken` is when it last had the interpreter again, monotonic ns."""

    def __init__(self) -> None:
        super().__init__()
        self.wakes = 0
        self.woken = _now()
        self._held_until = 0
        self._waited_for = 0
        self._looking = Looking()

    @property
    def is_held_up(self) -> bool:
        """Whether another thread keeps the interpreter for long, by what was seen within the last second."""
        return _now() < self._held_until

    def wait_for_others(self, more: int) -> None:
        """So many `more` (or less) answers of other threads are waited for: they take turns with this one until they came."""
        self._waited_for += more

    def select(self, timeout: float | None = None) -> Found:
        """What is ready, as of any selector."""
        if self._waited_for and not self.is_held_up:
            return self._let_in(timeout, super().select, SHARED_S)
        found = self._ready()
        if not found and (timeout is None or timeout > 0):
            return self._let_in(timeout, super().select)
        if _now() - self.woken >= TURN_NS:
            self._let_in(BREAK_S, time.sleep)
            found = found or self._ready()
        return found

    def _let_in(self, seconds: float | None, wait: Callable[[Any], T], then_s: float | None = None) -> T:
        """Others may have the interpreter while `wait` waits, `seconds` or until there is news, and when they waited `then_s`."""
        sys.setswitchinterval(then_s or SWITCH_S)
        begun = _now()
        result = wait(seconds)
        sys.setswitchinterval(then_s or UNDISTURBED_S)
        self.woken = _now()
        self.wakes += 1
        if seconds is not None and self.woken - begun - int(seconds * 1e9) >= HELD_NS:
            self._held_until = self.woken + STAYS_NS
        return result

    def _ready(self) -> Found:
        known, found = self.get_map(), Found()
        for handle, mask in self._looking.at(self.fileno()):
            if handle in known:
                key = known[handle]
                events = selectors.EVENT_WRITE if mask & ~select.EPOLLIN else 0
                events |= selectors.EVENT_READ if mask & ~select.EPOLLOUT else 0
                found.append((key, events & key.events))
        return found


class UndisturbedLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with Turns; what plain sockets and other threads tell it is read without letting others in."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._interval_before = sys.getswitchinterval()
        super().__init__(self._turns)

    def close(self) -> None:
        """As of any loop; threads wait for the interpreter as long as before it."""
        if not self.is_closed() and not self.is_running():
            sys.setswitchinterval(self._interval_before)
        super().close()

    @property
    def turns(self) -> Turns:
        """Its selector."""
        return self._turns

    @property
    def is_held_up(self) -> bool:
        """Whether another thread keeps the interpreter for long."""
        return self._turns.is_held_up

    def wait_for_others(self, more: int) -> None:
        """So many `more` (or less) answers of other threads are waited for."""
        self._turns.wait_for_others(more)

    def _make_self_pipe(self) -> None:
        super()._make_self_pipe()  # type: ignore[misc]  # not in stubs
        self._ssock: socket.socket = kept(self._ssock)

    def _make_socket_transport(self, sock: socket.socket, *rest: Any, **named: Any) -> asyncio.Transport:
        made: asyncio.Transport = super()._make_socket_transport(kept(sock), *rest, **named)  # type: ignore[misc]  # not in stubs
        return made
