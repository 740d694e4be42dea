"""Where a file lies in time: what is stored, what it brings, and what stays empty."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.core.clock import to_datetime
from engine.domain.imports import Lanes
from widgets.format import percent
from widgets.style import blend, color, table_font
from widgets.theme import UNIT, Theme

LANE, GAP = 10, 3
LEFT = 52
FAINTEST = 0.3
KINDS = (("stored", "paper"), ("new", "up"), ("alike", "text2"), ("other values", "warn"), ("hole", "trip"))
"""What is told apart, each with the role of its colour."""


class CoverageBar(QWidget):
    """Two lanes over the same time: all that is stored of these bars, and the file. Holes are marked below both."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lanes: Lanes | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What is stored and what the file brings, over time")

    def show_lanes(self, lanes: Lanes | None) -> None:
        self._lanes = lanes
        self.setVisible(lanes is not None)
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 2 * LANE + 2 * GAP + 4 + 4 * UNIT + 4 * UNIT)

    def holes(self) -> int:
        """In how many bins the market was open and nothing is, nor would be."""
        return sum(self._hole(at) for at in range(len(self._lanes.is_open))) if self._lanes else 0

    def _hole(self, at: int) -> bool:
        lanes = self._lanes
        assert lanes is not None
        return lanes.is_open[at] and not (lanes.stored[at] or lanes.new[at] or lanes.same[at] or lanes.changed[at])

    def paintEvent(self, _event: QPaintEvent) -> None:
        lanes = self._lanes
        if lanes is None:
            return
        painter = QPainter(self)
        painter.setFont(table_font())
        painter.setPen(Qt.PenStyle.NoPen)
        for row, name in enumerate(("stored", "file")):
            top = row * (LANE + GAP)
            painter.fillRect(QRectF(LEFT, top, self.width() - LEFT, LANE), color(self._theme, "bg2"))
            painter.setPen(color(self._theme, "text2"))
            painter.drawText(QRectF(0, top - 2, LEFT - 2 * UNIT, LANE + 4), Qt.AlignmentFlag.AlignVCenter, name)
        for at in range(len(lanes.is_open)):
            left, right = self._edge(at), self._edge(at + 1)
            self._fill(painter, left, right, 0, lanes.stored[at], "paper")
            brought = ((lanes.changed[at], "warn"), (lanes.new[at], "up"), (lanes.same[at], "text2"))
            strongest = max(brought)
            self._fill(painter, left, right, 1, min(1.0, sum(share for share, _ in brought)), strongest[1])
            if lanes.changed[at]:
                painter.fillRect(QRectF(left, LANE + GAP, max(2, right - left), LANE / 2), color(self._theme, "warn"))
            if self._hole(at):
                painter.fillRect(QRectF(left, 2 * LANE + 2 * GAP, right - left, 2), color(self._theme, "trip"))
        self._write_ends(painter, lanes)
        self._write_legend(painter)

    def _edge(self, at: int) -> int:
        assert self._lanes is not None
        return LEFT + round((self.width() - LEFT) * at / len(self._lanes.is_open))

    def _fill(self, painter: QPainter, left: int, right: int, row: int, share: float, role: str) -> None:
        if share > 0:
            strength = FAINTEST + (1 - FAINTEST) * min(1.0, share)
            painter.fillRect(
                QRectF(left, row * (LANE + GAP), max(1, right - left), LANE), blend(self._theme, role, "bg2", round(strength, 2))
            )

    def _write_ends(self, painter: QPainter, lanes: Lanes) -> None:
        place = QRectF(LEFT, 2 * LANE + 2 * GAP + 4, self.width() - LEFT, 4 * UNIT)
        painter.setPen(color(self._theme, "text2"))
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, f"{to_datetime(lanes.start):%Y-%m-%d}")
        painter.drawText(place, Qt.AlignmentFlag.AlignRight, f"{to_datetime(lanes.end):%Y-%m-%d} UTC")

    def _write_legend(self, painter: QPainter) -> None:
        left, top = LEFT, 2 * LANE + 2 * GAP + 4 + 4 * UNIT
        for name, role in KINDS:
            painter.fillRect(QRectF(left, top + 6, 8, 2 if name == "hole" else 8), color(self._theme, role))
            painter.setPen(color(self._theme, "text1"))
            width = painter.fontMetrics().horizontalAdvance(name)
            painter.drawText(QRectF(left + 3 * UNIT, top, width + UNIT, 5 * UNIT), Qt.AlignmentFlag.AlignVCenter, name)
            left += 3 * UNIT + width + 4 * UNIT

    def event(self, event: Any) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QHelpEvent.Type.ToolTip and self._lanes is not None:
            text = self.told_at(event.pos())
            QToolTip.showText(event.globalPos(), text, self) if text else QToolTip.hideText()
            return True
        return bool(super().event(event))

    def told_at(self, place: QPoint) -> str:
        """What lies at a point: the time, and the shares of it that are stored and brought."""
        lanes = self._lanes
        if lanes is None or not LEFT <= place.x() < self.width():
            return ""
        count = len(lanes.is_open)
        at = min(count - 1, int((place.x() - LEFT) * count / (self.width() - LEFT)))
        step = (lanes.end - lanes.start) / count
        first, last = (to_datetime(int(lanes.start + step * edge)) for edge in (at, at + 1))
        when = f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
        if not lanes.is_open[at]:
            return f"{when}: the market is closed"
        new, same, other = (percent(share, 0) for share in (lanes.new[at], lanes.same[at], lanes.changed[at]))
        return f"{when}: stored {percent(lanes.stored[at], 0)}; the file: {new} new, {same} alike, {other} with other values"
