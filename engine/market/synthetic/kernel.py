"""The simulated market's arithmetic: one pass over minutes and the ticks within them, in numba.

Randomness comes in as arrays and the state goes in and out as a vector, so that a chunk depends on nothing else.
"""

from __future__ import annotations

from math import exp, sqrt
from typing import NamedTuple

import numpy as np

from engine.core.cache import kernel, long_kernel
from engine.domain.market import Floats, Ints

PRICE, FAST, SLOW, FLOW, FAIR, SHOCK, STATE_SIZE = range(7)
"""The state: mid price, the two log-volatilities, order-flow imbalance, fair value, and what jumps left in the spread."""

NORMALS_PER_MINUTE = 5
UNIFORMS_PER_MINUTE = 7

FAST_KEEP, FAST_NOISE = 0.5 ** (1 / 45), 0.055
SLOW_KEEP, SLOW_NOISE = 0.5 ** (1 / 4_500), 0.0042
VOLATILITY_SHARE = 0.65  # the rest of the annual volatility comes from flow, jumps and gaps
FLOW_KEEP, FLOW_NOISE = 0.5 ** (1 / 12), 0.10
FLOW_DRIFT = 0.23
BURST_RATE, BURST_JOLT = 1 / 34, 1.3
REVERSION = 0.45
FAIR_KEEP = 0.5 ** (1 / 45)
LEVEL_PULL = 1.0 / (126 * 23 * 60)
JUMP_RATE, NEWS_RATE = 0.4 / 1_380, 0.25
GAP_SHARE = 0.04
SHOCK_KEEP = 0.5 ** (1 / 4)
ROLL_WIDENING, ROLL_MINUTES, QUIET_WIDENING = 4.0, 7.0, 0.55


class Terms(NamedTuple):
    """`sigma` is the usual standard deviation of a minute's return, `spread` ticks, `tick` the size of one in price units."""

    level: float
    sigma: float
    volume: float
    spread: float
    tick: float


@long_kernel
def simulate(
    terms: Terms,
    state: Floats,
    activity: Floats,
    quiet: Floats,
    edge: Floats,
    news: Floats,
    gap: Floats,
    normals: Floats,
    uniforms: Floats,
    noise: Floats,
    wobble: Floats,
    opens: Ints,
    at: Ints,
    bid: Ints,
    ask: Ints,
    volume: Floats,
) -> None:
    """Fills `at` (ns UTC), `bid` and `ask` (ticks), all minutes x ticks, and `volume`; moves `state` past the last minute.

    `noise` and `wobble` (minutes x ticks) are normal and uniform, `normals` and `uniforms` hold a minute's other draws.
    """
    minutes, ticks = noise.shape
    root = sqrt(ticks)
    slot = 60_000 // ticks  # whole milliseconds, as feeds have them
    for i in range(minutes):
        state[FAST] = FAST_KEEP * state[FAST] + FAST_NOISE * normals[i, 0]
        state[SLOW] = SLOW_KEEP * state[SLOW] + SLOW_NOISE * normals[i, 1]
        usual = VOLATILITY_SHARE * terms.sigma * activity[i]
        sigma = usual * exp(state[FAST] + state[SLOW])
        if gap[i] > 0.0:
            _reopen(state, gap[i], terms.sigma * sqrt(GAP_SHARE * gap[i]) * normals[i, 2])
        jolt = _flow(state, activity[i], quiet[i], normals[i, 3], uniforms[i])
        jump = _jump(state, news[i], uniforms[i])
        away = (state[PRICE] / state[FAIR] - 1.0) / (6.0 * usual)
        drift = sigma * (FLOW_DRIFT * state[FLOW] + BURST_JOLT * jolt - REVERSION * quiet[i] * min(2.5, max(-2.5, away)))
        drift -= LEVEL_PULL * (state[PRICE] / terms.level - 1.0)
        moment = int(uniforms[i, 6] * ticks)
        spread = terms.spread * _width(edge[i], quiet[i], state)
        price = state[PRICE]
        for j in range(ticks):
            price *= 1.0 + drift / ticks + sigma / root * noise[i, j]
            if j == moment:
                price *= 1.0 + jump * usual
            wide = max(1, int(spread * (0.85 + 0.3 * wobble[i, j]) + 0.5))
            low = int(np.floor(price / terms.tick + 0.5 - 0.5 * wide))
            at[i, j] = opens[i] + (j * slot + int(wobble[i, j] * slot)) * 1_000_000
            bid[i, j] = low
            ask[i, j] = low + wide
        state[PRICE] = price
        bulk = exp(0.18 * normals[i, 4] + 0.5 * state[FAST]) * (1.0 + 1.8 * abs(state[FLOW]))
        volume[i] = max(1.0, np.floor(terms.volume * activity[i] * bulk + 0.5))
        weight = (1.0 - FAIR_KEEP) * min(4.0, bulk)
        state[FAIR] += weight * (price - state[FAIR])
        state[SHOCK] *= SHOCK_KEEP


@kernel
def _reopen(state: Floats, minutes: float, move: float) -> None:
    """The price moved while the market was closed; what the flow was is forgotten."""
    state[PRICE] *= 1.0 + move
    state[FAIR] = state[PRICE]
    state[FLOW] = 0.0
    state[FAST] *= exp(-minutes / 120.0)


@kernel
def _flow(state: Floats, activity: float, quiet: float, normal: float, uniforms: Floats) -> float:
    """Moves the order-flow imbalance on and returns the burst of this minute, signed, 0 for none."""
    burst = 0.0
    if uniforms[0] < BURST_RATE * min(1.5, 0.5 + 0.5 * activity) * (1.0 - 0.8 * quiet):
        burst = (1.0 + uniforms[1]) * (1.0 if uniforms[2] < 0.5 else -1.0)
    state[FLOW] = FLOW_KEEP * state[FLOW] + FLOW_NOISE * normal + burst
    return burst


@kernel
def _jump(state: Floats, news: float, uniforms: Floats) -> float:
    """The size of this minute's jump in usual minutes' deviations, signed, 0 for none; a jump excites all else."""
    if uniforms[3] >= JUMP_RATE + NEWS_RATE * news:
        return 0.0
    sign = 1.0 if uniforms[4] < 0.5 else -1.0
    state[FLOW] += 1.2 * sign
    state[FAST] += 0.7
    state[SHOCK] += 2.0
    size: float = sign * (4.0 + 6.0 * uniforms[5])
    return size


@kernel
def _width(edge: float, quiet: float, state: Floats) -> float:
    """How many times its usual width the spread is."""
    roll = ROLL_WIDENING * exp(-edge / ROLL_MINUTES)
    width: float = (1.0 + roll + QUIET_WIDENING * quiet + state[SHOCK]) * exp(0.3 * state[FAST])
    return width
