"""What follows the pointer: crosshair, its labels on the axes, the legend; and what stands over all: badges, empty state."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from widgets.chart.indicators import Study
from widgets.chart.model import ChartModel
from widgets.chart.paint.axes import short
from widgets.chart.paint.frame import TAG_HEIGHT, Frame, draw_ground, draw_pill, draw_text, ink_on, pill_rect
from widgets.chart.paint.lines import axis_tag
from widgets.chart.primitives import pen
from widgets.chart.scales import crosshair_time
from widgets.theme import UNIT

LEGEND_ROW = 18
MAGNET_REACH = 28.0
PROGRESS_WIDTH = 240
Word = tuple[str, str, str]
"""Text, colour token and font."""


def paint_crosshair(painter: QPainter, frame: Frame) -> None:
    """Dashed lines through the cursor, and what they mean on both axes."""
    if frame.cursor is None or not frame.model.series.count:
        return
    model, layout, palette = frame.model, frame.layout, frame.palette
    x, y = frame.cursor.x(), frame.cursor.y()
    painter.setPen(pen(palette["text2"], 1, Qt.PenStyle.DashLine))
    painter.drawLine(QPointF(x, 0), QPointF(x, layout.bottom))
    painter.drawLine(QPointF(0, y), QPointF(layout.plot, y))
    pane = layout.pane_at(model, y) or model.price_pane
    value = pane.scale.value(y)
    text = model.text(value) if pane.name == "price" else short(value, pane)
    axis_tag(painter, frame, y, text, (palette["bg2"], palette["text2"], palette["text0"]))
    if not 0 <= model.view.place(x) < model.series.count:
        return
    index = cursor_index(model, x)
    text = crosshair_time(int(model.series.at[index]), model.zone, model.timeframe.span)
    frame.legend.append(text)
    rect = pill_rect(frame, 0, layout.bottom + 11, text)
    rect.moveLeft(min(max(0.0, x - rect.width() / 2), layout.plot - rect.width()))
    draw_pill(painter, frame, rect, text, palette["bg2"], palette["text2"], palette["text0"])


def cursor_index(model: ChartModel, x: float) -> int:
    """The bar under pixel `x`, or the nearest one."""
    return min(max(math.floor(model.view.place(x)), 0), model.series.count - 1)


def snapped(model: ChartModel, point: QPointF, magnet: bool) -> QPointF:
    """The point on the middle of its bar and, with the magnet, on the nearest of the bar's four prices."""
    if not model.series.count:
        return point
    index = cursor_index(model, point.x())
    x = math.floor(float(model.view.x(math.floor(model.view.place(point.x())) + 0.5)))
    scale, y = model.price_pane.scale, point.y()
    if magnet and y < scale.top + scale.height:
        bar = model.series.row(index)
        nearest = min((float(scale.y(price)) for price in (bar.open, bar.high, bar.low, bar.close)), key=lambda at: abs(at - y))
        if abs(nearest - y) <= MAGNET_REACH:
            y = round(nearest)
    return QPointF(x, y)


def paint_legend(painter: QPainter, frame: Frame) -> None:
    """Symbol, the four prices, change and volume of the bar under the cursor (else the last), then the indicators."""
    model = frame.model
    if not model.series.count:
        return
    index = cursor_index(model, frame.cursor.x()) if frame.cursor is not None else model.series.count - 1
    _row(painter, frame, 14.0, _bar_words(model, index))
    y = _badges(painter, frame, 14.0 + LEGEND_ROW)
    for study in model.studies.values():
        pane = next(pane for pane in model.panes if pane.name == study.indicator.pane)
        if pane.name == "price":
            _row(painter, frame, y, _study_words(study, index, model.text))
            y += LEGEND_ROW - 2
        else:
            words = _study_words(study, index, lambda value, pane=pane: short(value, pane, 1))
            _row(painter, frame, pane.scale.top + 11, words)
    if model.probabilities is not None:
        words = [("Probability", "text1", "small"), ("long", "up", "small"), ("short", "down", "small")]
        _row(painter, frame, model.panes[-1].scale.top + 11, words)


def _row(painter: QPainter, frame: Frame, y: float, words: list[Word]) -> None:
    """Words one after the other on a ground that keeps them readable over the bars."""
    gap = 2.0 * UNIT
    width = sum(frame.advance(text, font) + gap for text, _, font in words)
    draw_ground(painter, frame, QRectF(UNIT, y - 8, width + UNIT, 16))
    x = gap
    for text, token, font in words:
        x = draw_text(painter, frame, x, y, text, frame.palette[token], font) + gap
    frame.legend.append("  ".join(text for text, _, _ in words))


def _bar_words(model: ChartModel, index: int) -> list[Word]:
    bar = model.series.row(index)
    before = float(model.series.close[index - 1]) if index else bar.open
    change = bar.close - before
    percent = change / before * 100 if before else 0.0
    moved = f"{change:+,.{model.decimals}f} ({percent:+.2f} %)".replace("-", "−")
    tone = "up" if bar.close >= bar.open else "down"
    prices = zip("OHLC", (bar.open, bar.high, bar.low, bar.close), strict=True)
    words = [(f"{model.symbol} {model.timeframe.name}", "text0", "title")]
    words += [(f"{label} {model.text(price)}", tone, "legend") for label, price in prices]
    words += [(moved, "up" if change >= 0 else "down", "legend"), (f"Vol {bar.volume:,.0f}", "text1", "legend")]
    return words


def _study_words(study: Study, index: int, text: Callable[[float], str]) -> list[Word]:
    values = zip(study.indicator.curves, study.at(index), strict=True)
    shown = [(text(value) if math.isfinite(value) else "–", curve.color, "small") for curve, value in values]
    return [(study.indicator.name, "text1", "small"), *shown]


def _badges(painter: QPainter, frame: Frame, y: float) -> float:
    """SIMULATED, REPLAY, PAPER and the like; gives the height of the next row."""
    x = 2.0 * UNIT
    for text, token in frame.model.badges:
        rect = pill_rect(frame, x, y, text, "bold")
        fill = frame.palette[token]
        draw_pill(painter, frame, rect, text, fill, None, ink_on(frame.palette, fill), "bold")
        x = rect.right() + UNIT
    return y + LEGEND_ROW if frame.model.badges else y


def paint_empty(painter: QPainter, frame: Frame) -> None:
    """What would fill the chart; over the bars, how far their session is with opening."""
    is_opening = frame.model.empty_share is not None
    if not frame.model.empty_text or (frame.model.series.count and not is_opening):
        return
    painter.setFont(frame.faces["legend"].font)
    painter.setPen(QColor(frame.palette["text1"]))
    area = QRectF(4 * UNIT, 0, frame.layout.plot - 8 * UNIT, frame.layout.bottom)
    if frame.model.series.count:
        _veil(painter, frame, area)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, frame.model.empty_text)
    if frame.model.empty_share is not None:
        _progress(painter, frame, area, frame.model.empty_share)
    if not frame.model.series.count:  # else they stand below the legend already
        _badges(painter, frame, TAG_HEIGHT)


def _veil(painter: QPainter, frame: Frame, area: QRectF) -> None:
    """Ground for words that stand on bars."""
    width = min(area.width(), max(PROGRESS_WIDTH, frame.advance(frame.model.empty_text)) + 8 * UNIT)
    ground = QRectF(area.center().x() - width / 2, area.center().y() - 5 * UNIT, width, 16 * UNIT)
    painter.fillRect(ground, frame.palette["bg1"])


def _progress(painter: QPainter, frame: Frame, area: QRectF, share: float) -> None:
    """A bar below the words, and its percentage."""
    bar = QRectF(round(area.center().x() - PROGRESS_WIDTH / 2), round(area.center().y() + 4 * UNIT), PROGRESS_WIDTH, UNIT)
    painter.fillRect(bar, frame.palette["line"])
    painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * min(max(share, 0.0), 1.0), bar.height()), frame.palette["gold"])
    text = f"{100 * share:.0f} %"
    draw_text(painter, frame, area.center().x() - frame.advance(text) / 2, bar.bottom() + 3 * UNIT, text, frame.palette["text1"])
