"""Contributions as signed bars around a middle line."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets import format as fmt
from widgets.style import color, table_font
from widgets.theme import Theme

ROW = 14
SHOWN = 4
_NAME, _NUMBER = 0.44, 40


def in_words(feature: str) -> str:
    """A feature's name as people read it."""
    return feature.replace("_", " ")


class Weights(QWidget):
    """The features that moved the probability most: name and value, a bar to the right for, to the left against the trade."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: tuple[tuple[str, float, float], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_weights(self, contributions: tuple[tuple[str, float, float], ...]) -> None:
        """(name, value, log-odds), the strongest first."""
        rows = tuple(sorted(contributions, key=lambda item: -abs(item[2]))[:SHOWN])
        if rows == self._rows:
            return
        self._rows = rows
        self.setToolTip("\n".join(f"{in_words(n)} ({n}) = {v:.4g}: {fmt.signed(w, 3)} log-odds" for n, v, w in rows))
        self.setAccessibleDescription(", ".join(self.texts()))
        self.updateGeometry()
        self.update()

    def texts(self) -> list[str]:
        """The rows as words."""
        return [f"{in_words(name)} {fmt.signed(weight, 2)}" for name, _value, weight in self._rows]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(180, ROW * len(self._rows))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(table_font())
        biggest = max((abs(weight) for *_, weight in self._rows), default=1.0) or 1.0
        name_width = self.width() * _NAME
        half = (self.width() - name_width - _NUMBER) / 2
        middle = name_width + half
        for at, (name, _value, weight) in enumerate(self._rows):
            top = at * ROW
            box = QRectF(0, top, name_width - 4, ROW)
            painter.setPen(color(self._theme, "text1"))
            short = painter.fontMetrics().elidedText(in_words(name), Qt.TextElideMode.ElideMiddle, int(box.width()))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, short)
            length = abs(weight) / biggest * (half - 2)
            left = middle if weight >= 0 else middle - length
            tone = color(self._theme, "text2" if not weight else "up" if weight > 0 else "down")
            painter.fillRect(QRectF(left, top + 3, max(1.0, length), ROW - 6), tone)
            painter.setPen(tone)
            number = QRectF(self.width() - _NUMBER, top, _NUMBER, ROW)
            painter.drawText(number, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, fmt.signed(weight, 2))
        painter.setPen(color(self._theme, "line"))
        painter.drawLine(int(middle), 0, int(middle), self.height())
