"""Time: integer nanoseconds since 1970-01-01 UTC. The system clock is read here and nowhere else."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

Nanos = int

SECOND: Nanos = 1_000_000_000
MINUTE: Nanos = 60 * SECOND
HOUR: Nanos = 60 * MINUTE
DAY: Nanos = 24 * HOUR
WEEK: Nanos = 7 * DAY


class Clock(Protocol):
    """Answers what time it is. Injected, so that a replay is as deterministic as its file."""

    def now(self) -> Nanos:
        """The current time in ns UTC."""
        ...


class SystemClock:
    """The machine's own clock, for live sessions and for measuring."""

    def now(self) -> Nanos:
        return time.time_ns()

    def monotonic(self) -> Nanos:
        """Nanoseconds that never step back; for durations and timeouts only."""
        return time.monotonic_ns()


class ManualClock:
    """A clock that stands where the feed put it."""

    __slots__ = ("_now",)

    def __init__(self, at: Nanos = 0) -> None:
        self._now = at

    def now(self) -> Nanos:
        return self._now

    def set(self, at: Nanos) -> None:
        self._now = at


def from_iso(text: str) -> Nanos:
    """Nanoseconds of an ISO 8601 time; a time without an offset is UTC. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return from_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))


def from_datetime(at: datetime) -> Nanos:
    """Nanoseconds of an aware datetime, exact to the microsecond."""
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * 1_000


def to_datetime(at: Nanos, zone: str = "UTC") -> datetime:
    """The aware datetime of `at` in `zone`, cut to microseconds."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at // 1_000)
    return utc.astimezone(ZoneInfo(zone))


def to_iso(at: Nanos) -> str:
    """`at` as ISO 8601 in UTC, with a trailing Z."""
    return to_datetime(at).isoformat().replace("+00:00", "Z")
