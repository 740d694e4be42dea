"""Many lines or rectangles in one call: an array is handed to the painter by pointer, and Qt reads it as its own shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from engine.domain.market import Floats


class _Shapes:
    """Rows of four float64 in memory that lies as Qt's own array of `kind` does; it grows and is used again."""

    def __init__(self, kind: type[QLineF] | type[QRectF]) -> None:
        self._kind = kind
        self._room = np.empty((0, 4))
        self._first: Any = None

    def rows(self, count: int) -> Floats:
        """The first `count` rows, to be written to."""
        if count > len(self._room):
            self._room = np.empty((count, 4))
            self._first = shiboken6.wrapInstance(self._room.ctypes.data, self._kind)
        return self._room[:count]

    @property
    def first(self) -> Any:
        """The shape at the beginning of the memory, for the painter to take with a count; good until more rows are asked for."""
        return self._first


_lines = _Shapes(QLineF)
_rects = _Shapes(QRectF)


def draw_rects(painter: QPainter, color: QColor, x: Floats, y: Floats, width: Floats | float, height: Floats | float) -> None:
    """Filled rectangles in device coordinates."""
    if not len(x):
        return
    cells = _rects.rows(len(x))
    cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3] = x, y, width, height
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawRects(_rects.first, len(x))


def draw_lines(painter: QPainter, pen: QPen, x1: Floats, y1: Floats, x2: Floats, y2: Floats) -> None:
    """Separate lines in device coordinates; `pen` should be cosmetic."""
    if not len(x1):
        return
    cells = _lines.rows(len(x1))
    cells[:, 0], cells[:, 1], cells[:, 2], cells[:, 3] = x1, y1, x2, y2
    painter.setPen(pen)
    painter.drawLines(_lines.first, len(x1))


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
