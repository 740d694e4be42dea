"""Paints a table's visible cells straight from its model: one pass, no style machinery, shaped texts kept."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QStaticText, QTransform

from widgets.style import blend, color, table_font, veil
from widgets.tables.column import Column, Row
from widgets.tables.model import Key, KeyedTableModel
from widgets.theme import Theme

MARKER = 2
"""Width of the mark at the left of the selected row."""
PADDING = 4


@lru_cache(maxsize=2)
def _metrics(bold: bool) -> QFontMetricsF:
    return QFontMetricsF(table_font(bold))


@lru_cache(maxsize=8192)
def _shaped(text: str, bold: bool) -> tuple[QStaticText, float]:
    """The text laid out once, and its width."""
    shaped = QStaticText(text)
    shaped.setTextFormat(Qt.TextFormat.PlainText)
    shaped.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
    shaped.prepare(QTransform(), table_font(bold))
    return shaped, _metrics(bold).horizontalAdvance(text)


class CellPainter:
    """The look of all desk tables. `dim` names keys whose rows look old."""

    def __init__(self, model: KeyedTableModel, theme: Theme) -> None:
        self._model = model
        self.theme = theme
        self.dim: frozenset[object] = frozenset()
        self.hovered_row = -1

    def paint_row(self, painter: QPainter, number: int, spans: list[tuple[int, QRect]], whole: QRect, selected: bool) -> None:
        """One row: its background over `whole`, its cells in `spans` of (column number, rectangle)."""
        if selected:
            painter.fillRect(whole, veil(self.theme, "gold"))
            painter.fillRect(whole.left(), whole.top(), MARKER, whole.height(), color(self.theme, "gold"))
        elif number == self.hovered_row:
            painter.fillRect(whole, blend(self.theme, "bg2", "bg1", 0.7))
        model = self._model
        key, row = model.key_at(number), model.row(number)
        for at, rect in spans:
            flash = model.flashes.role(key, at)
            if flash:
                painter.fillRect(rect, blend(self.theme, flash, "bg1", 0.30))
            column = model.columns[at]
            if column.paint is not None:
                column.paint(painter, rect, row, self.theme)
            else:
                self._paint_text(painter, rect, model.text(number, at), column, key, row)

    def _paint_text(self, painter: QPainter, rect: QRect, text: str, column: Column, key: Key, row: Row) -> None:
        role = "text2" if key in self.dim else column.tint(row) if column.tint else "text0"
        room = rect.width() - 2 * PADDING
        shaped, width = _shaped(text, column.bold)
        if width > room:
            shaped, width = _shaped(_metrics(column.bold).elidedText(text, Qt.TextElideMode.ElideRight, room), column.bold)
        left = rect.right() + 1 - PADDING - width if column.numeric else rect.left() + PADDING
        painter.setFont(table_font(column.bold))
        painter.setPen(color(self.theme, role))
        painter.drawStaticText(QPointF(left, rect.top() + (rect.height() - _metrics(column.bold).height()) / 2), shaped)
