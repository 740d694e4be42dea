"""A probability against the threshold it had to pass."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.style import color
from widgets.theme import Theme

_HEIGHT, _BAR = 12, 6


class ProbabilityBar(QWidget):
    """A bar from 0 to 1 with a mark at the threshold."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._probability = self._threshold = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_probability(self, probability: float, threshold: float) -> None:
        self._probability, self._threshold = probability, threshold
        self.setToolTip(f"Calibrated probability {probability:.3f}; the policy acts from {threshold:.3f}")
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(32, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = (_HEIGHT - _BAR) / 2
        for share, role in ((1.0, "line"), (self._probability, "gold")):
            painter.setBrush(color(self._theme, role))
            painter.drawRoundedRect(QRectF(0, top, self.width() * min(1.0, share), _BAR), 2, 2)
        painter.setBrush(color(self._theme, "text0"))
        painter.drawRect(QRectF(self.width() * self._threshold - 1, 0, 2, _HEIGHT))
