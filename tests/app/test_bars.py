"""The window's own bars: what the day is measured from."""

from __future__ import annotations

import numpy as np

from app.bars import BarLog
from engine.core.clock import DAY, MINUTE, from_iso
from engine.domain.market import Bar, Bars

MIDNIGHT = from_iso("2026-03-03T00:00:00")


def bars(*rows: tuple[int, float]) -> Bars:
    at = np.array([row[0] for row in rows], np.int64)
    close = np.array([row[1] for row in rows])
    return Bars(at, close, close, close, close, np.ones(len(rows)), np.zeros(len(rows)))


def bar(at: int, close: float) -> Bar:
    return Bar(at, close, close, close, close, 1.0, 0.0)


def test_the_day_begins_after_the_last_close_before_midnight():
    log = BarLog(bars((MIDNIGHT - MINUTE, 10.0), (MIDNIGHT, 11.0), (MIDNIGHT + MINUTE, 12.0)))
    assert (log.before_day, log.day) == (10.0, [11.0, 12.0])


def test_a_new_day_is_measured_from_the_last_close_of_the_old_one():
    log = BarLog(bars((MIDNIGHT, 11.0)))
    log.extend([bar(MIDNIGHT + MINUTE, 12.0), bar(MIDNIGHT + DAY, 13.0)])
    assert (log.before_day, log.day) == (12.0, [13.0])


def test_without_history_there_is_nothing_to_measure_from():
    log = BarLog(Bars.empty())
    log.extend([bar(MIDNIGHT, 11.0)])
    assert (log.before_day, log.day) == (None, [11.0])
