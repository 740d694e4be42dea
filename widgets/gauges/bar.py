"""A bar that fills towards a cap."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.style import color
from widgets.theme import Theme

WARN_AT = 0.75


def level(share: float) -> str:
    """ok, warn above 75 % of the cap, trip at it."""
    return "trip" if share >= 1.0 else "warn" if share > WARN_AT else "ok"


_ROLES = {"ok": "up", "warn": "warn", "trip": "trip"}


def level_role(state: str) -> str:
    """The colour of a level."""
    return _ROLES.get(state, "text1")


class Bar(QWidget):
    """Shares of a cap: `now` solid, `then` (what an order would make of it) pale behind. The cap is the right end."""

    def __init__(self, theme: Theme, height: int = 6, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._height = theme, height
        self._now = self._then = 0.0
        self._state = "ok"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_shares(self, now: float, then: float | None = None, state: str | None = None) -> None:
        """Shares of the cap, 1.0 = full; `state` overrides the level they make."""
        then = now if then is None else then
        shown = (now, then, state or level(max(now, then)))
        if shown != (self._now, self._then, self._state):
            self._now, self._then, self._state = shown
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(60, self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(16, self._height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        width, top = float(self.width()), (self.height() - self._height) / 2
        radius = min(2.0, self._height / 2)
        painter.setBrush(color(self._theme, "line"))
        painter.drawRoundedRect(QRectF(0, top, width, self._height), radius, radius)
        tone = color(self._theme, level_role(self._state))
        for share, opacity in ((self._then, 0.45), (self._now, 1.0)):
            filled = min(1.0, max(0.0, share)) * width
            if filled > 0:
                painter.setOpacity(opacity)
                painter.setBrush(tone)
                painter.drawRoundedRect(QRectF(0, top, max(filled, 2.0), self._height), radius, radius)
