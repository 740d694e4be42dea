"""Averages and windows over the state array, each O(1) a bar."""

from __future__ import annotations

from engine.core.cache import part
from engine.domain.market import Floats
from engine.features.specification import BOUND
from engine.features.state import CLOSES, MASK


@part
def put(out: Floats, place: int, value: float) -> None:
    """Writes `value`, bounded; what is not a number becomes the lower bound."""
    above = value if value > -BOUND else -BOUND
    out[place] = above if above < BOUND else BOUND


@part
def smooth(state: Floats, slot: int, weight: float, seed: float, value: float) -> float:
    """Exponential average; the plain mean of what was seen (`seed` = 1 / bars) until that weighs less than `weight`."""
    average: float = state[slot] + max(weight, seed) * (value - state[slot])
    state[slot] = average
    return average


@part
def ratio(above: float, below: float) -> float:
    """above / below, 0 where there is nothing to divide by."""
    return above / below if below > 0.0 else 0.0


@part
def highest(state: Floats, slot: int, ring: int, bar: int, window: int) -> float:
    """The highest of the last `window` values of a ring, whose newest is `bar`; searched again only when the old one leaves."""
    newest: float = state[ring + (bar & MASK)]
    if newest >= state[slot]:
        state[slot] = newest
        state[slot + 1] = bar
    elif state[slot + 1] <= bar - window:
        best, where = newest, bar
        for back in range(bar - 1, bar - window, -1):
            value = state[ring + (back & MASK)]
            if value > best:
                best, where = value, back
        newest = best
        state[slot] = best
        state[slot + 1] = where
    else:
        newest = state[slot]
    return newest


@part
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


@part
def path_length(state: Floats, bar: int, window: int) -> float:
    """Sum of the absolute changes between the last closes, computed anew."""
    total = 0.0
    for back in range(window):
        total += abs(state[CLOSES + ((bar - back) & MASK)] - state[CLOSES + ((bar - back - 1) & MASK)])
    return total
