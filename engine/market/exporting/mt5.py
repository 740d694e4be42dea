"""MetaTrader 5's "export bars": tabs, CRLF, spread in points, times on a server's clock."""

from __future__ import annotations

import numpy as np

from engine.core.clock import DAY, SECOND
from engine.core.errors import UserError
from engine.domain.market import Floats
from engine.market.exporting.base import Exporter, Order, decimals_of
from engine.market.formats import mt5_export

_NEARLY = 1e-6


def render(order: Order) -> bytes:
    """UserError where a volume is no count, a spread no whole number of points or not known in some rows only."""
    bars, symbol = order.bars, order.instrument.symbol
    if (bars.at % SECOND).any() or (bars.volume % 1).any():
        raise UserError(f"{symbol}: MetaTrader 5 knows whole seconds and counts of ticks only; export as csv or parquet")
    digits = max(order.instrument.price_decimals, decimals_of(bars.open, bars.high, bars.low, bars.close))
    points = _points(order, digits)
    names = ["OPEN", "HIGH", "LOW", "CLOSE", "TICKVOL", "VOL", *(["SPREAD"] if points else [])]
    timed = order.timeframe.span < DAY
    head = "\t".join(f"<{name}>" for name in ["DATE", *(["TIME"] if timed else []), *names])
    prices = [[f"{price:.{digits}f}" for price in column.tolist()] for column in (bars.open, bars.high, bars.low, bars.close)]
    counts = [f"{count:.0f}" for count in bars.volume.tolist()]
    columns = [*prices, counts, ["0"] * len(bars), *([points] if points else [])]
    rows = "".join(f"{'	'.join(row)}\r\n" for row in zip(_stamps(order, timed), *columns, strict=True))
    return f"{head}\r\n{rows}".encode()


def _stamps(order: Order, timed: bool) -> list[str]:
    local = order.clock.to_local(order.bars.at).astype("datetime64[ns]")
    if not timed and (local.astype(np.int64) % DAY).any():
        raise UserError(f"{order.instrument.symbol}: these days do not begin at midnight on {order.clock.spec}; give --clock")
    texts = np.datetime_as_string(local, unit="s" if timed else "D").tolist()
    return [text.replace("-", ".").replace("T", "\t") for text in texts]


def _points(order: Order, digits: int) -> list[str]:
    spread: Floats = order.bars.spread
    unknown = np.isnan(spread)
    if unknown.all():
        return []
    if unknown.any():
        raise UserError(
            f"{order.instrument.symbol}: the spread of {unknown.sum():,} bars is not known, which MetaTrader 5 cannot say; "
            "export as csv or parquet"
        )
    shown = digits if digits <= order.instrument.price_decimals + 1 else order.instrument.price_decimals
    points = spread * 10.0**shown
    if (np.abs(points - np.rint(points)) > _NEARLY).any():
        raise UserError(f"{order.instrument.symbol}: some spreads are no whole number of points; export as csv or parquet")
    return [f"{point:.0f}" for point in np.rint(points).tolist()]


EXPORTER = Exporter("mt5", "MetaTrader 5 export of bars", ".csv", mt5_export.FORMAT, render, has_clock=True)
