"""When gold trades: Sunday 18:00 to Friday 17:00 in New York, with an hour's break each day at 17:00."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
ZONE_NAME = "US/Eastern"
"""How the wire calls the zone."""

OPENS, CLOSES = time(18), time(17)
REGULAR_OPENS = time(9, 30)
"""From here to the close is "regular"; an order that is not for outside regular hours waits for it."""


def is_open(at: datetime, regular: bool = False) -> bool:
    """Whether the venue trades at this aware time; with `regular`, whether it is in regular hours."""
    local = at.astimezone(NEW_YORK)
    if regular:
        return local.weekday() < 5 and REGULAR_OPENS <= local.time() < CLOSES
    day = session_day(at)
    return day.weekday() < 5 and not CLOSES <= local.time() < OPENS


def session_day(at: datetime) -> date:
    """The date on which the session that holds `at` ends."""
    local = at.astimezone(NEW_YORK)
    return local.date() + timedelta(days=1) if local.time() >= CLOSES else local.date()


def trading_day(at: datetime) -> date:
    """The day of the session that holds `at`, or of the next one if it lies between two."""
    day = session_day(at)
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day


def session_bounds(day: date) -> tuple[datetime, datetime]:
    """Opening and close (UTC) of the session that ends on this day."""
    opening = datetime.combine(day - timedelta(days=1), OPENS, NEW_YORK)
    close = datetime.combine(day, CLOSES, NEW_YORK)
    return opening.astimezone(UTC), close.astimezone(UTC)


def sessions_back(at: datetime, count: int) -> datetime:
    """Where the `count`-th session back opened, the one at `at` (or the last before it) being the first."""
    day = session_day(at)
    while True:
        if day.weekday() < 5 and session_bounds(day)[0] < at:
            count -= 1
        if count == 0:
            return session_bounds(day)[0]
        day -= timedelta(days=1)


def schedule(at: datetime, regular: bool = False, days: int = 5) -> str:
    """Trading hours as contract details list them, from the day of `at` on."""
    parts = []
    for offset in range(days):
        day = session_day(at) + timedelta(days=offset)
        if day.weekday() > 4:
            parts.append(f"{day:%Y%m%d}:CLOSED")
        elif regular:
            parts.append(f"{day:%Y%m%d}:0930-{day:%Y%m%d}:1700")
        else:
            parts.append(f"{day - timedelta(days=1):%Y%m%d}:1800-{day:%Y%m%d}:1700")
    return ";".join(parts)
