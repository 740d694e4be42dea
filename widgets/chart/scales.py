"""Where the ticks of the axes stand and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from engine.core.clock import DAY, HOUR, MINUTE, Nanos, from_datetime, to_datetime
from engine.domain.market import Ints

STEPS: tuple[Nanos, ...] = tuple(n * MINUTE for n in (1, 2, 5, 10, 15, 30)) + tuple(n * HOUR for n in (1, 2, 3, 4, 6, 12))
DAY_STEPS = (1, 2, 7)
MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
TRADED_DAY = DAY * 5 // 7
"""What a day takes of the axis on average, weekends taken out."""
SPACING = 84.0
MOST = 600
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A label under bar `index`; `rank` 0 time of day, 1 day, 2 month, 3 year: a higher one is drawn stronger."""

    index: int
    text: str
    rank: int


def price_ticks(low: float, high: float, most: int, grid: float) -> tuple[float, list[float]]:
    """A step of 1, 2, 2.5 or 5 times a power of ten, not finer than `grid`, and its multiples within the range."""
    if not high > low or most < 1:
        return grid, []
    raw = max((high - low) / most, grid)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= raw * 0.999)
    if step < grid * 10 and (step / grid) % 1 > 1e-6:
        step = math.ceil(step / grid) * grid
    first, last = math.ceil(low / step), math.floor(high / step)
    return step, [n * step for n in range(first, last + 1)]


def time_ticks(at: Ints, start: int, stop: int, bar_pixels: float, span: Nanos, zone: str) -> list[TimeTick]:
    """Labels for bars [start, stop) of the ascending open times `at`, bars `span` long, about SPACING pixels apart or more."""
    if stop - start < 1:
        return []
    zone, shift = labelled_in(span, zone)
    edges = _boundaries(int(at[start]) + shift, int(at[stop - 1]) + shift, SPACING / bar_pixels * span, zone)
    indices = np.searchsorted(at[:stop], np.array(edges, np.int64) - shift)
    ticks: list[TimeTick] = []
    for index in sorted({int(i) for i in indices if start <= i < stop}):
        local = to_datetime(int(at[index]) + shift, zone)
        previous = to_datetime(int(at[index - 1]) + shift, zone) if index else None
        _place(ticks, _tick(index, local, previous), SPACING * 0.6 / bar_pixels)
    return ticks


def labelled_in(span: Nanos, zone: str) -> tuple[str, Nanos]:
    """The zone bars are labelled in, and what to add to their open time first.

    A day's bar opens on the evening before, in New York; it carries the date of the day it trades.
    """
    return ("America/New_York", 12 * HOUR) if span >= DAY else (zone, 0)


def _place(ticks: list[TimeTick], tick: TimeTick, apart: float) -> None:
    """Keep the stronger of two labels that would touch."""
    while ticks and tick.index - ticks[-1].index < apart:
        if ticks[-1].rank >= tick.rank:
            return
        ticks.pop()
    ticks.append(tick)


def _tick(index: int, local: datetime, previous: datetime | None) -> TimeTick:
    if previous is None or local.year != previous.year:
        return TimeTick(index, str(local.year), 3)
    if local.month != previous.month:
        return TimeTick(index, MONTHS[local.month - 1], 2)
    if local.day != previous.day:
        return TimeTick(index, f"{local.day} {MONTHS[local.month - 1]}", 1)
    return TimeTick(index, f"{local:%H:%M}", 0)


def _boundaries(first: Nanos, last: Nanos, apart: float, zone: str) -> list[Nanos]:
    """Round wall-clock moments of `zone` within the times, at the finest step of at least `apart` ns of trading."""
    apart = max(apart, (last - first) / MOST)
    for step in STEPS:
        if step >= apart:
            return _times_of_day(first, last, step, zone)
    tz = ZoneInfo(zone)
    begin, end = to_datetime(first, zone).date(), to_datetime(last, zone).date()
    for days in DAY_STEPS:
        if days * TRADED_DAY >= apart:
            number = begin.toordinal() // days * days
            return [_midnight(date.fromordinal(n), tz) for n in range(number, end.toordinal() + 1, days) if n > 0]
    months = next((m for m in MONTH_STEPS if m * 30 * TRADED_DAY >= apart), MONTH_STEPS[-1])
    number = (begin.year * 12 + begin.month - 1) // months * months
    return [_midnight(date(n // 12, n % 12 + 1, 1), tz) for n in range(number, end.year * 12 + end.month, months)]


def _times_of_day(first: Nanos, last: Nanos, step: Nanos, zone: str) -> list[Nanos]:
    tz = ZoneInfo(zone)
    start = to_datetime(first, zone).replace(tzinfo=None)
    wall = datetime(start.year, start.month, start.day) + timedelta(hours=start.hour if step < HOUR else 0)  # noqa: DTZ001
    by = timedelta(microseconds=step // 1000)
    found: list[Nanos] = []
    moment = from_datetime(wall.replace(tzinfo=tz))
    while moment <= last:
        if moment >= first - step:
            found.append(moment)
        wall += by
        moment = from_datetime(wall.replace(tzinfo=tz))
    return found


def _midnight(day: date, tz: ZoneInfo) -> Nanos:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=tz))


def crosshair_time(at: Nanos, zone: str, span: Nanos) -> str:
    """The time of a bar as its label on the axis: weekday, date and, below a day, time of day."""
    zone, shift = labelled_in(span, zone)
    local = to_datetime(at + shift, zone)
    day = f"{local:%a} {local.day} {MONTHS[local.month - 1]} {local.year}"
    return day if span >= DAY else f"{day} {local:%H:%M}"
