"""Averages and windows over the state array, each O(1) a bar."""

from __future__ import annotations

from engine.core.cache import kernel
from engine.domain.market import Floats
from engine.features.specification import BOUND
from engine.features.state import CLOSES, MASK


@kernel
def put(out: Floats, column: int, value: float) -> None:
    """Writes `value`, bounded; a value that is not a number becomes 0."""
    if value > BOUND:
        value = BOUND
    elif value < -BOUND:
        value = -BOUND
    elif value != value:
        value = 0.0
    out[column] = value


@kernel
def smooth(state: Floats, slot: int, weight: float, seed: float, value: float) -> float:
    """Exponential average; the plain mean of what was seen (`seed` = 1 / bars) until that weighs less than `weight`."""
    average = state[slot] + max(weight, seed) * (value - state[slot])
    state[slot] = average
    return average


@kernel
def ratio(above: float, below: float) -> float:
    """above / below, 0 where there is nothing to divide by."""
    return above / below if below > 0.0 else 0.0


@kernel
def highest(state: Floats, slot: int, ring: int, bar: int, window: int) -> float:
    """The highest of the last `window` values of a ring, whose newest is `bar`; searched again only when the old one leaves."""
    newest = state[ring + (bar & MASK)]
    if newest >= state[slot]:
        state[slot] = newest
        state[slot + 1] = bar
    elif state[slot + 1] <= bar - window:
        best, where = newest, bar
        for back in range(bar - 1, bar - window, -1):
            value = state[ring + (back & MASK)]
            if value > best:
                best, where = value, back
        state[slot] = best
        state[slot + 1] = where
    return state[slot]


@kernel
def mean_and_squares(state: Floats, bar: int, window: int) -> tuple[float, float]:
    """Mean of the last closes and the sum of their squared distances from it, computed anew."""
    total = 0.0
    for back in range(window):
        total += state[CLOSES + ((bar - back) & MASK)]
    mean = total / window
    squares = 0.0
    for back in range(window):
        distance = state[CLOSES + ((bar - back) & MASK)] - mean
        squares += distance * distance
    return mean, squares


@kernel
def path_length(state: Floats, bar: int, window: int) -> float:
    """Sum of the absolute changes between the last closes, computed anew."""
    total = 0.0
    for back in range(window):
        total += abs(state[CLOSES + ((bar - back) & MASK)] - state[CLOSES + ((bar - back - 1) & MASK)])
    return total
