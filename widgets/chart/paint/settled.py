"""Grid, axes and all bars but the newest, kept as a picture, so that a live price costs little more than copying it.

When the view moves sideways by whole pixels the picture is scrolled and only the strip that came into view is painted.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPainter, QPixmap

from widgets.chart.paint.axes import TimeTicks, paint_grid, paint_price_axis, paint_separators, paint_time_axis
from widgets.chart.paint.bars import paint_bars, split
from widgets.chart.paint.frame import Frame
from widgets.chart.paint.studies import paint_studies

WHOLE = 0.02
"""How far from a whole pixel a move may end and still be scrolled."""


class Settled:
    """Paints what does not change with the last price, anew only as far as it must."""

    def __init__(self) -> None:
        self._picture = QPixmap()
        self._look: tuple[object, ...] = ()
        self._last_look: tuple[object, ...] = ()
        self._right = 0.0
        self._ticks = TimeTicks()

    def paint(self, painter: QPainter, frame: Frame, size: QSize) -> None:
        self._ticks.of(frame.model)
        view = frame.model.view
        look = self._look_of(frame, size)
        shift = (self._right - view.right) * view.bar * frame.ratio if look == self._look else math.inf
        if abs(shift) < WHOLE:
            painter.drawPixmap(0, 0, self._picture)
        elif self._can_scroll(frame, shift):
            self._scroll(frame, round(shift))
            painter.drawPixmap(0, 0, self._picture)
        elif look == self._last_look:
            self._keep(frame, size)
            self._look, self._right = look, view.right
            painter.drawPixmap(0, 0, self._picture)
        else:
            # scales are moving too: a picture of this would not be used again
            self._paint_all(painter, frame, size)
        self._last_look = look

    def _look_of(self, frame: Frame, size: QSize) -> tuple[object, ...]:
        """Everything the picture depends on but the place of the view."""
        model = frame.model
        scales = tuple((pane.name, p.low, p.high, p.top, p.height) for pane in model.panes for p in (pane.scale,))
        place = (size, frame.ratio, frame.layout.axis, frame.palette, model.decimals, model.view.bar, self._ticks.key)
        return place, model.revision, model.series.count, tuple(model.studies), frame.most, scales

    def _can_scroll(self, frame: Frame, shift: float) -> bool:
        if abs(shift) > frame.layout.plot * frame.ratio / 2 or frame.model.probabilities is not None:
            return False
        return abs(shift - round(shift)) < WHOLE and frame.ratio == int(frame.ratio)

    def _scroll(self, frame: Frame, shift: int) -> None:
        layout, ratio = frame.layout, int(frame.ratio)
        self._picture.scroll(shift, 0, QRect(0, 0, layout.plot * ratio, layout.bottom * ratio))
        self._right -= shift / (frame.model.view.bar * ratio)
        width = shift / ratio
        frame.strip = (0.0, width) if shift > 0 else (layout.plot + width, float(layout.plot))
        with QPainter(self._picture) as painter:
            self._paint_plot(painter, frame)
            paint_separators(painter, frame)
            paint_time_axis(painter, frame, self._ticks.of(frame.model))
        frame.strip = None

    def _keep(self, frame: Frame, size: QSize) -> None:
        if self._picture.size() != size * frame.ratio or self._picture.devicePixelRatio() != frame.ratio:
            self._picture = QPixmap(size * frame.ratio)
            self._picture.setDevicePixelRatio(frame.ratio)
        with QPainter(self._picture) as painter:
            self._paint_all(painter, frame, size)

    def _paint_all(self, painter: QPainter, frame: Frame, size: QSize) -> None:
        painter.fillRect(QRect(0, 0, size.width(), size.height()), frame.palette["bg0"])
        self._paint_plot(painter, frame)
        paint_price_axis(painter, frame)
        paint_time_axis(painter, frame, self._ticks.of(frame.model))

    def _paint_plot(self, painter: QPainter, frame: Frame) -> None:
        if frame.strip is not None:
            left, right = frame.strip
            painter.fillRect(QRectF(left, 0, right - left, frame.layout.bottom), frame.palette["bg0"])
        paint_grid(painter, frame, self._ticks.of(frame.model))
        if frame.model.series.count:
            paint_bars(painter, frame, split(frame)[0])
            paint_studies(painter, frame, is_growing=False)
