"""The surface the chart is painted on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.chart.layout import Layout
from widgets.chart.model import ChartModel
from widgets.chart.paint.bars import paint_bars, split
from widgets.chart.paint.cursor import paint_crosshair, paint_empty, paint_legend, snapped
from widgets.chart.paint.frame import Frame
from widgets.chart.paint.lines import paint_last_price, paint_lines, paint_tags
from widgets.chart.paint.marks import paint_marks
from widgets.chart.paint.settled import Settled
from widgets.chart.paint.studies import paint_studies
from widgets.chart.palette import Palette, faces
from widgets.theme import Theme


class Canvas(QWidget):
    """Paints a ChartModel. Keeps only what belongs to the picture: cursor, line being dragged, colours."""

    def __init__(self, model: ChartModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.panes = Layout()
        self.pointer: QPointF | None = None
        self.magnet = False
        self.dragged: tuple[str, int] | None = None
        self.drag_text = ""
        self.countdown = ""
        self.frame = Frame(model, self.panes, Palette(theme), faces(self.font()))
        self._settled = Settled()
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
        self.panes.arrange(self.model, self.width(), self.height(), self._axis_width())
        self.model.fit()

    def _axis_width(self) -> int:
        series = self.model.series
        widest = self.model.text(float(series.close[series.count - 1])) if series.count else "0,000.00"
        return round(self.frame.advance("0" * (len(widest) + 1), "bold")) + 12

    def paintEvent(self, _event: QPaintEvent) -> None:
        self.arrange()
        self._begin()
        # a painter left open by an exception would take the whole program down with it
        with QPainter(self) as painter:
            self._settled.paint(painter, self.frame, self.size())
            self._paint_growing(painter)

    def _paint_growing(self, painter: QPainter) -> None:
        model, frame = self.model, self.frame
        if model.series.count:
            paint_bars(painter, frame, split(frame)[1])
            paint_studies(painter, frame, is_growing=True)
            paint_last_price(painter, frame)
            paint_marks(painter, frame)
            paint_lines(painter, frame)
        paint_tags(painter, frame)
        paint_legend(painter, frame)
        paint_crosshair(painter, frame)
        paint_empty(painter, frame)

    def _begin(self) -> None:
        frame = self.frame
        frame.ratio = self.devicePixelRatio()
        frame.most = self.model.series.highest_volume(*self.model.view.range())
        frame.line_hits, frame.mark_hits, frame.labels, frame.legend, frame.tags = [], [], [], [], []
        inside = self.pointer is not None and self.pointer.x() < self.panes.plot and self.pointer.y() < self.panes.bottom
        frame.cursor = snapped(self.model, self.pointer, self.magnet) if inside else None
        frame.dragged, frame.drag_text, frame.countdown = self.dragged, self.drag_text, self.countdown
