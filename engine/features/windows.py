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
def highest(state: Floats, rings: int, bar: int, value: float) -> tuple[float, float, float]:
    """Takes the newest value of `bar` and gives the highest of the last 20, 60 and 240 values.

    Each window is put together from shorter ones that end where it needs them (4 from single values, 20 from 4s, 60 from
    20s, 240 from 60s), so that every bar costs the same and nothing is searched.
    """
    state[rings + (bar & 3)] = value
    of_4 = max(max(state[rings], state[rings + 1]), max(state[rings + 2], state[rings + 3]))
    fours = rings + 4
    state[fours + (bar & 31)] = of_4
    older = max(state[fours + ((bar - 12) & 31)], state[fours + ((bar - 16) & 31)])
    of_20 = max(max(of_4, older), max(state[fours + ((bar - 4) & 31)], state[fours + ((bar - 8) & 31)]))
    twenties = rings + 36
    state[twenties + (bar & 63)] = of_20
    of_60 = max(of_20, max(state[twenties + ((bar - 20) & 63)], state[twenties + ((bar - 40) & 63)]))
    sixties = rings + 100
    state[sixties + (bar & 255)] = of_60
    older = max(state[sixties + ((bar - 120) & 255)], state[sixties + ((bar - 180) & 255)])
    return of_20, of_60, max(max(of_60, older), state[sixties + ((bar - 60) & 255)])


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
