"""Grid, price axis and time axis."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from engine.core.clock import Nanos
from widgets.chart.model import ChartModel, Pane
from widgets.chart.paint.bars import EPSILON
from widgets.chart.paint.frame import Frame, draw_text
from widgets.chart.primitives import draw_lines, draw_rects, pen
from widgets.chart.scales import TimeTick, price_ticks, time_ticks
from widgets.theme import UNIT

TICK_HEIGHT = 44


class TimeTicks:
    """Remembers the labels of three screens of bars, so that panning does not work them out again."""

    def __init__(self) -> None:
        self.key: tuple[object, ...] = ()
        self._ticks: list[TimeTick] = []

    def of(self, model: ChartModel) -> list[TimeTick]:
        """The labels of the bars in view, and some beside them."""
        view, count = model.view, model.series.count
        screen = max(int(view.visible), 1)
        chunk = int(view.left) // screen
        first: Nanos = int(model.series.at[0]) if count else 0
        key = (first, count, view.bar, chunk, model.zone, model.timeframe.span, id(model.series))
        if key != self.key:
            start, stop = max(0, (chunk - 1) * screen), min(count, (chunk + 3) * screen)
            self._ticks = time_ticks(model.series.at, start, stop, view.bar, model.timeframe.span, model.zone)
            self.key = key
        return self._ticks


def paint_grid(painter: QPainter, frame: Frame, ticks: list[TimeTick]) -> None:
    """Hairlines under everything else."""
    model, layout = frame.model, frame.layout
    faint = frame.palette.mix("line", "bg0", 0.45)
    # with a clip Qt draws these lines a good deal faster
    left, right = frame.strip or (0.0, float(layout.plot))
    painter.setClipRect(QRectF(left, 0, right - left, layout.bottom))
    x = np.floor(model.view.x(np.array([tick.index for tick in ticks], float) + 0.5) + EPSILON)
    x = x[(x >= 0) & (x < layout.plot)]
    draw_lines(painter, pen(faint), x, np.zeros(len(x)), x, np.full(len(x), float(layout.bottom)))
    frame.scale_values = {pane.name: _values(model, pane) for pane in model.panes}
    for pane in model.panes:
        y = np.round(np.array([pane.scale.y(value) for value in frame.scale_values[pane.name]], float))
        draw_rects(painter, faint, np.zeros(len(y)), y, float(layout.plot), 1.0)
    painter.setClipping(False)


def _values(model: ChartModel, pane: Pane) -> list[float]:
    scale = pane.scale
    if not model.series.count:
        return []
    if pane.name == "price":
        return price_ticks(scale.low, scale.high, max(int(scale.height / TICK_HEIGHT), 2), model.tick)[1]
    low, high = model.bounds(pane) or (scale.low, scale.high)
    return [
        value for value in price_ticks(scale.low, scale.high, max(int(scale.height / 26), 2), 1e-9)[1] if low <= value <= high
    ]


def paint_price_axis(painter: QPainter, frame: Frame) -> None:
    """The price axes at the right, with their labels."""
    model, layout, palette = frame.model, frame.layout, frame.palette
    painter.fillRect(QRectF(layout.plot, 0, layout.axis, layout.height), palette["bg0"])
    painter.fillRect(QRectF(layout.plot, 0, 1, layout.bottom), palette["line"])
    paint_separators(painter, frame)
    frame.scale_labels = []
    for pane in model.panes:
        _price_labels(painter, frame, pane)


def paint_separators(painter: QPainter, frame: Frame) -> None:
    """Hairlines between the panes."""
    for pane in frame.model.panes[1:]:
        painter.fillRect(QRectF(0, pane.scale.top - 1, frame.layout.width, 1), frame.palette["line"])


def _price_labels(painter: QPainter, frame: Frame, pane: Pane) -> None:
    model, layout = frame.model, frame.layout
    for value in frame.scale_values[pane.name]:
        y = pane.scale.y(value)
        if pane.scale.top + 7 < y < pane.scale.top + pane.scale.height - 7:
            text = model.text(value) if pane.name == "price" else short(value, pane)
            draw_text(painter, frame, layout.plot + 2 * UNIT, y, text, frame.palette["text1"])
            frame.scale_labels.append(y)


def short(value: float, pane: Pane, more: int = 0) -> str:
    """A value of an indicator's pane with as many decimals as its range deserves, and `more`."""
    span = max(pane.scale.high - pane.scale.low, 1e-9)
    places = min(max(1 - math.floor(math.log10(span)), 0) + more, 8)
    return f"{value:,.{places}f}".replace("-", "−")


def paint_time_axis(painter: QPainter, frame: Frame, ticks: list[TimeTick]) -> None:
    """The time axis below, with its labels."""
    layout, view, palette = frame.layout, frame.model.view, frame.palette
    painter.fillRect(QRectF(0, layout.bottom, layout.plot, layout.height - layout.bottom), palette["bg0"])
    painter.fillRect(QRectF(0, layout.bottom, layout.width, 1), palette["line"])
    y = (layout.bottom + layout.height) / 2
    for tick in ticks:
        x = float(view.x(tick.index + 0.5))
        if not 0 <= x <= layout.plot:
            continue
        font = "bold" if tick.rank else "small"
        half = frame.advance(tick.text, font) / 2
        if half <= x <= layout.plot - half:
            draw_text(painter, frame, x - half, y, tick.text, palette["text0" if tick.rank else "text1"], font)
