"""Value at risk and expected shortfall of a book, from the returns its instruments had together.

Historical: the loss that only a share 1 - c of the past scenarios went beyond, and the mean of those at or beyond it. Parametric:
the same of a normal distribution with the scenarios' own deviation around zero (J.P. Morgan, RiskMetrics 1996, part I).
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit

from engine.domain.market import Floats

HISTORICAL, PARAMETRIC, LARGER = range(3)
METHODS = ("historical", "parametric", "larger")


@njit(cache=True, fastmath=True)
def _scenarios(returns: Floats, exposures: Floats, skipped: int, out: Floats) -> None:
    """What each scenario does to the book without instrument `skipped`."""
    out[:] = 0.0
    for row in range(returns.shape[0]):
        exposure = exposures[row]
        if row != skipped and exposure != 0.0:
            for index in range(out.shape[0]):
                out[index] += exposure * returns[row, index]


@njit(cache=True)
def _tail(results: Floats, worst: Floats) -> None:
    """Fills `worst` with the largest losses, ascending."""
    count = worst.shape[0]
    worst[:] = -np.inf
    for index in range(results.shape[0]):
        loss = -results[index]
        if loss > worst[0]:
            at = 1
            while at < count and worst[at] < loss:
                worst[at - 1] = worst[at]
                at += 1
            worst[at - 1] = loss


@njit(cache=True)
def _measure(
    rest: Floats, own: Floats, exposure: float, worst: Floats, scale: float, z: float, tail_z: float, method: int
) -> tuple[float, float]:
    scenarios = rest.shape[0]
    results = np.empty(scenarios)
    squares = 0.0
    for index in range(scenarios):
        result = rest[index] + exposure * own[index]
        results[index] = result
        squares += result * result
    _tail(results, worst)
    var, shortfall = max(0.0, worst[0]), max(0.0, worst.mean())
    deviation = sqrt(squares / scenarios)
    if method == PARAMETRIC:
        var, shortfall = z * deviation, tail_z * deviation
    elif method == LARGER:
        var, shortfall = max(var, z * deviation), max(shortfall, tail_z * deviation)
    return var * scale, shortfall * scale


@njit(cache=True)
def tails(
    returns: Floats,
    exposures: Floats,
    symbol: int,
    after: float,
    out_of: float,
    worst: Floats,
    scale: float,
    z: float,
    tail_z: float,
    method: int,
    rest: Floats,
    out: Floats,
) -> None:
    """Fills `out` (2, 3): value at risk and expected shortfall now, after the fill and after the stop-out.

    `returns` (instruments, scenarios) of one bar, of which the first `rest.shape[0]` scenarios are known; `exposures` the signed
    value of each instrument now, of instrument `symbol` `after` the fill and `out_of` it once stopped out. `worst` has as many
    places as scenarios lie in the tail; `rest` and it are scratch. `scale` turns a bar into the horizon; `z` and `tail_z` are the
    deviations that the parametric figures are of.
    """
    _scenarios(returns, exposures, symbol, rest)
    own = returns[symbol]
    out[0, 0], out[1, 0] = _measure(rest, own, exposures[symbol], worst, scale, z, tail_z, method)
    out[0, 1], out[1, 1] = _measure(rest, own, after, worst, scale, z, tail_z, method)
    if out_of == exposures[symbol]:
        out[0, 2], out[1, 2] = out[0, 0], out[1, 0]
    else:
        out[0, 2], out[1, 2] = _measure(rest, own, out_of, worst, scale, z, tail_z, method)
