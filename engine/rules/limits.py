"""The arithmetic of the risk limits: one function that the gate, the ticket's preview and the gauges share.

Cash in 1 / CASH_SCALE units. Results are float64 shares of equity (leverage: a multiple), in rows of (now, after the fill,
after the stop-out), in the order of LIMITS.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from engine.domain.market import Floats, Ints
from engine.rules.costs import commission
from engine.rules.costs import notional as value_of
from engine.rules.sizing import loss_per_step

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
def weigh(
    side: int,
    price: int,
    spread: int,
    stop: int,
    has_stop: bool,
    quantity: int,
    closing: int,
    slippage: int,
    tick_value: int,
    fee_per_step: int,
    fee_ppm: int,
    risk: int,
    risk_kept: int,
    notional: int,
    notional_kept: int,
    pending_risk: int,
    pending_notional: int,
    equity: int,
    day_start: int,
    peak: int,
    book_risk: int,
    book_gross: int,
    kin: int,
    by_risk: bool,
    margin: float,
    margin_rate: float,
    out: Floats,
) -> tuple[int, int]:
    """Fills the rows of `out` up to the margin for one order; what its fill costs, and what it loses at its stop beyond that.

    `quantity` lot steps at `price` ticks, of which `closing` meet the position; `risk` and `notional` of the position now and
    what is `kept` of them when that much is closed, `pending_*` of what waits in the same instrument; `book_*` of all of them.
    """
    marked = price - side * spread
    opening = quantity - closing
    per_step = loss_per_step(side, marked, stop, slippage, tick_value, 0) if has_stop else 0
    risk_now, notional_now = risk + pending_risk, notional + pending_notional
    risk_out, notional_out = risk_kept + pending_risk, notional_kept + pending_notional
    risk_after, notional_after = risk_out + opening * per_step, notional_out + value_of(marked, opening, tick_value)
    cost = commission(price, quantity, tick_value, fee_per_step, fee_ppm) + opening * spread * tick_value
    loss = opening * per_step
    now, after, left = (risk_now, risk_after, risk_out) if by_risk else (notional_now, notional_after, notional_out)
    risk_rest, gross_rest = book_risk - risk_now, book_gross - notional_now
    preview(
        equity,
        day_start,
        peak,
        now,
        after,
        left,
        book_risk,
        risk_rest + risk_after,
        risk_rest + risk_out,
        book_gross,
        gross_rest + notional_after,
        gross_rest + notional_out,
        cost,
        loss,
        kin,
        out,
    )
    out[MARGIN, 0] = margin / max(1, equity)
    out[MARGIN, 1] = (margin + margin_rate * (notional_after - notional_now)) / max(1, equity - cost)
    out[MARGIN, 2] = (margin + margin_rate * (notional_out - notional_now)) / max(1, equity - cost - loss)
    return cost, loss


@njit(cache=True)
def tell(rows: Floats, capped: Ints, caps: Floats, told: Floats) -> int:
    """Fills `told` (3, caps) with the rows `capped` as columns; how many of the `caps` what would be after the fill is over."""
    count = 0
    for index in range(capped.shape[0]):
        row = capped[index]
        for column in range(3):
            told[column, index] = rows[row, column]
        count += rows[row, 1] > caps[index]
    return count


def empty_rows() -> Floats:
    """A fresh (10, 3) block for `preview` and `weigh`."""
    return np.zeros((10, 3))
