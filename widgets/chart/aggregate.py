"""Longer bars out of shorter ones. H4 and D1 follow the trading day that starts 17:00 New York. For pictures only."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.core.clock import DAY, HOUR, Nanos
from engine.domain.market import Bar, Bars, Ints, Timeframe
from engine.domain.sessions import daily_after

DAY_ZONE = "America/New_York"
DAY_MINUTE = 17 * 60
BY_TRADING_DAY = {"H4": 4 * HOUR, "D1": DAY}


def aggregate(bars: Bars, timeframe: str) -> Bars:
    """`bars` folded to `timeframe` (M1 to D1): first open, highest high, lowest low, last close, sum of volume.

    `spread` is the mean of the parts. Bars without trades do not appear. Raises UserError for an unknown timeframe.
    """
    Timeframe.of(timeframe)
    if not len(bars):
        return Bars.empty()
    opens = bucket_opens(bars.at, timeframe)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(opens)) + 1])
    ends = np.append(starts[1:], len(opens)) - 1
    return Bars(
        opens[starts],
        bars.open[starts],
        np.maximum.reduceat(bars.high, starts),
        np.minimum.reduceat(bars.low, starts),
        bars.close[ends],
        np.add.reduceat(bars.volume, starts),
        np.add.reduceat(bars.spread, starts) / (ends - starts + 1),
    )


def bucket_opens(at: Ints, timeframe: str) -> Ints:
    """For each time the open time (ns UTC) of the `timeframe` bar it falls in."""
    frame = Timeframe.of(timeframe)
    if frame.name not in BY_TRADING_DAY:
        return at - at % frame.span
    days = day_opens(at)
    if frame.name == "D1":
        return days
    # a day of 25 hours (the clock went back) keeps six bars: the last one takes the extra hour
    return days + np.minimum((at - days) // frame.span, 5) * frame.span


def day_opens(at: Ints) -> Ints:
    """For each ascending time the start (ns UTC) of its trading day."""
    first, last = int(at[0]) // DAY, int(at[-1]) // DAY
    edges = np.array([_day_open(day) for day in range(first - 1, last + 2)], np.int64)
    return edges[np.searchsorted(edges, at, side="right") - 1]


@lru_cache(maxsize=16_384)
def _day_open(day: int) -> Nanos:
    return daily_after(day * DAY, DAY_ZONE, DAY_MINUTE)


class Rollup:
    """Keeps the growing bar of a longer timeframe while minutes come in."""

    def __init__(self, timeframe: str, last: Bar | None = None) -> None:
        """`last` is the newest bar so far, of minutes that will not be pushed again."""
        self.timeframe = Timeframe.of(timeframe).name
        self._done = last
        self._minute: Bar | None = None

    @classmethod
    def start(cls, minutes: Bars, timeframe: str) -> tuple[Bars, Rollup]:
        """`minutes` (the last may still grow) folded, and the rollup that goes on from there."""
        earlier = aggregate(minutes[:-1], timeframe)
        rollup = cls(timeframe, earlier.row(-1) if len(earlier) else None)
        if len(minutes):
            rollup.push(minutes.row(-1))
        return aggregate(minutes, timeframe), rollup

    def push(self, minute: Bar) -> tuple[Bar, bool]:
        """The growing bar with `minute` in it, and whether it is a new one. The same minute may come again, changed."""
        if self._minute is not None and minute.at > self._minute.at:
            self._done = self._with(self._minute)
        is_new = self._opens_with(minute) and (self._minute is None or minute.at > self._minute.at)
        self._minute = minute
        return self._with(minute), is_new

    def _opens_with(self, minute: Bar) -> bool:
        return self._done is None or self._bucket(minute.at) != self._bucket(self._done.at)

    def _with(self, minute: Bar) -> Bar:
        done = self._done
        if done is None or self._opens_with(minute):
            return minute._replace(at=self._bucket(minute.at))
        return Bar(
            done.at,
            done.open,
            max(done.high, minute.high),
            min(done.low, minute.low),
            minute.close,
            done.volume + minute.volume,
            minute.spread,
        )

    def _bucket(self, at: Nanos) -> Nanos:
        return int(bucket_opens(np.array([at], np.int64), self.timeframe)[0])
