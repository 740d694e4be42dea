"""Where a resting limit order stands in the queue at its price. Integers only: sizes in lot steps.

The model's assumptions: an order stands behind all that was shown at its price when it came, or when its price first became the
best; it moves ahead by what trades there; who cancels was behind it, so that a smaller display moves it ahead only as far as no
more can stand before it than is shown.
"""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def traded(ahead: int, steps: int) -> tuple[int, int]:
    """After a trade of `steps` at its price: what is still ahead of the order, and what of the trade reaches it."""
    if steps <= ahead:
        return ahead - steps, 0
    return 0, steps - ahead


@njit(cache=True)
def shown(ahead: int, size: int) -> int:
    """What can be ahead of the order when `size` is shown at its price."""
    return min(ahead, size)
