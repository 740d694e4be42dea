"""Candles when they are wide enough, columns from lowest to highest when many bars share a pixel; volume below."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QPainter

from engine.domain.market import Floats
from widgets.chart.paint.frame import Frame
from widgets.chart.primitives import draw_rects

Bools = npt.NDArray[np.bool_]
LEAST_CANDLE = 2.5
VOLUME_SHARE = 0.15


def paint_bars(painter: QPainter, frame: Frame) -> None:
    """Volume and bars in view. Work in proportion to pixels."""
    view = frame.model.view
    start, stop = view.range()
    if stop <= start:
        return
    if view.bar >= LEAST_CANDLE:
        _candles(painter, frame, start, stop)
    else:
        _columns(painter, frame, start, stop)


def _candles(painter: QPainter, frame: Frame, start: int, stop: int) -> None:
    series, view, scale = frame.model.series, frame.model.view, frame.model.price_pane.scale
    rows = slice(start, stop)
    middle = np.floor(view.x(np.arange(start, stop) + 0.5))
    body = _odd(view.bar * 0.72)
    left = middle - body // 2
    up = series.close[rows] >= series.open[rows]
    _volume(painter, frame, left, body, series.volume[rows], up, series.highest_volume(start, stop))
    y_open, y_close = np.round(scale.y(series.open[rows])), np.round(scale.y(series.close[rows]))
    y_high, y_low = np.round(scale.y(series.high[rows])), np.round(scale.y(series.low[rows]))
    top = np.minimum(y_open, y_close)
    tall = np.maximum(np.abs(y_open - y_close), 1.0)
    wick = 1.0 if body < 15 else 3.0
    for token, which in (("up", up), ("down", ~up)):
        m, t = middle[which], top[which]
        x = np.concatenate([m - wick // 2, left[which]])
        y = np.concatenate([y_high[which], t])
        width = np.concatenate([np.full(len(m), wick), np.full(len(m), body)])
        height = np.concatenate([np.maximum(y_low[which] - y_high[which], 1.0), tall[which]])
        draw_rects(painter, frame.palette[token], x, y, width, height)


def _columns(painter: QPainter, frame: Frame, start: int, stop: int) -> None:
    view, scale = frame.model.view, frame.model.price_pane.scale
    columns = frame.model.series.folded(start, stop, 1 / view.bar)
    edges = np.round(view.x(np.append(columns.first, columns.first[-1] + columns.group)))
    x, width = edges[:-1], np.maximum(np.diff(edges), 1.0)
    up = columns.close >= columns.open
    _volume(painter, frame, x, width, columns.volume, up, float(columns.volume.max()))
    top = np.round(scale.y(columns.high))
    tall = np.maximum(np.round(scale.y(columns.low)) - top, 1.0)
    for token, which in (("up", up), ("down", ~up)):
        draw_rects(painter, frame.palette[token], x[which], top[which], width[which], tall[which])


def _volume(painter: QPainter, frame: Frame, x: Floats, width: Floats | float, volume: Floats, up: Bools, most: float) -> None:
    if not most > 0:
        return
    scale = frame.model.price_pane.scale
    floor = scale.top + scale.height
    tall = np.round(volume * (scale.height * VOLUME_SHARE / most))
    for token, which in (("up", up), ("down", ~up)):
        chosen = width if isinstance(width, float) else width[which]
        draw_rects(painter, frame.palette.mix(token, "bg0", 0.32), x[which], floor - tall[which], chosen, tall[which])


def _odd(width: float) -> float:
    """The width as odd whole pixels, so that the wick stands in the middle."""
    whole = max(int(width), 1)
    return float(whole if whole % 2 else whole - 1)
