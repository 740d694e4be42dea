"""Running means in numpy, exact to rounding and able to go on from where they stopped."""

from __future__ import annotations

import math

import numpy as np

from engine.domain.market import Floats

SHORT = 64
BLOCK = 512


def exponential(values: Floats, alpha: float, seed: float) -> Floats:
    """y[i] = y[i-1] + alpha (x[i] - y[i-1]) with y[-1] = `seed`; 0 < alpha < 1."""
    if len(values) <= SHORT:
        return _step_by_step(values, alpha, seed)
    keep = 1.0 - alpha
    # weights of 1 / keep^i must not overflow within a block
    block = int(min(BLOCK, max(2, 500 / -math.log(keep))))
    rows = len(values) // block
    powers = keep ** np.arange(block)
    sums = np.cumsum(values[: rows * block].reshape(rows, block) * (alpha / powers), axis=1) * powers
    carries = np.empty(rows)
    carry, whole = seed, keep**block
    for row, last in enumerate(sums[:, -1].tolist()):
        carries[row] = carry
        carry = last + whole * carry
    sums += carries[:, None] * (powers * keep)
    return np.concatenate([sums.ravel(), _step_by_step(values[rows * block :], alpha, carry)])


def _step_by_step(values: Floats, alpha: float, seed: float) -> Floats:
    found = []
    for value in values.tolist():
        seed += alpha * (value - seed)
        found.append(seed)
    return np.array(found)


def rolling(values: Floats, period: int, start: int) -> tuple[Floats, Floats]:
    """Mean and population deviation of the `period` values up to each i >= `start`; NaN where there are fewer."""
    mean, deviation = np.full(len(values) - start, np.nan), np.full(len(values) - start, np.nan)
    for begin in range(max(start, period - 1), len(values), BLOCK):
        end = min(begin + BLOCK, len(values))
        window = values[begin - period + 1 : end]
        # about a nearby origin, so that sums of squares keep their digits
        moved = window - window[0]
        sums, squares = (np.concatenate([[0.0], np.cumsum(part)]) for part in (moved, moved * moved))
        m = (sums[period:] - sums[:-period]) / period
        mean[begin - start : end - start] = m + window[0]
        variance = (squares[period:] - squares[:-period]) / period - m * m
        deviation[begin - start : end - start] = np.sqrt(np.maximum(variance, 0.0))
    return mean, deviation
