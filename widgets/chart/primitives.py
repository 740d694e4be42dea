"""Many lines or rectangles in one call: arrays handed to the painter by pointer (pyqtgraph's PrimitiveArray does the handing)."""

from __future__ import annotations

import numpy as np
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from engine.domain.market import Floats

_lines = PrimitiveArray(QLineF, 4)
_rects = PrimitiveArray(QRectF, 4)


def draw_rects(painter: QPainter, color: QColor, x: Floats, y: Floats, width: Floats | float, height: Floats | float) -> None:
    """Filled rectangles in device coordinates."""
    if not len(x):
        return
    _rects.resize(len(x))
    cells = _rects.ndarray()
    cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3] = x, y, width, height
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRects(*_rects.drawargs())


def draw_lines(painter: QPainter, pen: QPen, x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> None:
    """Separate lines in device coordinates; `pen` should be cosmetic."""
    if not len(x1):
        return
    _lines.resize(len(x1))
    cells = _lines.ndarray()
    cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3] = x1, y1, x2, y2
    painter.setPen(pen)
    painter.drawLines(*_lines.drawargs())


def draw_curve(painter: QPainter, pen: QPen, x: Floats, y: Floats) -> None:
    """A line through the points; it breaks where `y` is not a number."""
    good = np.isfinite(y)
    if not good.all():
        both = good[1:] & good[:-1]
        draw_lines(painter, pen, x[:-1][both], y[:-1][both], x[1:][both], y[1:][both])
    else:
        draw_lines(painter, pen, x[:-1], y[:-1], x[1:], y[1:])


def pen(color: QColor, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen that keeps its width in device pixels."""
    made = QPen(color, width, style)
    made.setCosmetic(True)
    return made
