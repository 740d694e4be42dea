"""Indicator curves over the bars and in their own panes, and the model's probabilities."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from engine.domain.market import Floats, Ints
from widgets.chart.indicators import Curve, Study
from widgets.chart.model import Pane
from widgets.chart.paint.bars import EPSILON
from widgets.chart.paint.frame import Frame
from widgets.chart.primitives import draw_curve, draw_rects, pen

SMOOTH_UP_TO = 1200
"""More points than this are drawn without antialiasing."""


def paint_studies(painter: QPainter, frame: Frame, is_growing: bool) -> None:
    """Curves up to the last but one bar, or (`is_growing`) the rest of them."""
    model = frame.model
    for study in model.studies.values():
        pane = next(pane for pane in model.panes if pane.name == study.indicator.pane)
        painter.setClipRect(frame.area(pane))
        if not is_growing:
            _levels(painter, frame, pane, study.indicator.levels)
        index = _indices(frame, study, is_growing)
        for curve in study.indicator.curves:
            _curve(painter, frame, pane, study, curve, index)
    if model.probabilities is not None and not is_growing:
        _probabilities(painter, frame, model.panes[-1])
    painter.setClipping(False)


def _indices(frame: Frame, study: Study, is_growing: bool) -> Ints:
    """The bars whose values are joined, about one a pixel and one beyond each edge."""
    start, stop = frame.seen()
    edge, stride = frame.model.series.count - 1, _stride(frame)
    start = max(start - stride, study.indicator.warmup)
    if is_growing:
        return np.arange(max(start, edge - 1), edge + 1) if stride == 1 and stop >= edge else np.empty(0, np.int64)
    index = np.arange(start // stride * stride + stride - 1, min(stop + stride, edge), stride)
    return index[index >= start]


def _stride(frame: Frame) -> int:
    return max(1, int(1 / frame.model.view.bar))


def _points(frame: Frame) -> float:
    """How many points a curve across the whole plot has."""
    return frame.model.view.visible / _stride(frame)


def _levels(painter: QPainter, frame: Frame, pane: Pane, levels: tuple[float, ...]) -> None:
    y = np.round(np.array([pane.scale.y(level) for level in levels], float))
    faint = frame.palette.mix("text2", "bg0", 0.5)
    draw_rects(painter, faint, np.zeros(len(y)), y, float(frame.layout.plot), 1.0)


def _curve(painter: QPainter, frame: Frame, pane: Pane, study: Study, curve: Curve, index: Ints) -> None:
    view = frame.model.view
    if not len(index):
        return
    x, values = view.x(index + 0.5), study.columns[curve.column][index]
    if curve.style == "bars":
        _bars_from_zero(painter, frame, pane, x, values, view.bar * 0.6)
        return
    if curve.style == "daily":
        values = np.where(np.diff(study.columns["weight"][index], prepend=0.0) < 0, np.nan, values)
    style = Qt.PenStyle.DashLine if curve.style == "dash" else Qt.PenStyle.SolidLine
    _smooth_curve(painter, frame, pane, curve.color, style, x, values)


def _smooth_curve(painter: QPainter, frame: Frame, pane: Pane, token: str, style: Qt.PenStyle, x: Floats, values: Floats) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, _points(frame) <= SMOOTH_UP_TO)
    if style is Qt.PenStyle.DashLine and _points(frame) > SMOOTH_UP_TO // 4:
        style = Qt.PenStyle.SolidLine
    draw_curve(painter, pen(frame.palette[token], 1.0, style), x, pane.scale.y(values))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _bars_from_zero(painter: QPainter, frame: Frame, pane: Pane, x: Floats, values: Floats, width: float) -> None:
    zero, y = round(pane.scale.y(0.0)), np.round(pane.scale.y(values))
    width = max(1.0, float(int(width)))
    for token, which in (("up", values >= 0), ("down", values < 0)):
        top = np.minimum(y[which], zero)
        tall = np.maximum(np.abs(y[which] - zero), 1.0)
        draw_rects(painter, frame.palette.mix(token, "bg0", 0.6), np.floor(x[which] - width / 2 + EPSILON), top, width, tall)


def _probabilities(painter: QPainter, frame: Frame, pane: Pane) -> None:
    model, view = frame.model, frame.model.view
    at, p_long, p_short = model.probabilities
    start, stop = view.range()
    if stop <= start:
        return
    first, last = np.searchsorted(at, [model.series.at[start], model.series.at[stop - 1]])
    rows = slice(int(first), int(last) + 1, max(1, int((last - first) / max(view.width, 1))))
    index = np.searchsorted(model.series.at[: model.series.count], at[rows], side="right") - 1
    painter.setClipRect(frame.area(pane))
    _levels(painter, frame, pane, (0.5,))
    x = view.x(index + 0.5)
    for token, column in (("up", p_long), ("down", p_short)):
        _smooth_curve(painter, frame, pane, token, Qt.PenStyle.SolidLine, x, column[rows])
