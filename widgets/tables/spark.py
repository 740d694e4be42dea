"""A line of a few prices, drawn in a cell."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QPainter, QPen

from widgets.style import color
from widgets.tables.column import Row
from widgets.theme import Theme

_MARGIN = 3


def paint_spark(painter: QPainter, rect: QRect, row: Row, theme: Theme) -> None:
    """Draw `row.closes` (floats, oldest first), thinned to the cell's pixels, coloured by the way they went."""
    closes = row.closes
    if len(closes) < 2:
        return
    width, height = rect.width() - 2 * _MARGIN, rect.height() - 2 * _MARGIN
    step = max(1, len(closes) // max(1, width))
    points = closes[::step] if (len(closes) - 1) % step == 0 else (*closes[::step], closes[-1])
    low, high = min(points), max(points)
    scale, last = height / ((high - low) or 1.0), len(points) - 1
    left, bottom = rect.left() + _MARGIN, rect.bottom() - _MARGIN
    line = [QPointF(left + n * width / last, bottom - (value - low) * scale) for n, value in enumerate(points)]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color(theme, "up" if points[-1] >= points[0] else "down"), 1.0))
    painter.drawPolyline(line)
    painter.restore()
