"""The running state of the feature kernel: one flat float64 array, so that it can be copied, compared and resumed."""

from __future__ import annotations

import numpy as np

from engine.domain.market import Floats

RING = 256
"""Bars remembered; a power of two above the longest window."""
MASK = RING - 1

(
    COUNT,
    MINUTE,
    DAY,
    NEW_YORK,
    LONDON,
    CLOSE,
    HIGH,
    LOW,
    RETURN,
    ATR_FAST,
    ATR,
    ATR_SLOW,
    GAIN_FAST,
    LOSS_FAST,
    GAIN,
    LOSS,
    MACD_FAST,
    MACD_SLOW,
    MACD_SIGNAL,
    PLUS,
    MINUS,
    ADX,
    MEAN,
    SQUARES,
    PATH,
    COVARIANCE,
    STREAK,
    VOLUME_FAST,
    VOLUME_SLOW,
    PRESSURE,
    SPREAD,
) = range(31)
EMA = 32
"""Four averages from here."""
VARIANCE = 36
"""Three variances of returns from here."""
HIGHEST = 40
"""Value and bar number of the highest high, for each of three windows; then the same of the negated lows."""
LOWEST = 46
CLOSES = 64
HIGHS = CLOSES + RING
LOWS = HIGHS + RING
"""Rings by bar number; lows are kept negated, so that one function finds both extremes."""
SIZE = LOWS + RING


def new_state() -> Floats:
    """The state before the first bar."""
    state = np.zeros(SIZE)
    state[DAY] = -1e9
    state[HIGHEST : HIGHEST + 12] = -np.inf
    return state
