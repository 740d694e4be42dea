"""How an order walks a book. Integers only: prices in ticks, sizes in lot steps, sides +1 buy / -1 sell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]


@njit(cache=True)
def walk(prices: Ints, sizes: Ints, taken: Ints, side: int, worst: int, wanted: int) -> Ints:
    """How much of each level an order takes, best level first, until it has `wanted` steps or a level lies beyond `worst`.

    `prices`, `sizes` and `taken` (what was taken of each level before) have one entry a level; so has the result.
    """
    deal = np.zeros(len(prices), np.int64)
    for level in range(len(prices)):
        if wanted <= 0 or (prices[level] - worst) * side > 0:
            break
        deal[level] = min(wanted, max(0, sizes[level] - taken[level]))
        wanted -= deal[level]
    return deal
