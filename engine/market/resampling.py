"""Longer bars out of shorter ones, on a source's own clock: a day is a day of that clock, daylight saving included."""

from __future__ import annotations

import numpy as np

from engine.core.clock import HOUR
from engine.core.errors import UserError
from engine.domain.market import Bars, Ints, Timeframe
from engine.market.clocks import FileClock


def resample(bars: Bars, source: Timeframe, target: Timeframe, clock: FileClock) -> Bars:
    """Bars of `target` out of those of `source` (a divisor of it), UTC in and out.

    Up to an hour bars lie on the hour; four-hour and daily ones on the grid of `clock`, so that on a change of daylight saving
    a day has 23 or 25 hours. A bar exists where a shorter one does. Volume is summed; the spread is the least, as MetaTrader
    keeps it. UserError when the timeframes do not divide.
    """
    if target.span % source.span or target.span < source.span:
        raise UserError(f"{target.name} bars cannot be made of {source.name} bars; name a shorter timeframe that divides them")
    if not len(bars):
        return bars
    opened = _opened(bars.at, target, clock)
    first = np.flatnonzero(np.diff(opened, prepend=opened[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    return Bars(
        opened[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
        np.fmin.reduceat(bars.spread, first),
    )


def _opened(at: Ints, target: Timeframe, clock: FileClock) -> Ints:
    """The open time (ns UTC) of the bar of `target` that each moment belongs to."""
    if target.span <= HOUR:
        return at - at % target.span
    local = clock.to_local(at)
    begins, place = np.unique(local - local % target.span, return_inverse=True)
    found: Ints = clock.to_utc(begins)[place]
    return found
