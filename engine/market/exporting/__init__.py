"""Export formats: one file each; a new one is a module with `EXPORTER` and a line here."""

from __future__ import annotations

import numpy as np

from engine.core.errors import UserError
from engine.domain.market import BAR_COLUMNS, Bars
from engine.market.exporting import mt5, parquet, table
from engine.market.exporting.base import Exporter, Order
from engine.market.exporting.written import read_back, write

EXPORTERS: tuple[Exporter, ...] = (table.EXPORTER, parquet.EXPORTER, mt5.EXPORTER)


def exporter_of(name: str) -> Exporter:
    """The export format called `name`; UserError names those that exist."""
    found = next((each for each in EXPORTERS if each.name == name.lower()), None)
    if found is None:
        raise UserError(f"export format {name!r} is not known; use one of {', '.join(each.name for each in EXPORTERS)}")
    return found


def render(exporter: Exporter, order: Order) -> bytes:
    """The bytes of the file, once they were read back and gave the same bars; UserError where they do not."""
    if not len(order.bars):
        raise UserError(f"there are no {order.instrument.symbol} {order.timeframe.name} bars to export")
    data = exporter.render(order)
    difference = _difference(order.bars, read_back(exporter, order, data))
    if difference:
        raise UserError(f"{exporter.title} would not give back the same bars ({difference}); export as csv or parquet")
    return data


def _difference(given: Bars, found: Bars) -> str:
    if len(given) != len(found):
        return f"{len(found):,} of {len(given):,} rows"
    for name in BAR_COLUMNS:
        unlike = ~np.equal(getattr(given, name), getattr(found, name))
        if name != "at":
            unlike &= ~(np.isnan(getattr(given, name)) & np.isnan(getattr(found, name)))
        if unlike.any():
            return f"{name} in row {int(np.argmax(unlike)) + 1}"
    return ""


__all__ = ["EXPORTERS", "Exporter", "Order", "exporter_of", "render", "write"]
