"""Triple-barrier labels: which of stop and target a trade decided at a bar's close would have met first, and when.

The trade is the policy's: decided at the close, around the touch there (ask for a long, bid for a short), stop `distance` ticks
away and target `reward_risk` times as far, filled at the next bar's open. Bars are walked as quotes (`paths.corners`), the
spread of each bar on top, so a label says what the simulated broker would have done. Method: M. Lopez de Prado, Advances
in Financial Machine Learning (2018), chapter 3.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.domain.market import Ints
from engine.rules.paths import corners

STOPPED, TARGET, TIMED_OUT, UNKNOWN = 0, 1, 2, -1
"""Outcomes. UNKNOWN: the data ends before the outcome, or the bar has no distance."""


@njit(cache=True, nogil=True)
def triple_barrier(
    side: int, bids: Ints, spread: Ints, distance: Ints, reward_risk: float, horizon: int, outcome: Ints, end: Ints
) -> None:
    """Fills `outcome` and `end` (index of the bar in which it fell) for a trade of `side` (+1, -1) decided at each bar's close.

    `bids` int64 (n, 4) open, high, low, close of the bid in ticks; `spread` and `distance` in ticks, a distance below 1 means
    no trade. A trade is TIMED_OUT after `horizon` bars. The end of an UNKNOWN one is the last bar.
    """
    last = bids.shape[0] - 1
    for row in range(last + 1):
        outcome[row], end[row] = UNKNOWN, last
        if distance[row] < 1:
            continue
        reference = bids[row, 3] + (spread[row] if side > 0 else 0)
        stop = reference - side * distance[row]
        target = reference + side * max(1, round(distance[row] * reward_risk))
        limit = row + horizon
        for bar in range(row + 1, min(limit, last) + 1):
            met = first_met(side, bids, spread, bar, stop, target)
            if met != UNKNOWN:
                outcome[row], end[row] = met, bar
                break
        else:
            if limit <= last:
                outcome[row], end[row] = TIMED_OUT, limit


@njit(cache=True)
def first_met(side: int, bids: Ints, spread: Ints, bar: int, stop: int, target: int) -> int:
    """STOPPED or TARGET, whichever the path of `bar` meets first; UNKNOWN for neither. Exits of a long deal on the bid."""
    shift = 0 if side > 0 else spread[bar]
    for price in corners(bids[bar, 0], bids[bar, 1], bids[bar, 2], bids[bar, 3]):
        if (price + shift - stop) * side <= 0:
            return STOPPED
        if (price + shift - target) * side >= 0:
            return TARGET
    return UNKNOWN


def label(side: int, bids: Ints, spread: Ints, distance: Ints, reward_risk: float, horizon: int) -> tuple[Ints, Ints]:
    """(outcome, end) of `triple_barrier` as new arrays."""
    outcome, end = np.empty(len(bids), np.int64), np.empty(len(bids), np.int64)
    triple_barrier(side, bids, spread, distance, reward_risk, horizon, outcome, end)
    return outcome, end
