"""How much to trade."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def loss_per_step(side: int, entry: int, stop: int, slippage: int, tick_value: int, costs: int) -> int:
    """What one lot step loses from `entry` to a stop filled with slippage, with `costs` both ways; at least the costs."""
    distance = (entry - stop) * side + slippage
    return max(0, distance) * tick_value + costs


@njit(cache=True)
def by_risk(budget: int, loss: int) -> int:
    """The largest whole number of lot steps whose loss stays within `budget`; 0 when there is none."""
    if loss <= 0 or budget <= 0:
        return 0
    return budget // loss


@njit(cache=True)
def default_stop(side: int, entry: int, atr: int, per_mille: int) -> int:
    """An ATR stop: `per_mille` thousandths of `atr` ticks away from `entry`, at least one tick."""
    return entry - side * max(1, atr * per_mille // 1000)
