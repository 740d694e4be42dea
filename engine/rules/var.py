"""Value at risk and expected shortfall of a book, from the returns its instruments had together.

Historical: the loss that only a share 1 - c of the past scenarios went beyond, and the mean of those at or beyond it. Parametric:
the same of a normal distribution with the scenarios' own deviation around zero (J.P. Morgan, RiskMetrics 1996, part I).
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numba import njit

from engine.domain.market import Floats
from engine.rules.limits import SHORTFALL, VALUE_AT_RISK

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
    worst[:] = -np.inf  # there are at least as many scenarios as places, so that none of them stays
    for index in range(results.shape[0]):
        loss = -results[index]
        if loss > worst[0]:
            at = 1
            while at < count and worst[at] < loss:
                worst[at - 1] = worst[at]
                at += 1
            worst[at - 1] = loss


@njit(cache=True, fastmath=True)
def _results(rest: Floats, own: Floats, exposure: float, results: Floats) -> float:
    """Fills `results` with what each scenario does to the book; the sum of their squares."""
    squares = 0.0
    for index in range(rest.shape[0]):
        result = rest[index] + exposure * own[index]
        results[index] = result
        squares += result * result
    return squares


@njit(cache=True)
def _measure(
    rest: Floats, own: Floats, exposure: float, worst: Floats, scale: float, z: float, tail_z: float, method: int
) -> tuple[float, float]:
    scenarios = rest.shape[0]
    results = np.empty(scenarios)
    squares = _results(rest, own, exposure, results)
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
    scenarios: int,
    places: int,
    scale: float,
    z: float,
    tail_z: float,
    method: int,
    equity: int,
    cost: int,
    loss: int,
    rows: Floats,
    rest: Floats,
    held: Floats,
    is_known: bool,
) -> None:
    """Fills the rows of value at risk and expected shortfall, now, after the fill and after the stop-out, as shares of equity.

    `returns` (instruments, scenarios) of one bar, of which the first `scenarios` are known and `places` lie in the tail;
    `exposures` the signed value of each instrument now, of instrument `symbol` `after` the fill and `out_of` it once stopped
    out. `scale` turns a bar into the horizon; `z` and `tail_z` are the deviations that the parametric figures are of. `equity`,
    `cost` and `loss` as in engine.rules.limits. `rest` (scenarios) and `held` (2) are what the book without the instrument, and
    the whole book now, come to: filled here, or taken as they are where `is_known` says that they were filled for this book.
    """
    worst, own, rest = np.empty(places), returns[symbol], rest[:scenarios]
    if not is_known:
        _scenarios(returns, exposures, symbol, rest)
        held[0], held[1] = _measure(rest, own, exposures[symbol], worst, scale, z, tail_z, method)
    now = held[0], held[1]
    filled = _measure(rest, own, after, worst, scale, z, tail_z, method)
    left = now if out_of == exposures[symbol] else _measure(rest, own, out_of, worst, scale, z, tail_z, method)
    bases = float(max(1, equity)), float(max(1, equity - cost)), float(max(1, equity - cost - loss))
    for column, (var, shortfall) in enumerate((now, filled, left)):
        rows[VALUE_AT_RISK, column] = var / bases[column]
        rows[SHORTFALL, column] = shortfall / bases[column]
