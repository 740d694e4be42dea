"""Times counted since 1970, whose unit is seen from their size."""

from __future__ import annotations

import numpy as np

from engine.core.clock import SECOND
from engine.domain.market import Floats, Ints

UNITS = {"s": SECOND, "ms": SECOND // 1_000, "us": SECOND // 1_000_000, "ns": 1}
_MICROSECOND = 1_000
_BOUNDS = np.array([1e11, 1e14, 1e17])
"""From these counts on a time is in milliseconds, microseconds, nanoseconds (seconds until the year 5138)."""


def from_counts(counts: Floats, unit: str = "") -> Ints:
    """The counts as ns UTC; `unit` is s, ms, us or ns, seen row by row where it is empty (sources changed it on the way)."""
    if not len(counts):
        return np.empty(0, np.int64)
    if unit:
        return _scaled(counts, np.full(len(counts), UNITS[unit], np.int64))
    unit_of_each = np.searchsorted(_BOUNDS, np.abs(counts), side="right")
    return _scaled(counts, np.array(list(UNITS.values()), np.int64)[unit_of_each])


def _scaled(counts: Floats, steps: Ints) -> Ints:
    """Counts of nanoseconds are rounded to the microsecond, for they are beyond what a float64 holds exactly."""
    whole = np.floor(counts)
    part = np.rint((counts - whole) * steps).astype(np.int64)
    at: Ints = whole.astype(np.int64) * steps + part
    return np.where(steps == 1, (at + _MICROSECOND // 2) // _MICROSECOND * _MICROSECOND, at)
