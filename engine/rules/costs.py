"""What dealing and holding cost. Cash in 1 / CASH_SCALE units, rounded half up, overflow checked."""

from __future__ import annotations

from numba import njit

_LARGEST = 9.0e18
_MILLION = 1_000_000


@njit(cache=True)
def notional(price: int, steps: int, tick_value: int) -> int:
    """Value of `steps` lot steps at `price` ticks, in cash units; OverflowError beyond int64."""
    if abs(float(price) * float(steps) * float(tick_value)) > _LARGEST:
        raise OverflowError("notional beyond 64 bits")
    return price * steps * tick_value


@njit(cache=True)
def commission(price: int, steps: int, tick_value: int, per_step: int, ppm: int) -> int:
    """Commission of one execution: `per_step` cash units a lot step plus `ppm` millionths of its notional."""
    value = notional(price, steps, tick_value)
    whole, rest = value // _MILLION, value % _MILLION
    return per_step * steps + whole * ppm + (rest * ppm + _MILLION // 2) // _MILLION


@njit(cache=True)
def topped_up(own: int, before: int, charged: int, least: int) -> int:
    """What an execution is charged so that its order costs `least` at the least: `own` is its own commission, `before` that of
    the order's executions before it, `charged` what they were charged. Never a credit unless it is one by itself."""
    if own + before < 0:
        return own
    return max(0, max(own + before, least) - charged)


@njit(cache=True)
def financing(quantity: int, per_long: int, per_short: int, nights: int) -> int:
    """Charge for holding the signed `quantity` over `nights` nights; negative is a credit."""
    if quantity > 0:
        return quantity * per_long * nights
    return -quantity * per_short * nights


@njit(cache=True)
def nights(weekday: int, triple: int) -> int:
    """Nights charged at the roll of a weekday (Monday = 0): `triple` carries the weekend, Wednesday (2) where spot settles in two
    days. -1 for none: then every night of the week counts once."""
    if triple < 0:
        return 1
    if weekday == triple:
        return 3
    return 0 if weekday >= 5 else 1
