"""CSV with named columns, UTC: `time,open,high,low,close,volume,spread`; a spread that is not known stays empty."""

from __future__ import annotations

import numpy as np

from engine.core.clock import SECOND
from engine.domain.market import BAR_COLUMNS, Floats
from engine.market.exporting.base import Exporter, Order
from engine.market.formats import table

_INTEGER = 1e15


def render(order: Order) -> bytes:
    """Numbers in the fewest digits that give back the same float64."""
    bars = order.bars
    times = bars.at.astype("datetime64[ns]")
    stamps = np.datetime_as_string(times, unit="ns") if (bars.at % SECOND).any() else np.datetime_as_string(times, unit="s")
    columns = [_spelled(getattr(bars, name)) for name in BAR_COLUMNS[1:]]
    rows = "".join(f"{stamp}Z,{','.join(values)}\n" for stamp, *values in zip(stamps.tolist(), *columns, strict=True))
    return f"time,{','.join(BAR_COLUMNS[1:])}\n{rows}".encode()


def _spelled(values: Floats) -> list[str]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> str:
    if value != value:
        return ""
    return f"{value:.0f}" if value.is_integer() and abs(value) < _INTEGER else repr(value)


EXPORTER = Exporter("csv", "CSV with named columns (UTC)", ".csv", table.FORMAT, render)
