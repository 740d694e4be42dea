"""What every painting function is given: content, layout, colours, cursor; and what it leaves behind: places to click."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from widgets.chart.layout import Layout
from widgets.chart.marks import Mark, PriceLine
from widgets.chart.model import ChartModel, Pane
from widgets.chart.palette import Face, Palette
from widgets.theme import RADIUS, UNIT

TAG_HEIGHT = 16


@dataclass(slots=True)
class Frame:
    """One repaint. `ratio` is device pixels per pixel, `most` the highest volume in view.

    `strip` is the part of the plot (from x, to x) being painted where it is not all of it.
    `cursor` is the crosshair in pixels, None when the pointer is elsewhere; `dragged` id and ticks of the line being moved.
    """

    model: ChartModel
    layout: Layout
    palette: Palette
    faces: dict[str, Face]
    cursor: QPointF | None = None
    strip: tuple[float, float] | None = None
    ratio: float = 1.0
    most: float = 0.0
    dragged: tuple[str, int] | None = None
    drag_text: str = ""
    countdown: str = ""
    line_hits: list[tuple[float, QRectF, PriceLine]] = field(default_factory=list)
    mark_hits: list[tuple[QRectF, Mark]] = field(default_factory=list)
    labels: list[tuple[QRectF, PriceLine]] = field(default_factory=list)
    legend: list[str] = field(default_factory=list)
    tags: list[tuple[float, str, QColor]] = field(default_factory=list)
    scale_values: dict[str, list[float]] = field(default_factory=dict)
    scale_labels: list[float] = field(default_factory=list)

    def price_of(self, line: PriceLine) -> int:
        """The line's price in ticks, while it is being dragged the pointer's."""
        return self.dragged[1] if self.dragged and self.dragged[0] == line.id else line.price

    def area(self, pane: Pane) -> QRectF:
        """The part of the pane to paint in."""
        left, right = self.strip or (0.0, float(self.layout.plot))
        return QRectF(left, pane.scale.top, right - left, pane.scale.height)

    def seen(self) -> tuple[int, int]:
        """First and one past the last bar to paint."""
        start, stop = self.model.view.range()
        if self.strip is None:
            return start, stop
        left, right = (int(self.model.view.place(x)) for x in self.strip)
        return min(max(start, left - 1), stop), max(min(stop, right + 2), start)

    def advance(self, text: str, font: str = "small") -> float:
        return self.faces[font].advance(text)


def ink_on(palette: Palette, fill: QColor) -> QColor:
    """The readable text colour on `fill`."""
    light, dark = sorted((palette["bg0"], palette["text0"]), key=lambda color: -color.lightnessF())
    return dark if _luminance(fill) > 0.22 else light


def _luminance(color: QColor) -> float:
    parts = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3])
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def draw_text(painter: QPainter, frame: Frame, x: float, y: float, text: str, color: QColor, font: str = "small") -> float:
    """Text with its middle at height `y`; gives the x where it ends."""
    face = frame.faces[font]
    painter.setFont(face.font)
    painter.setPen(color)
    painter.drawText(QPointF(x, y + face.baseline), text)
    return x + face.advance(text)


def draw_ground(painter: QPainter, frame: Frame, rect: QRectF) -> None:
    """Dims what lies under a text, so that it can be read over bars."""
    ground = QColor(frame.palette["bg0"])
    ground.setAlpha(190)
    painter.fillRect(rect, ground)


def draw_pill(painter: QPainter, frame: Frame, rect: QRectF, text: str, fill: QColor, edge: QColor | None = None,
              ink: QColor | None = None, font: str = "small") -> None:  # fmt: skip
    """A small rounded label."""
    painter.setBrush(fill)
    painter.setPen(edge if edge is not None else Qt.PenStyle.NoPen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS - 1, RADIUS - 1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    draw_text(painter, frame, rect.left() + UNIT + 1, rect.center().y(), text, ink or ink_on(frame.palette, fill), font)


def pill_rect(frame: Frame, x: float, y: float, text: str, font: str = "small") -> QRectF:
    """The place of a pill that begins at `x` and has its middle at height `y`."""
    return QRectF(round(x), round(y - TAG_HEIGHT / 2), round(frame.advance(text, font) + 2 * UNIT + 2), TAG_HEIGHT)
