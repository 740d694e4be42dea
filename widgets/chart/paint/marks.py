"""Signals as triangles with their probability, fills as small arrows at their price."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPolygonF

from engine.domain.order import Side
from widgets.chart.marks import DECIDED_AGAINST, FillMark, SignalMark
from widgets.chart.paint.frame import Frame, draw_ground, draw_text
from widgets.chart.primitives import pen

SIGNAL_SIZE, FILL_SIZE = 5.0, 4.0
GAP = 7.0
TEXT_ROOM = 30.0
TEXT_GAP = 8.0
MOST = 400
"""Of more marks in view only this many, evenly chosen, are drawn: they would be a smear anyway."""


def paint_marks(painter: QPainter, frame: Frame) -> None:
    model = frame.model
    start, stop = model.view.range()
    shown = np.flatnonzero((model.mark_bars >= start) & (model.mark_bars < stop))
    shown = shown[:: max(1, len(shown) // MOST)]
    shown = shown[np.argsort(model.mark_bars[shown], kind="stable")]
    painter.setClipRect(frame.layout.rect(model.price_pane))
    text_ends = {Side.BUY: -TEXT_ROOM, Side.SELL: -TEXT_ROOM}
    for row in shown.tolist():
        mark, index = model.marks[row], int(model.mark_bars[row])
        x = float(np.floor(model.view.x(index + 0.5))) + 0.5
        if isinstance(mark, FillMark):
            _fill(painter, frame, mark, x)
        else:
            with_text = x - text_ends[mark.side] > TEXT_ROOM
            if with_text:
                text_ends[mark.side] = x
            _signal(painter, frame, mark, index, x, with_text)
    painter.setClipping(False)


def _signal(painter: QPainter, frame: Frame, mark: SignalMark, index: int, x: float, with_text: bool) -> None:
    series, scale = frame.model.series, frame.model.price_pane.scale
    buys = mark.side is Side.BUY
    tip = scale.y(float(series.low[index])) + GAP if buys else scale.y(float(series.high[index])) - GAP
    color = frame.palette[_token(mark)]
    hollow = mark.outcome in DECIDED_AGAINST
    base = _triangle(painter, x, tip, SIGNAL_SIZE if buys else -SIGNAL_SIZE, frame.palette["bg0"] if hollow else color, color)
    if with_text:
        text = f"{mark.probability:.2f}"
        left, y = x - frame.advance(text) / 2, base + (TEXT_GAP if buys else -TEXT_GAP)
        draw_ground(painter, frame, QRectF(left - 1, y - 6, frame.advance(text) + 2, 12))
        draw_text(painter, frame, left, y, text, color)
    frame.mark_hits.append((_around(x, tip, base), mark))


def _token(mark: SignalMark) -> str:
    if mark.outcome == "waiting":
        return "gold"
    if mark.outcome in DECIDED_AGAINST:
        return "text2"
    return "up" if mark.side is Side.BUY else "down"


def _fill(painter: QPainter, frame: Frame, mark: FillMark, x: float) -> None:
    y = frame.model.price_pane.scale.y(frame.model.price(mark.price))
    buys = mark.side is Side.BUY
    color = frame.palette["up" if buys else "down"]
    base = _triangle(painter, x, y, FILL_SIZE if buys else -FILL_SIZE, color, frame.palette["text0"])
    frame.mark_hits.append((_around(x, y, base), mark))


def _triangle(painter: QPainter, x: float, tip: float, size: float, fill: QColor, edge: QColor) -> float:
    """A triangle with its point at `tip`, growing downwards for a positive size; gives the height of its base."""
    base = tip + size * 1.7
    painter.setPen(pen(edge))
    painter.setBrush(fill)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - abs(size), base), QPointF(x + abs(size), base)]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    return base


def _around(x: float, tip: float, base: float) -> QRectF:
    return QRectF(x - 8, min(tip, base) - 3, 16, abs(base - tip) + 6)
