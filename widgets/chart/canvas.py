"""The surface the chart is painted on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.chart.layout import Layout
from widgets.chart.model import ChartModel
from widgets.chart.paint.axes import TimeTicks, paint_axes, paint_grid
from widgets.chart.paint.bars import paint_bars
from widgets.chart.paint.cursor import paint_crosshair, paint_empty, paint_legend, snapped
from widgets.chart.paint.frame import Frame
from widgets.chart.paint.lines import paint_last_price, paint_lines, paint_tags
from widgets.chart.paint.marks import paint_marks
from widgets.chart.paint.studies import paint_studies
from widgets.chart.palette import Palette, fonts
from widgets.theme import Theme


class Canvas(QWidget):
    """Paints a ChartModel. Keeps only what belongs to the picture: cursor, line being dragged, colours."""

    def __init__(self, model: ChartModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.layout_of_panes = Layout()
        self.pointer: QPointF | None = None
        self.magnet = False
        self.dragged: tuple[str, int] | None = None
        self.drag_text = ""
        self.countdown = ""
        self.frame = Frame(model, self.layout_of_panes, Palette(theme), fonts(self.font()))
        self._ticks = TimeTicks()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Price chart")

    def sizeHint(self) -> QSize:
        return QSize(800, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, 200)

    def set_theme(self, theme: Theme) -> None:
        self.frame.palette = Palette(theme)
        self.update()

    def arrange(self) -> None:
        """Bring layout, view and scales up to date with the content; painting does it too."""
        model = self.model
        self.layout_of_panes.arrange(model, self.width(), self.height(), self._axis_width())
        model.fit()

    def _axis_width(self) -> int:
        series = self.model.series
        widest = self.model.text(float(series.close[series.count - 1])) if series.count else "0,000.00"
        return round(self.frame.advance("0" * (len(widest) + 1), "bold")) + 12

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.arrange()
        painter = QPainter(self)
        self._paint(painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        model, frame = self.model, self._begin()
        painter.fillRect(self.rect(), frame.palette["bg0"])
        ticks = self._ticks.of(model)
        paint_grid(painter, frame, ticks)
        if model.series.count:
            painter.setClipRect(frame.layout.rect(model.price_pane))
            paint_bars(painter, frame)
            painter.setClipping(False)
            paint_studies(painter, frame)
            paint_last_price(painter, frame)
            paint_marks(painter, frame)
            paint_lines(painter, frame)
        paint_axes(painter, frame, ticks)
        paint_tags(painter, frame)
        paint_legend(painter, frame)
        paint_crosshair(painter, frame)
        paint_empty(painter, frame)

    def _begin(self) -> Frame:
        frame = self.frame
        frame.line_hits, frame.mark_hits, frame.legend, frame.tags = [], [], [], []
        inside = self.pointer is not None and self.pointer.x() < frame.layout.plot and self.pointer.y() < frame.layout.bottom
        frame.cursor = snapped(self.model, self.pointer, self.magnet) if inside else None
        frame.dragged, frame.drag_text, frame.countdown = self.dragged, self.drag_text, self.countdown
        return frame
