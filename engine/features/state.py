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
    PER_CLOSE,
) = range(32)
EMA = 32
"""Four averages from here."""
VARIANCE = 36
"""Three variances of returns from here."""
CLOSES = 64
"""The ring of closes, by bar number."""
HIGHEST = CLOSES + RING
LOWEST = HIGHEST + 4 + 32 + 64 + 256
"""Rings of the highest highs (single ones, of 4, 20 and 60 bars) and the same of the lows, kept negated."""
SIZE = LOWEST + (LOWEST - HIGHEST)


def new_state() -> Floats:
    """The state before the first bar."""
    state = np.zeros(SIZE)
    state[DAY] = -1e9
    state[HIGHEST:] = -np.inf
    return state
