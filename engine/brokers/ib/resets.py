"""When Interactive Brokers is known to be away: every night, at the weekend, and when the week's login ends."""

from __future__ import annotations

from datetime import datetime, time
from typing import NamedTuple

from engine.core.clock import Nanos, to_datetime


class Window(NamedTuple):
    """From `begin` to `end` of the day in `zone`; `why` is the end of a sentence."""

    zone: str
    begin: time
    end: time
    why: str

    def holds(self, at: Nanos) -> bool:
        """Whether the time lies in it, on any day."""
        return self.begin <= to_datetime(at, self.zone).time() < self.end


NIGHTLY = (
    Window("America/New_York", time(0, 15), time(1, 45), "its servers in North America reset at this hour of every night"),
    Window("Europe/Berlin", time(6, 25), time(7, 45), "its servers in Europe reset at this hour of every day"),
)
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6


def expected_at(at: Nanos) -> str:
    """Why Interactive Brokers may be away at this time, as a clause; "" where it should be there."""
    shown = to_datetime(at, "America/New_York")
    if _is_weekend(shown):
        return "it is away from Friday 23:00 to Saturday 03:00 New York time"
    if shown.weekday() == SUNDAY and time(1) <= shown.time() < time(18):
        return "a login lasts until Sunday 01:00 New York time, so TWS may wait for you to log in"
    return next((window.why for window in NIGHTLY if window.holds(at)), "")


def _is_weekend(shown: datetime) -> bool:
    return (shown.weekday() == FRIDAY and shown.time() >= time(23)) or (shown.weekday() == SATURDAY and shown.time() < time(3))
