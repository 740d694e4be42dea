"""The equity curve, with the drawdown from its peak shaded."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.core.clock import DAY, Nanos
from engine.domain.market import Floats, Ints
from widgets import format as fmt
from widgets.empty import Empty
from widgets.format import Display
from widgets.gauges.curve import Curve
from widgets.style import blend, color, headline_font, set_role, sign_role, table_font
from widgets.theme import UNIT, Theme

_AXIS, _FOOT, _TOP = 68, 16, 6


class EquityPlot(QWidget):
    """Paints a Curve; work is proportional to pixels. The value under the pointer is shown on the line."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self.curve, self.display = theme, Curve(), Display()
        self._hover: int | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(QSize(160, 60))

    def _area(self) -> QRectF:
        return QRectF(2 * UNIT, _TOP, max(1, self.width() - _AXIS - 2 * UNIT), max(1, self.height() - _TOP - _FOOT))

    def _span(self) -> tuple[float, float]:
        n = self.curve.count
        low, high = float(self.curve.low[:n].min()), float(self.curve.high[:n].max())
        room = (high - low or abs(high) * 0.001 or 1.0) * 0.06
        return low - room, high + room

    def _xs(self, area: QRectF) -> Floats:
        """Points are evenly spaced, so that nights and weekends leave no holes."""
        n = self.curve.count
        return area.left() + np.arange(n) * (area.width() / max(1, n - 1))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), color(self.theme, "bg1"))
        n = self.curve.count
        if n < 2:
            return
        area, (low, high) = self._area(), self._span()
        scale = area.height() / (high - low)
        painter.setFont(table_font())
        self._paint_axis(painter, area, low, high)
        xs = self._xs(area)
        last, peak = (area.bottom() - (values[:n] - low) * scale for values in (self.curve.last, self.curve.peak))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(blend(self.theme, "down", "bg1", 0.15))
        painter.drawPolygon(_polygon(np.concatenate((xs, xs[::-1])), np.concatenate((peak, last[::-1]))))
        painter.setPen(QPen(color(self.theme, "gold"), 1.25))
        painter.drawPolyline(_polygon(xs, last))
        self._paint_times(painter, area)
        if self._hover is not None and self._hover < n:
            self._paint_hover(painter, area, float(xs[self._hover]), float(last[self._hover]))

    def _paint_axis(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        step = _nice((high - low) / max(2.0, area.height() / 36))
        value = np.ceil(low / step) * step
        while value <= high:
            y = area.bottom() - (value - low) / (high - low) * area.height()
            painter.setPen(QPen(color(self.theme, "line"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(color(self.theme, "text2"))
            box = QRectF(area.right() + UNIT, y - 8, _AXIS - UNIT, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, fmt.number(float(value), 0 if step >= 1 else 2))
            value += step

    def _paint_times(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(color(self.theme, "text2"))
        n = self.curve.count
        long = self.curve.until - int(self.curve.at[0]) > 2 * DAY
        align = Qt.AlignmentFlag
        for share, side in ((0.0, align.AlignLeft), (0.5, align.AlignHCenter), (1.0, align.AlignRight)):
            at = int(self.curve.at[round(share * (n - 1))]) if share < 1 else self.curve.until
            text = fmt.moment(at, self.display.zone)
            box = QRectF(area.left(), area.bottom() + 1, area.width(), _FOOT - 1)
            painter.drawText(box, side | align.AlignVCenter, text[:10] if long else text[11:16])

    def _paint_hover(self, painter: QPainter, area: QRectF, x: float, y: float) -> None:
        painter.setPen(QPen(color(self.theme, "text2"), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color(self.theme, "gold"))
        painter.drawEllipse(QPointF(x, y), 3, 3)
        text = self.describe(self._hover or 0)
        width = painter.fontMetrics().horizontalAdvance(text) + 2 * UNIT
        left = min(max(area.left(), x - width / 2), area.right() - width)
        box = QRectF(left, area.top(), width, 18)
        painter.setBrush(color(self.theme, "bg2"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(color(self.theme, "text0"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def describe(self, number: int) -> str:
        """The point in words: time, equity, drawdown."""
        at, value, peak = int(self.curve.at[number]), float(self.curve.last[number]), float(self.curve.peak[number])
        below = (peak - value) / peak if peak > 0 else 0.0
        return f"{fmt.moment_with_zone(at, self.display.zone)}  {fmt.number(value, 2)}  drawdown {fmt.percent(below)}"

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        area, n = self._area(), self.curve.count
        place = round((event.position().x() - area.left()) / area.width() * (n - 1)) if n > 1 else -1
        self._set_hover(place if 0 <= place < n else None)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._set_hover(None)

    def _set_hover(self, number: int | None) -> None:
        if number != self._hover:
            self._hover = number
            self.update()


class EquityCurve(QWidget):
    """The curve under its headline: equity now, and what became of the opening balance."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Equity")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.headline = QLabel(font=headline_font())
        self.change = QLabel()
        self.plot = EquityPlot(theme)
        self.plot.setAccessibleName("Equity curve")
        self.empty = Empty(theme, "chart-line", "The equity curve starts with the first closed bar of a session.")
        self._first = 0.0
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(3 * UNIT, UNIT, 3 * UNIT, 0)
        head.setSpacing(3 * UNIT)
        head.addWidget(self.headline)
        head.addWidget(self.change, 1, Qt.AlignmentFlag.AlignBottom)
        layout.addLayout(head)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.empty, 1)
        self._show()

    def set_curve(self, at: Ints, equity: Floats) -> None:
        """Another history: times (ns UTC, ascending) and equity in the account's currency."""
        self.plot.curve.replace(at, equity)
        self._first = float(equity[0]) if len(equity) else 0.0
        self._show()

    def append(self, at: Nanos, equity: float) -> None:
        """One more point, later than all before; many in one frame are shown at once."""
        if not self.plot.curve.count:
            self._first = equity
        self.plot.curve.append(at, equity)
        self._soon.start()

    def _show(self) -> None:
        curve, currency = self.plot.curve, self.plot.display.currency
        has_line = curve.count > 1
        for widget, shown in (
            (self.plot, has_line),
            (self.headline, has_line),
            (self.change, has_line),
            (self.empty, not has_line),
        ):
            widget.setVisible(shown)
        if has_line:
            now = float(curve.last[curve.count - 1])
            gain = now - self._first
            self.headline.setText(f"{fmt.number(now, 2)} {currency}")
            self.change.setText(
                f"{fmt.signed(gain, 2)} ({fmt.signed_percent(gain / self._first if self._first else 0)}) since the start"
            )
            set_role(self.change, "role", {"up": "good", "down": "loss"}.get(sign_role(gain), "label"))
            self.plot.update()

    def set_theme(self, theme: Theme) -> None:
        self.plot.theme = theme
        self.empty.set_theme(theme)
        self.plot.update()

    def set_display(self, display: Display) -> None:
        self.plot.display = display
        self._show()

    def state(self) -> dict[str, Any]:
        self._show()
        curve = self.plot.curve
        return {
            "name": self.accessibleName(),
            "headline": self.headline.text(),
            "change": self.change.text(),
            "points": curve.count,
            "last": self.plot.describe(curve.count - 1) if curve.count else "",
        }


def _polygon(xs: Floats, ys: Floats) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])


def _nice(step: float) -> float:
    """The next of 1, 2, 5 x 10^n."""
    power = 10.0 ** np.floor(np.log10(max(step, 1e-9)))
    return float(next(nice * power for nice in (1, 2, 5, 10) if nice * power >= step))
