"""The arithmetic of the risk limits: one function that the gate, the ticket's preview and the gauges share.

Cash in 1 / CASH_SCALE units. Results are float64 shares of equity (leverage: a multiple), in rows of (now, after the fill,
after the stop-out), in the order of LIMITS.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.domain.market import Floats

POSITION, DAILY_LOSS, WORST_DAY, OPEN_RISK, LEVERAGE, DRAWDOWN, CORRELATION = range(7)
LIMITS = ("position", "daily_loss", "worst_day", "open_risk", "leverage", "drawdown", "correlation")


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
    """Fills `out` (7, 3).

    `symbol_*` is what the position limit measures (loss at the stop or notional of this instrument), `risk_*` the sum of losses
    at the stops, `gross_*` the gross notional, each before and after the fill and once what it opened is stopped out; `cost` is
    what the fill costs at once (spread and commission), `loss` what the order loses at its stop beyond that; `kin` is what the
    position limit measures of all positions that move with this one, 0 where none does.
    """
    _rows(out, 0, equity, day_start, peak, symbol_before, risk_before, gross_before, kin)
    filled = equity - cost
    _rows(out, 1, filled, day_start, peak, symbol_after, risk_after, gross_after, kin)
    _rows(out, 2, filled - loss, day_start, peak, symbol_out, risk_out, gross_out, kin)


def empty_rows() -> Floats:
    """A fresh (7, 3) block for `preview`."""
    return np.zeros((7, 3))
