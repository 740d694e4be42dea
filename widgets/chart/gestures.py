"""What the hand does to the chart: wheel, drag, double click, keys. Turns events into changes of the view and into signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from engine.domain.market import Ticks
from widgets.chart.canvas import Canvas
from widgets.chart.commands import SMALL_PAN, WHEEL_STEP, key_actions, offers
from widgets.chart.marks import Mark, PriceLine
from widgets.chart.model import ChartModel, Pane
from widgets.chart.paint.frame import TAG_HEIGHT
from widgets.chart.paint.lines import last_price_height
from widgets.theme import Theme

AXIS_STEP = 0.006
GRAB = 4.0
CLICK = 3.0

Money = Callable[[PriceLine, Ticks], str]


@dataclass(slots=True)
class Drag:
    """A drag under way. `what` is plot, price (axis), time (axis) or line."""

    what: str
    start: QPointF
    last: QPointF
    pane: Pane | None = None
    line: PriceLine | None = None
    moved: bool = False


class ChartSurface(Canvas):
    """The canvas with hands. Emits what the owner asks for; changes nothing but the view."""

    mark_clicked = Signal(str)
    order_moved = Signal(str, object)
    protection_moved = Signal(str, object, object)
    order_requested = Signal(object, object, object)
    view_changed = Signal()

    def __init__(self, model: ChartModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(model, theme, parent)
        self.money: Money = lambda _line, _ticks: ""
        self._drag: Drag | None = None

    # --- mouse --------------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        sideways = event.angleDelta().x() / 120
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not sideways:
            steps, sideways = 0.0, steps
        if sideways:
            self.model.view.pan(sideways * SMALL_PAN)
        if steps:
            self.model.view.zoom(WHEEL_STEP**steps, min(event.position().x(), self.panes.plot))
        event.accept()
        self._changed()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        at = event.position()
        line, where = self._line_at(at), self.where(at)
        pane = self.panes.pane_at(self.model, at.y())
        self._drag = Drag("line" if line else where, at, at, pane, line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        self.pointer = at
        if self._drag is not None:
            self._continue(self._drag, at)
        else:
            self._show_cursor(at)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is None or event.button() is not Qt.MouseButton.LeftButton:
            return
        if drag.line is not None:
            self._drop_line(drag)
        elif not drag.moved:
            mark = self._mark_at(event.position())
            if mark is not None:
                self.mark_clicked.emit(mark.id)
        self._show_cursor(event.position())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        where = self.where(event.position())
        if where == "price":
            self._pane_at(event.position()).auto = True
        elif where == "time":
            self.model.view.reset()
        self._changed()

    def leaveEvent(self, event: QEvent) -> None:
        self.pointer = None
        self.update()
        super().leaveEvent(event)

    def _continue(self, drag: Drag, at: QPointF) -> None:
        dx, dy = at.x() - drag.last.x(), at.y() - drag.last.y()
        far = max(abs(at.x() - drag.start.x()), abs(at.y() - drag.start.y()))
        drag.moved = drag.moved or far > CLICK
        drag.last = at
        if not drag.moved:
            return
        view = self.model.view
        if drag.what == "line":
            self._carry_line(drag, at)
        elif drag.what == "price":
            drag.pane.auto = False
            drag.pane.scale.stretch(1 + AXIS_STEP * dy)
        elif drag.what == "time":
            view.zoom(1 + AXIS_STEP * dx, view.x(min(view.right, view.count)))
        else:
            view.pan(dx)
            if drag.pane is not None and not drag.pane.auto:
                drag.pane.scale.shift(dy)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self._changed()

    def _carry_line(self, drag: Drag, at: QPointF) -> None:
        ticks = max(1, self.model.ticks(self.model.price_pane.scale.value(at.y())))
        self.dragged = (drag.line.id, ticks)
        self.drag_text = self.money(drag.line, ticks)

    def _drop_line(self, drag: Drag) -> None:
        dragged, self.dragged, self.drag_text = self.dragged, None, ""
        self.update()
        # the order may have been filled or cancelled under the hand
        if dragged is None or dragged[1] == drag.line.price or drag.line.id not in self.model.lines:
            return
        line, ticks = drag.line, dragged[1]
        if line.kind == "stop":
            self.protection_moved.emit(line.symbol, ticks, None)
        elif line.kind == "target":
            self.protection_moved.emit(line.symbol, None, ticks)
        else:
            self.order_moved.emit(line.id, ticks)

    def cancel_drag(self) -> None:
        """Leave everything where it was."""
        self._drag, self.dragged, self.drag_text = None, None, ""
        self.unsetCursor()
        self.update()

    # --- what lies where ----------------------------------------------------------------------------------------------

    def where(self, at: QPointF) -> str:
        """plot, price (axis) or time (axis)."""
        if at.y() >= self.panes.bottom:
            return "time"
        return "price" if at.x() >= self.panes.plot else "plot"

    def _pane_at(self, at: QPointF) -> Pane:
        return self.panes.pane_at(self.model, at.y()) or self.model.price_pane

    def _line_at(self, at: QPointF) -> PriceLine | None:
        if at.x() >= self.panes.plot:
            return None
        for y, rect, line in reversed(self.frame.line_hits):
            if line.movable and (abs(at.y() - y) <= GRAB or rect.contains(at)):
                return line
        return None

    def _mark_at(self, at: QPointF) -> Mark | None:
        return next((mark for rect, mark in reversed(self.frame.mark_hits) if rect.contains(at)), None)

    def _told_at(self, at: QPointF) -> str:
        """What the mark or the line's label under the pointer has to say."""
        mark = self._mark_at(at)
        if mark is not None:
            return mark.tooltip
        if self._is_last_price(at):
            return f"{self.model.doubt[:1].upper()}{self.model.doubt[1:]}."
        return next((line.tooltip for rect, line in reversed(self.frame.labels) if rect.contains(at)), "")

    def _is_last_price(self, at: QPointF) -> bool:
        """Whether a last price that is in doubt is tagged on the axis there."""
        height = last_price_height(self.frame) if self.model.doubt else None
        return height is not None and at.x() >= self.panes.plot and abs(at.y() - height) <= TAG_HEIGHT / 2

    def _show_cursor(self, at: QPointF) -> None:
        where = self.where(at)
        if where == "price":
            shape = Qt.CursorShape.SizeVerCursor
        elif where == "time":
            shape = Qt.CursorShape.SizeHorCursor
        elif self._line_at(at) is not None:
            shape = Qt.CursorShape.SplitVCursor
        elif self._mark_at(at) is not None:
            shape = Qt.CursorShape.PointingHandCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        if self.cursor().shape() is not shape:
            self.setCursor(shape)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self._told_at(QPointF(event.pos())), self)
            return True
        return super().event(event)

    # --- keys and menu ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = key_actions(self).get(Qt.Key(event.key()))
        if action is None or event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
            return
        action()
        self._changed()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.order_menu(QPointF(event.pos()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def order_menu(self, at: QPointF) -> QMenu:
        """The orders that make sense at the price of `at`, and resetting the view."""
        menu = QMenu(self)
        scale = self.model.price_pane.scale
        if self.where(at) == "plot" and at.y() < scale.top + scale.height:
            ticks = self.model.ticks(scale.value(at.y()))
            for words, side, kind in offers(self.model, ticks):
                menu.addAction(words).triggered.connect(partial(self.order_requested.emit, side, kind, ticks))
            menu.addSeparator()
        menu.addAction("Reset view\t0").triggered.connect(self.reset_view)
        return menu

    def reset_view(self) -> None:
        """Newest bars at the usual width, every scale automatic."""
        for pane in self.model.panes:
            pane.auto = True
        self.model.view.reset()
        self._changed()

    def stretch_prices(self, factor: float) -> None:
        """Show `factor` times the price range, by hand from now on."""
        self.model.price_pane.auto = False
        self.model.price_pane.scale.stretch(factor)

    def _changed(self) -> None:
        self.update()
        self.view_changed.emit()
