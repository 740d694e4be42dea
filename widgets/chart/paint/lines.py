"""Orders, positions and limit prices as horizontal lines; those out of view as arrows at the edge with their distance."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from widgets.chart.marks import LINE_STYLES, PriceLine
from widgets.chart.paint.frame import TAG_HEIGHT, Frame, draw_pill, draw_text, ink_on
from widgets.chart.primitives import pen
from widgets.theme import UNIT

DASHES = {"solid": Qt.PenStyle.SolidLine, "dash": Qt.PenStyle.DashLine, "dot": Qt.PenStyle.DotLine}
TONES = {"up": "up", "down": "down", "": "text0"}
HANDLE = 5.0
LIMITS = ("warn", "trip")
TagColors = tuple[QColor, QColor, QColor]


def paint_lines(painter: QPainter, frame: Frame) -> None:
    """All lines, their labels kept apart, and places to grab them."""
    pane = frame.model.price_pane
    top, bottom = pane.scale.top, pane.scale.top + pane.scale.height
    placed = [(float(pane.scale.y(frame.model.price(frame.price_of(line)))), line) for line in frame.model.lines.values()]
    placed.sort(key=lambda item: item[0])
    painter.setClipRect(frame.layout.rect(pane))
    for y, line in placed:
        if top <= y <= bottom:
            _line(painter, frame, y, line)
    seen = [(y, line) for y, line in placed if top <= y <= bottom]
    lowest = bottom - TAG_HEIGHT / 2 - 2
    heights = keep_apart([y for y, _ in seen], TAG_HEIGHT + 2, top + TAG_HEIGHT / 2 + 2, lowest)
    taken = [_label(painter, frame, at, y, line) for at, (y, line) in zip(heights, seen, strict=True)]
    hidden = [(y, line) for y, line in placed if not top <= y <= bottom]
    heights = keep_apart([y for y, _ in hidden], TAG_HEIGHT + 2, top + TAG_HEIGHT / 2 + 2, lowest)
    for at, (y, line) in zip(heights, hidden, strict=True):
        taken.append(_beyond(painter, frame, at, line, y < top, taken))
    painter.setClipping(False)


def keep_apart(heights: list[float], gap: float, top: float, bottom: float) -> list[float]:
    """Ascending `heights` moved as little as need be to lie at least `gap` apart, within top and bottom if they can."""
    moved = list(heights)
    for i in range(len(moved)):
        least = moved[i - 1] + gap if i else top
        moved[i] = max(moved[i], least)
    for i in reversed(range(len(moved))):
        most = moved[i + 1] - gap if i + 1 < len(moved) else bottom
        moved[i] = min(moved[i], most)
    return moved


def _line(painter: QPainter, frame: Frame, y: float, line: PriceLine) -> None:
    style = LINE_STYLES[line.kind]
    color = frame.palette[style.color]
    is_dragged = frame.dragged is not None and frame.dragged[0] == line.id
    painter.setPen(pen(color, 1, DASHES["solid" if is_dragged else style.dash]))
    plot = frame.layout.plot
    painter.drawLine(QPointF(plot * (1 - style.reach), round(y)), QPointF(plot, round(y)))
    frame.tags.append((y, frame.model.text(frame.model.price(frame.price_of(line))), color))


def _label(painter: QPainter, frame: Frame, at: float, y: float, line: PriceLine) -> QRectF:
    is_dragged = frame.dragged is not None and frame.dragged[0] == line.id
    detail = frame.drag_text if is_dragged else line.detail
    color = frame.palette[LINE_STYLES[line.kind].color]
    width = frame.advance(line.label) + (frame.advance(detail, "bold") + 2 * UNIT if detail else 0) + 2 * UNIT + 2
    rect = QRectF(round(frame.layout.plot - width - 2 * UNIT), round(at - TAG_HEIGHT / 2), round(width), TAG_HEIGHT)
    draw_pill(painter, frame, rect, line.label, frame.palette["bg1"], color, color)
    if detail:
        tone = "gold" if is_dragged else TONES[line.tone]
        x = rect.right() - UNIT - 1 - frame.advance(detail, "bold")
        draw_text(painter, frame, x, rect.center().y(), detail, frame.palette[tone], "bold")
    if line.movable:
        _grip(painter, frame, rect)
    frame.line_hits.append((y, rect, line))
    frame.labels.append((rect, line))
    return rect


def _grip(painter: QPainter, frame: Frame, rect: QRectF) -> None:
    """Two short strokes left of the label: this line can be dragged."""
    painter.setPen(pen(frame.palette["text1"]))
    x, y = rect.left() - 3, rect.center().y()
    for offset in (-1, -3):
        painter.drawLine(QPointF(x + offset, y - HANDLE), QPointF(x + offset, y + HANDLE))


def _beyond(painter: QPainter, frame: Frame, at: float, line: PriceLine, is_above: bool, taken: list[QRectF]) -> QRectF:
    """A line out of view: an arrow at the edge, clear of labels already there, its price and, if no limit's, its distance."""
    series, model = frame.model.series, frame.model
    price = model.price(line.price)
    away = f"  {price - float(series.close[series.count - 1]):+,.{model.decimals}f}".replace("-", "−")
    text = f"{'▲' if is_above else '▼'} {line.label}  {model.text(price)}{'' if line.kind in LIMITS else away}"
    width = frame.advance(text) + 2 * UNIT + 2
    rect = QRectF(round(frame.layout.plot - width - 2 * UNIT), round(at - TAG_HEIGHT / 2), round(width), TAG_HEIGHT)
    while any(other.intersects(rect) for other in taken):  # inwards, for on the left the legend has its place
        rect.translate(0, (TAG_HEIGHT + 2) * (1 if is_above else -1))
    draw_pill(painter, frame, rect, text, frame.palette["bg1"], None, frame.palette[LINE_STYLES[line.kind].color])
    frame.labels.append((rect, line))
    return rect


def paint_last_price(painter: QPainter, frame: Frame) -> None:
    """A dotted line at the last close; its tag goes to the axis."""
    y = last_price_height(frame)
    if y is not None:
        painter.setPen(pen(frame.palette[_last_token(frame)], 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(0, round(y)), QPointF(frame.layout.plot, round(y)))


def paint_tags(painter: QPainter, frame: Frame) -> None:
    """The prices of lines on the axis, kept clear of each other and of the last price, in place of the scale's labels."""
    tags = _placed_tags(frame)
    left, width = frame.layout.plot + 1, frame.layout.axis - 1
    for label in frame.scale_labels:
        if any(abs(label - tag[0]) < TAG_HEIGHT for tag in tags):
            painter.fillRect(QRectF(left, label - TAG_HEIGHT / 2, width, TAG_HEIGHT), frame.palette["bg0"])
    for y, text, colors, font in tags:
        axis_tag(painter, frame, y, text, colors, font)


def _placed_tags(frame: Frame) -> list[tuple[float, str, TagColors, str]]:
    """Height, text, colours and font of every tag; the last price keeps its true height."""
    scale, palette, last = frame.model.price_pane.scale, frame.palette, last_price_height(frame)
    top, bottom = scale.top + TAG_HEIGHT / 2, scale.top + scale.height - TAG_HEIGHT / 2
    placed: list[tuple[float, str, TagColors, str]] = []
    split = bottom + TAG_HEIGHT if last is None else last
    room = TAG_HEIGHT * (2 if frame.countdown else 1)
    above = [tag for tag in frame.tags if tag[0] <= split]
    below = [tag for tag in frame.tags if tag[0] > split]
    heights = keep_apart([tag[0] for tag in above], TAG_HEIGHT, top, split - TAG_HEIGHT)
    heights += keep_apart([tag[0] for tag in below], TAG_HEIGHT, split + room, bottom)
    for y, (_, text, color) in zip(heights, above + below, strict=True):
        placed.append((y, text, (palette["bg1"], color, color), "small"))
    if last is not None:
        fill, series = palette[_last_token(frame)], frame.model.series
        text = frame.model.text(float(series.close[series.count - 1]))
        placed.append((last, text, (fill, fill, ink_on(palette, fill)), "bold"))
        if frame.countdown:
            placed.append((last + TAG_HEIGHT, frame.countdown, (palette["bg2"], fill, palette["text0"]), "small"))
    return placed


def last_price_height(frame: Frame) -> float | None:
    """The height of the last close, None where it is out of view."""
    series, scale = frame.model.series, frame.model.price_pane.scale
    y = float(scale.y(float(series.close[series.count - 1]))) if series.count else -1.0
    return y if scale.top <= y <= scale.top + scale.height else None


def _last_token(frame: Frame) -> str:
    """The colour of the last price; grey where it is not to be traded on."""
    series = frame.model.series
    if frame.model.doubt:
        return "text2"
    return "up" if series.close[series.count - 1] >= series.open[series.count - 1] else "down"


def axis_tag(painter: QPainter, frame: Frame, y: float, text: str, colors: TagColors, font: str = "small") -> None:
    """A price on the axis at height `y`; `colors` are fill, edge and ink."""
    rect = QRectF(frame.layout.plot + 1, round(y - TAG_HEIGHT / 2), frame.layout.axis - 3, TAG_HEIGHT)
    draw_pill(painter, frame, rect, "", colors[0], colors[1])
    draw_text(painter, frame, frame.layout.plot + 2 * UNIT, rect.center().y(), text, colors[2], font)
