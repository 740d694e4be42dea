"""What the keys do, and which orders the chart's menu offers at a price."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from engine.domain.market import Ticks
from engine.domain.order import OrderType, Side
from widgets.chart.model import ChartModel

if TYPE_CHECKING:
    from widgets.chart.gestures import ChartSurface

WHEEL_STEP = 1.12
SMALL_PAN, SCREEN = 60.0, 0.8

BELOW_THE_MARKET = ((Side.BUY, OrderType.LIMIT), (Side.SELL, OrderType.STOP))
ABOVE_THE_MARKET = ((Side.SELL, OrderType.LIMIT), (Side.BUY, OrderType.STOP))


def key_actions(surface: ChartSurface) -> dict[Qt.Key, Callable[[], None]]:
    """One line a key."""
    view, key = surface.model.view, Qt.Key
    middle = view.width / 2
    return {
        key.Key_Left: lambda: view.pan(SMALL_PAN),
        key.Key_Right: lambda: view.pan(-SMALL_PAN),
        key.Key_PageUp: lambda: view.pan(view.width * SCREEN),
        key.Key_PageDown: lambda: view.pan(-view.width * SCREEN),
        key.Key_Up: lambda: surface.stretch_prices(0.9),
        key.Key_Down: lambda: surface.stretch_prices(1 / 0.9),
        key.Key_Plus: lambda: view.zoom(WHEEL_STEP, middle),
        key.Key_Equal: lambda: view.zoom(WHEEL_STEP, middle),
        key.Key_Minus: lambda: view.zoom(1 / WHEEL_STEP, middle),
        key.Key_Home: view.home,
        key.Key_End: view.end,
        key.Key_0: surface.reset_view,
        key.Key_Escape: surface.cancel_drag,
    }


def offers(model: ChartModel, ticks: Ticks) -> list[tuple[str, Side, OrderType]]:
    """The orders that rest at `ticks` with the last price where it is, in words; none on an empty chart."""
    series = model.series
    if not series.count:
        return []
    pairs = BELOW_THE_MARKET if ticks < model.ticks(float(series.close[series.count - 1])) else ABOVE_THE_MARKET
    price = model.text(model.price(ticks))
    return [(f"{side.value.capitalize()} {kind.value} at {price} …", side, kind) for side, kind in pairs]
