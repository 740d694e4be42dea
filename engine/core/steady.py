"""A clock for live trading: it follows the machine's, but never steps back and says when it was made to leap."""

from __future__ import annotations

from typing import Protocol

from engine.core.clock import MINUTE, SECOND, Nanos, SystemClock


class Machine(Protocol):
    """The machine's two clocks."""

    def now(self) -> Nanos: ...

    def monotonic(self) -> Nanos: ...


LEAP: Nanos = MINUTE
"""A step forward of this much or more is a leap: the machine slept, or its clock was set.

A session asks for the time several times a second, so this much between two answers is one too: on some systems the monotonic
clock goes on while the machine sleeps."""
_DRIFT: Nanos = SECOND


class SteadyClock:
    """Wall time by the monotonic clock. A machine clock that was set forward is followed at once, one that was set back is waited
    for: time passes at half its speed until both agree. `take_leap` tells of a leap forward, once."""

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or SystemClock()
        self._wall = self._machine.now()
        self._mono = self._machine.monotonic()
        self._leap: Nanos = 0

    def now(self) -> Nanos:
        """The current time in ns UTC, never before the last answer."""
        mono, wall = self._machine.monotonic(), self._machine.now()
        passed = max(0, mono - self._mono)
        steady, ahead = self._wall + passed, 0
        if wall - steady > _DRIFT:
            ahead, steady = wall - steady, wall
        elif steady - wall > _DRIFT:
            steady -= min(passed // 2, steady - wall)
        leap = max(ahead, passed)
        self._leap += leap if leap >= LEAP else 0
        self._wall, self._mono = steady, mono
        return steady

    def monotonic(self) -> Nanos:
        """Nanoseconds that never step back; for durations and timeouts only."""
        return self._machine.monotonic()

    @property
    def has_leapt(self) -> bool:
        """Whether `take_leap` has something to tell, as far as `now` was asked."""
        return self._leap > 0

    def take_leap(self) -> Nanos:
        """How far time leapt forward since this was last asked; 0 where it did not."""
        leap, self._leap = self._leap, 0
        return leap
