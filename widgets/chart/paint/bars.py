"""Candles when they are wide enough, columns from lowest to highest when many bars share a pixel; volume below."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QColor, QPainter

from engine.domain.market import Floats
from widgets.chart.paint.frame import Frame
from widgets.chart.primitives import draw_lines, draw_rects, pen
from widgets.chart.series import Columns

LEAST_CANDLE = 2.5
BODY_SHARE = 0.8
EPSILON = 1e-5
"""Added before rounding, so that a bar on the edge between pixels falls on the same side in every frame."""
VOLUME_SHARE, VOLUME_PIXELS = 0.15, 4.0
Bools = npt.NDArray[np.bool_]


def split(frame: Frame) -> tuple[range, range]:
    """The bars in view as settled ones and those that share a column with the newest, which may still change."""
    view, series = frame.model.view, frame.model.series
    start, stop = frame.seen()
    edge = series.count - 1
    if not _is_wide(frame):
        group = series.group(VOLUME_PIXELS / (view.bar * frame.ratio))
        edge = edge // group * group
    return range(start, min(stop, max(edge, start))), range(max(start, edge), stop)


def _is_wide(frame: Frame) -> bool:
    return frame.model.view.bar * frame.ratio >= LEAST_CANDLE


def paint_bars(painter: QPainter, frame: Frame, bars: range) -> None:
    """Volume and bars of `bars`, a part of those in view. Work in proportion to pixels."""
    if not bars:
        return
    painter.setClipRect(frame.area(frame.model.price_pane))
    if _is_wide(frame):
        _candles(painter, frame, bars)
    else:
        _columns(painter, frame, bars)
    painter.setClipping(False)


def _candles(painter: QPainter, frame: Frame, bars: range) -> None:
    series, view, ratio = frame.model.series, frame.model.view, frame.ratio
    rows = slice(bars.start, bars.stop)
    # in device pixels, so that all wicks are equally thick on any screen
    middle = np.floor(view.x(np.arange(bars.start, bars.stop) + 0.5) * ratio + EPSILON)
    body = _odd(view.bar * BODY_SHARE * ratio)
    wick = 1.0 if body < 7 * ratio or ratio < 1.75 else 3.0
    left, stem = (middle - body // 2) / ratio, (middle - wick // 2) / ratio
    body, wick = body / ratio, wick / ratio
    up = series.close[rows] >= series.open[rows]
    tall, floor = _volume_heights(frame, series.volume[rows])
    for token, which in (("up", up), ("down", ~up)):
        draw_rects(painter, _faint(frame, token), left[which], floor - tall[which], body, tall[which])
    y_open, y_high, y_low, y_close = (_snapped(frame, getattr(series, name)[rows]) for name in ("open", "high", "low", "close"))
    top, tall = np.minimum(y_open, y_close), np.maximum(np.abs(y_open - y_close), 1 / ratio)
    for token, which in (("up", up), ("down", ~up)):
        color, high = frame.palette[token], y_high[which]
        draw_rects(painter, color, stem[which], high, wick, np.maximum(y_low[which] - high, 1 / ratio))
        draw_rects(painter, color, left[which], top[which], body, tall[which])


def _snapped(frame: Frame, prices: Floats) -> Floats:
    """Heights of prices on whole device pixels."""
    return np.round(frame.model.price_pane.scale.y(prices) * frame.ratio) / frame.ratio


def _columns(painter: QPainter, frame: Frame, bars: range) -> None:
    series, ratio = frame.model.series, frame.ratio
    bar = frame.model.view.bar * ratio
    _wide_volume(painter, frame, series.folded(bars.start, bars.stop, VOLUME_PIXELS / bar))
    columns = series.folded(bars.start, bars.stop, 1 / bar)
    edges = _edges(frame, columns)
    # one line a device pixel: a group takes one or two of them
    pixels = np.maximum(np.diff(edges), 1.0).astype(np.int64)
    x = np.repeat(edges[:-1], pixels)
    x[1:][np.diff(x) == 0] += 1.0
    x /= ratio
    up = np.repeat(columns.close >= columns.open, pixels)
    top, low = (np.repeat(_snapped(frame, column), pixels) for column in (columns.high, columns.low))
    for token, which in (("up", up), ("down", ~up)):
        _uprights(painter, frame.palette[token], x[which], top[which], low[which])


def _wide_volume(painter: QPainter, frame: Frame, columns: Columns) -> None:
    edges = _edges(frame, columns)
    tall, floor = _volume_heights(frame, columns.volume)
    up = columns.close >= columns.open
    x, width = edges[:-1] / frame.ratio, np.maximum(np.diff(edges) - 1.0, 1.0) / frame.ratio
    for token, which in (("up", up), ("down", ~up)):
        draw_rects(painter, _faint(frame, token), x[which], floor - tall[which], width[which], tall[which])


def _edges(frame: Frame, columns: Columns) -> Floats:
    """Left edges of the groups in device pixels, and the right edge of the last."""
    return np.round(frame.model.view.x(np.append(columns.first, columns.first[-1] + columns.group)) * frame.ratio + EPSILON)


def _uprights(painter: QPainter, color: QColor, x: Floats, top: Floats, low: Floats) -> None:
    draw_lines(painter, pen(color), x, top, x, low)


def _volume_heights(frame: Frame, volume: Floats) -> tuple[Floats, float]:
    """Heights in pixels, and where they stand."""
    scale = frame.model.price_pane.scale
    share = scale.height * VOLUME_SHARE / frame.most if frame.most > 0 else 0.0
    return np.round(volume * share), scale.top + scale.height


def _faint(frame: Frame, token: str) -> QColor:
    return frame.palette.mix(token, "bg0", 0.32)


def _odd(width: float) -> float:
    """The width as odd whole pixels, so that the wick stands in the middle."""
    whole = max(int(width), 1)
    return float(whole if whole % 2 else whole - 1)
