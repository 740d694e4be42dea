"""What a quote fills, and at which price. Integers only: prices in ticks, sides +1 buy / -1 sell.

A buy deals on the ask and a sell on the bid, so callers pass the touch: (`before`, `now`) of the side the order deals on.
`path` says that the touch moved from `before` to `now` without a jump.
"""

from __future__ import annotations

from numba import njit

NEVER = 1 << 30
"""Progress of an order that the move did not reach."""
_ONE = 1 << 20
_MILLION = 1_000_000


@njit(cache=True)
def stop_reached(side: int, now: int, stop: int) -> bool:
    """A buy stop triggers when the ask is at or above it, a sell stop when the bid is at or below it."""
    return now * side >= stop * side


@njit(cache=True)
def limit_reached(side: int, now: int, limit: int, through: int) -> bool:
    """A limit is reached on touch, or `through` ticks beyond it where the option asks for that."""
    return (limit - now) * side >= through


@njit(cache=True)
def progress(before: int, now: int, price: int) -> int:
    """How far along the move `price` lies, in 1 / 2**20 of the way; 0 where it lay behind the start already."""
    way = now - before
    if way == 0 or (price - before) * way <= 0:
        return 0
    return (price - before) * _ONE // way


@njit(cache=True)
def market_price(side: int, now: int, slippage: int) -> int:
    """A market order deals at the touch, worsened by `slippage` ticks."""
    return now + side * slippage


@njit(cache=True)
def stop_price(side: int, before: int, now: int, stop: int, path: bool, slippage: int) -> int:
    """Where a triggered stop deals: at its own price on a path that crossed it, else at the touch; worsened by slippage."""
    crossed = path and (stop - before) * side > 0
    return (stop if crossed else now) + side * slippage


@njit(cache=True)
def limit_price(side: int, before: int, now: int, limit: int, path: bool) -> int:
    """Where a reached limit deals: at its price on a path that crossed it, else at the touch if that is better."""
    crossed = path and (limit - before) * side < 0
    if crossed or (limit - now) * side < 0:
        return limit
    return now


@njit(cache=True)
def trail_stop(side: int, stop: int, has_stop: bool, touch: int, trail: int, ppm: int) -> int:
    """Where a trailing stop of `side` stands once the touch was at `touch`: `trail` ticks, or `ppm` millionths of the touch where
    that is given, behind it, at least one tick; it never moves back. Without a stop so far it begins there."""
    away = max(1, (touch * ppm + _MILLION // 2) // _MILLION if ppm else trail)
    new = touch + side * away
    if has_stop and (new - stop) * side >= 0:
        return stop
    return new
