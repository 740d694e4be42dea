"""When a market is open: a weekly timetable in the zone of its exchange."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.core.clock import DAY, WEEK, Nanos, from_datetime, to_datetime
from engine.domain.holidays import Closure, Holidays


@dataclass(frozen=True, slots=True)
class Sessions:
    """A weekly timetable: each entry opens at (weekday, minute) and closes at (weekday, minute), local to `zone`.

    Weekdays count from Monday = 0; minutes from midnight. An empty timetable means open around the clock, without holidays.
    A session belongs to the day it closes on: on a holiday it does not open, on a short day it ends early. So no session is
    longer than a day where there are holidays (engine.domain.definition sees to it).
    """

    zone: str
    periods: tuple[tuple[int, int, int, int], ...] = ()
    holidays: Holidays | None = None

    def is_open(self, at: Nanos) -> bool:
        """True when `at` (ns UTC) lies in a session."""
        if not self.periods:
            return True
        edges = _edges(self, at // WEEK)
        return bool(bisect_right(edges, at) & 1)

    def next_open(self, at: Nanos) -> Nanos:
        """The first moment at or after `at` that is in a session."""
        if self.is_open(at):
            return at
        week = at // WEEK
        for number in (week, week + 1):
            for edge in _edges(self, number)[::2]:
                if edge >= at:
                    return edge
        raise ValueError(f"no session opens within two weeks of {to_datetime(at)}")

    def next_close(self, at: Nanos) -> Nanos:
        """The first close after `at`; for a market around the clock one year on."""
        if not self.periods:
            return at + 365 * DAY
        week = at // WEEK
        for number in (week, week + 1):
            for edge in _edges(self, number)[1::2]:
                if edge > at:
                    return edge
        raise ValueError(f"no session closes within two weeks of {to_datetime(at)}")

    @property
    def weekly(self) -> Sessions:
        """The same without holidays."""
        return self if self.holidays is None else Sessions(self.zone, self.periods)

    def closures(self, first: date, last: date) -> dict[date, Closure]:
        """The holidays and short days from `first` to `last`, by date, in order."""
        if self.holidays is None or not self.periods:
            return {}
        years = (self.holidays.of(year) for year in range(first.year, last.year + 1))
        return {day: found for each in years for day, found in each.items() if first <= day <= last}

    def closure(self, at: Nanos) -> Closure | None:
        """The holiday or short day that shuts the market at `at` (ns UTC); None while it is open or shut as every week."""
        if self.holidays is None or self.is_open(at) or not self.weekly.is_open(at):
            return None
        local = to_datetime(at, self.zone).date()
        found = self.closures(local, local + timedelta(days=1))
        return found.get(local) or found.get(local + timedelta(days=1))


@lru_cache(maxsize=4096)
def _edges(sessions: Sessions, week: int) -> list[Nanos]:
    """Opens and closes in turn, ns UTC, that cover epoch week `week` and a week on both sides."""
    zone = ZoneInfo(sessions.zone)
    middle = to_datetime(week * WEEK + WEEK // 2).date()
    monday = middle - timedelta(days=middle.weekday())
    unusual = sessions.closures(monday - timedelta(days=15), monday + timedelta(days=28))
    spans: list[tuple[Nanos, Nanos]] = []
    for offset in (-14, -7, 0, 7, 14):
        start = monday + timedelta(days=offset)
        for open_day, open_minute, close_day, close_minute in sessions.periods:
            last_day = close_day if close_day >= open_day else close_day + 7
            closure = unusual.get(start + timedelta(days=last_day))
            if closure is not None and closure.close is None:
                continue
            opened, closed = _local(start, open_day, open_minute, zone), _local(start, last_day, close_minute, zone)
            if closure is not None and closure.close is not None:
                closed = min(closed, _local(start, last_day, closure.close, zone))
            if opened < closed:
                spans.append((opened, closed))
    return _joined(sorted(spans))


def _joined(spans: list[tuple[Nanos, Nanos]]) -> list[Nanos]:
    """Sessions as opens and closes in turn; one that follows on another without a break is its continuation."""
    edges: list[Nanos] = []
    for opened, closed in spans:
        if edges and edges[-1] == opened:
            edges[-1] = closed
        else:
            edges += (opened, closed)
    return edges


def _local(monday: date, day: int, minute: int, zone: ZoneInfo) -> Nanos:
    at = datetime.combine(monday + timedelta(days=day), datetime.min.time()) + timedelta(minutes=minute)
    return from_datetime(at.replace(tzinfo=zone))


def daily_after(at: Nanos, zone: str, minute: int) -> Nanos:
    """The first moment after `at` when the wall clock in `zone` shows `minute` minutes past midnight."""
    local = to_datetime(at, zone)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        moment = _local(day, 0, minute, ZoneInfo(zone))
        if moment > at:
            return moment
    raise ValueError(f"no {minute // 60:02d}:{minute % 60:02d} in {zone} after {local}")


AROUND_THE_CLOCK = Sessions("UTC")
