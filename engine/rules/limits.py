"""The arithmetic of the risk limits: one function that the gate, the ticket's preview and the gauges share.

Cash in 1 / CASH_SCALE units. Results are float64 shares of equity (leverage: a multiple), in rows of (now, after the fill,
after the stop-out), in the order of LIMITS.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.domain.market import Floats

POSITION, DAILY_LOSS, WORST_DAY, OPEN_RISK, LEVERAGE, DRAWDOWN, CORRELATION, MARGIN, VALUE_AT_RISK, SHORTFALL = range(10)
LIMITS = (
    "position",
    "daily_loss",
    "worst_day",
    "open_risk",
    "leverage",
    "drawdown",
    "correlation",
    "margin",
    "value_at_risk",
    "expected_shortfall",
)


@njit(cache=True)
def _rows(out: Floats, column: int, equity: int, day_start: int, peak: int, symbol: int, risk: int, gross: int, kin: int) -> None:
    base = float(max(1, equity))
    day_loss = float(max(0, day_start - equity))
    out[POSITION, column] = symbol / base
    out[DAILY_LOSS, column] = day_loss / max(1, day_start)
    out[WORST_DAY, column] = (day_loss + risk) / max(1, day_start)
    out[OPEN_RISK, column] = risk / base
    out[LEVERAGE, column] = gross / base
    out[DRAWDOWN, column] = max(0, peak - equity) / max(1, peak)
    out[CORRELATION, column] = (symbol + kin) / base if kin else 0.0


@njit(cache=True)
def preview(
    equity: int,
    day_start: int,
    peak: int,
    symbol_before: int,
    symbol_after: int,
    symbol_out: int,
    risk_before: int,
    risk_after: int,
    risk_out: int,
    gross_before: int,
    gross_after: int,
    gross_out: int,
    cost: int,
    loss: int,
    kin: int,
    out: Floats,
) -> None:
    """Fills the first seven rows of `out` (10, 3).

    `symbol_*` is what the position limit measures (loss at the stop or notional of this instrument), `risk_*` the sum of losses
    at the stops, `gross_*` the gross notional, each before and after the fill and once what it opened is stopped out; `cost` is
    what the fill costs at once (spread and commission), `loss` what the order loses at its stop beyond that; `kin` is what the
    position limit measures of all positions that move with this one, 0 where none does.
    """
    _rows(out, 0, equity, day_start, peak, symbol_before, risk_before, gross_before, kin)
    filled = equity - cost
    _rows(out, 1, filled, day_start, peak, symbol_after, risk_after, gross_after, kin)
    _rows(out, 2, filled - loss, day_start, peak, symbol_out, risk_out, gross_out, kin)


@njit(cache=True)
def held_back(
    equity: int, cost: int, loss: int, now: float, after: float, out_of: float, tails: Floats, has_tails: bool, out: Floats
) -> None:
    """Fills the rows of margin, and of value at risk and shortfall where `tails` (2, 3) are known, as shares of equity.

    `now`, `after` and `out_of` are the initial margin in cash units.
    """
    for column in range(3):
        base = float(max(1, equity - (cost if column else 0) - (loss if column == 2 else 0)))
        out[MARGIN, column] = (now if column == 0 else after if column == 1 else out_of) / base
        out[VALUE_AT_RISK, column] = tails[0, column] / base if has_tails else 0.0
        out[SHORTFALL, column] = tails[1, column] / base if has_tails else 0.0


def empty_rows() -> Floats:
    """A fresh (10, 3) block for `preview` and `held_back`."""
    return np.zeros((10, 3))
