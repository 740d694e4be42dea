"""The minutes a simulated market trades in, and what the wall clocks of the world say about each of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.clock import DAY, HOUR, MINUTE, Nanos, to_datetime
from engine.domain.market import Floats, Ints
from engine.domain.sessions import Sessions

_LOOK_BACK = 5 * DAY  # longer than any weekend, so that the gap before a chunk is known
_QUIET_BELOW = 1.0
_QUIET_SPAN = 0.4
_ROLL = 17 * 60
_NEWS = (8 * 60 + 30, 10 * 60)
_BUMPS = (
    ("Asia/Tokyo", 10 * 60, 90, 0.30),
    ("Europe/London", 8 * 60 + 30, 75, 0.75),
    ("America/New_York", 9 * 60 + 20, 105, 1.35),
    ("America/New_York", 14 * 60, 50, 0.20),
)
"""Zone, local minute of the peak, width in minutes and height of each busy time."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Columns, one row a minute of trading. `at` is its open in ns UTC.

    `activity` scales volatility (mean square 1 over a day), `quiet` is 0 to 1, `edge` the minutes to the roll or to the
    nearest open or close of the market, `news` 1.0 at scheduled news, `gap` the closed minutes just before (0 inside a session).
    """

    at: Ints
    activity: Floats
    quiet: Floats
    edge: Floats
    news: Floats
    gap: Floats


def timetable(sessions: Sessions, start: Nanos, end: Nanos) -> Timetable:
    """The trading minutes that open in [start, end)."""
    spans = _spans(sessions, start - _LOOK_BACK, end)
    at, gap, edge = _minutes(spans, start, end, bounded=bool(sessions.periods))
    new_york = local_minute(at, "America/New_York")
    raw = _activity(at)
    weekday = (at // DAY + 3) % 7  # the epoch was a Thursday
    news = (np.isin(new_york, _NEWS) & (weekday < 5)).astype(np.float64)
    roll = np.abs(new_york - _ROLL).astype(np.float64)
    quiet = np.clip((_QUIET_BELOW - raw) / _QUIET_SPAN, 0.0, 1.0)
    return Timetable(at, raw / _mean_activity(), quiet, np.minimum(edge, roll), news, gap)


def local_minute(at: Ints, zone: str) -> Ints:
    """The minute of the day that clocks in `zone` show at each `at`."""
    minutes: Ints = (at // MINUTE + _offsets(at // HOUR, zone)) % 1440
    return minutes


def _offsets(hours: Ints, zone: str) -> Ints | int:
    """Minutes east of UTC at each (ascending) hour since the epoch; one number where clocks were not changed between them."""
    if not len(hours) or _offset(zone, int(hours[0])) == _offset(zone, int(hours[-1])):
        return _offset(zone, int(hours[0])) if len(hours) else 0
    known, inverse = np.unique(hours, return_inverse=True)
    offsets: Ints = np.array([_offset(zone, int(hour)) for hour in known], np.int64)[inverse]
    return offsets


@lru_cache(maxsize=4_096)
def _offset(zone: str, hour: int) -> int:
    offset = to_datetime(hour * HOUR, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) // 60


def _spans(sessions: Sessions, start: Nanos, end: Nanos) -> list[tuple[Nanos, Nanos]]:
    """The sessions that touch [start, end); a market around the clock is one span."""
    spans = []
    opened = sessions.next_open(start)
    while opened < end:
        closed = sessions.next_close(opened)
        spans.append((opened, closed))
        opened = sessions.next_open(closed)
    return spans if sessions.periods else [(start, end)]


def _minutes(spans: list[tuple[Nanos, Nanos]], start: Nanos, end: Nanos, *, bounded: bool) -> tuple[Ints, Floats, Floats]:
    columns: list[tuple[Ints, Floats, Floats]] = []
    for number, (opened, closed) in enumerate(spans):
        at = np.arange(max(opened, start), min(closed, end), MINUTE, dtype=np.int64)
        gap = np.zeros(len(at))
        if len(at) and number and at[0] == opened:
            gap[0] = (opened - spans[number - 1][1]) / MINUTE
        edge = np.minimum(at - opened, closed - at) / MINUTE if bounded else np.full(len(at), 1e9)
        columns.append((at, gap, edge))
    if not columns:
        return np.empty(0, np.int64), np.empty(0), np.empty(0)
    at, gap, edge = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return at, gap, edge


def _activity(at: Ints) -> Floats:
    level = np.full(len(at), 0.6)
    for zone, peak, width, height in _BUMPS:
        away = np.abs(local_minute(at, zone) - peak)
        away = np.minimum(away, 1440 - away) / width
        level += height * np.exp(-0.5 * away * away)
    return level


@lru_cache(maxsize=1)
def _mean_activity() -> float:
    """Root mean square over one winter day, so that an instrument's volatility is what its parameters say."""
    day = np.arange(0, DAY, MINUTE, dtype=np.int64)
    return float(np.sqrt(np.mean(_activity(day) ** 2)))
