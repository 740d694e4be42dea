"""Bars for the tests of features and models."""

from __future__ import annotations

import numpy as np

from engine.core.clock import MINUTE, from_iso
from engine.domain.market import Bars


def wandering_bars(count: int, seed: int = 1, start: str = "2024-03-04T00:00:00Z", span: int = MINUTE) -> Bars:
    """A random walk around 1,800 with wicks, volume and a spread of 20 cents."""
    random = np.random.default_rng(seed)
    close = np.round(1_800 + np.cumsum(random.normal(0, 0.4, count)), 2)
    open_ = np.concatenate([[close[0]], close[:-1]])
    high = np.round(np.maximum(open_, close) + random.exponential(0.2, count), 2)
    low = np.round(np.minimum(open_, close) - random.exponential(0.2, count), 2)
    at = from_iso(start) + np.arange(count, dtype=np.int64) * span
    return Bars(at, open_, high, low, close, random.poisson(100, count).astype(np.float64), np.full(count, 0.2))
