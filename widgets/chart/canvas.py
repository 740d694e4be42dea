"""The surface the chart is painted on."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QSizePolicy, QWidget

from widgets.chart.layout import Layout
from widgets.chart.model import ChartModel
from widgets.chart.paint.axes import TimeTicks, paint_axes, paint_grid
from widgets.chart.paint.bars import paint_bars, split
from widgets.chart.paint.cursor import paint_crosshair, paint_empty, paint_legend, snapped
from widgets.chart.paint.frame import Frame
from widgets.chart.paint.lines import paint_last_price, paint_lines, paint_tags
from widgets.chart.paint.marks import paint_marks
from widgets.chart.paint.studies import paint_studies
from widgets.chart.palette import Palette, faces
from widgets.theme import Theme


class Canvas(QWidget):
    """Paints a ChartModel. Keeps only what belongs to the picture: cursor, line being dragged, colours.

    What does not change with the last price (grid, axes, all bars but the newest) is kept as a picture, so that a live
    price or a moving crosshair costs little more than copying it.
    """

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
        self._ticks = TimeTicks()
        self._settled = QPixmap()
        self._settled_key: tuple[object, ...] = ()
        self._last_key: tuple[object, ...] = ()
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
        key, painter = self._key(), QPainter(self)
        if key == self._settled_key:
            painter.drawPixmap(0, 0, self._settled)
        elif key == self._last_key:
            self._keep_settled()
            self._settled_key = key
            painter.drawPixmap(0, 0, self._settled)
        else:
            # the view is moving: a picture of it would be used only once
            self._paint_settled(painter)
        self._last_key = key
        self._paint_growing(painter)
        painter.end()

    def _key(self) -> tuple[object, ...]:
        """Everything the settled picture depends on."""
        model, view = self.model, self.model.view
        scales = tuple((pane.name, p.low, p.high, p.top, p.height) for pane in model.panes for p in (pane.scale,))
        look = (self.size(), self.frame.ratio, self.panes.axis, self.frame.palette, model.zone, model.timeframe, model.decimals)
        content = (model.revision, model.series.count, tuple(model.studies), self.frame.most)
        return look, content, view.right, view.bar, scales

    def _keep_settled(self) -> None:
        ratio = self.devicePixelRatio()
        if self._settled.size() != self.size() * ratio or self._settled.devicePixelRatio() != ratio:
            self._settled = QPixmap(self.size() * ratio)
            self._settled.setDevicePixelRatio(ratio)
        painter = QPainter(self._settled)
        self._paint_settled(painter)
        painter.end()

    def _paint_settled(self, painter: QPainter) -> None:
        model, frame = self.model, self.frame
        painter.fillRect(self.rect(), frame.palette["bg0"])
        ticks = self._ticks.of(model)
        paint_grid(painter, frame, ticks)
        if model.series.count:
            paint_bars(painter, frame, split(frame)[0])
            paint_studies(painter, frame, is_growing=False)
        paint_axes(painter, frame, ticks)

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
        frame.line_hits, frame.mark_hits, frame.legend, frame.tags = [], [], [], []
        inside = self.pointer is not None and self.pointer.x() < self.panes.plot and self.pointer.y() < self.panes.bottom
        frame.cursor = snapped(self.model, self.pointer, self.magnet) if inside else None
        frame.dragged, frame.drag_text, frame.countdown = self.dragged, self.drag_text, self.countdown
