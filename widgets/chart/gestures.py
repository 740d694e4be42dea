"""What the hand does to the chart: wheel, drag, double click, keys. Turns events into changes of the view and into signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from engine.domain.market import Ticks
from engine.domain.order import OrderType, Side
from widgets.chart.canvas import Canvas
from widgets.chart.marks import Mark, PriceLine
from widgets.chart.model import ChartModel, Pane
from widgets.theme import Theme

WHEEL_STEP = 1.12
AXIS_STEP = 0.006
GRAB = 4.0
CLICK = 3.0
SMALL_PAN, BIG_PAN = 60.0, 0.8

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
        line, where = self._line_at(at), self._where(at)
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
        where = self._where(event.position())
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

    def _cancel_drag(self) -> None:
        self._drag, self.dragged, self.drag_text = None, None, ""
        self.unsetCursor()
        self.update()

    # --- what lies where ----------------------------------------------------------------------------------------------

    def _where(self, at: QPointF) -> str:
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

    def _show_cursor(self, at: QPointF) -> None:
        where = self._where(at)
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
            mark = self._mark_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), mark.tooltip if mark else "", self)
            return True
        return super().event(event)

    # --- keys ---------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = self._keys().get(Qt.Key(event.key()))
        if action is None or event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
            return
        action()
        self._changed()

    def _keys(self) -> dict[Qt.Key, Callable[[], None]]:
        view, key = self.model.view, Qt.Key
        middle = view.width / 2
        return {
            key.Key_Left: lambda: view.pan(SMALL_PAN),
            key.Key_Right: lambda: view.pan(-SMALL_PAN),
            key.Key_PageUp: lambda: view.pan(view.width * BIG_PAN),
            key.Key_PageDown: lambda: view.pan(-view.width * BIG_PAN),
            key.Key_Up: lambda: self._scale_price(0.9),
            key.Key_Down: lambda: self._scale_price(1 / 0.9),
            key.Key_Plus: lambda: view.zoom(WHEEL_STEP, middle),
            key.Key_Equal: lambda: view.zoom(WHEEL_STEP, middle),
            key.Key_Minus: lambda: view.zoom(1 / WHEEL_STEP, middle),
            key.Key_Home: view.home,
            key.Key_End: view.end,
            key.Key_0: self.reset_view,
            key.Key_Escape: self._cancel_drag,
        }

    def _scale_price(self, factor: float) -> None:
        self.model.price_pane.auto = False
        self.model.price_pane.scale.stretch(factor)

    def reset_view(self) -> None:
        """Newest bars at the usual width, every scale automatic."""
        for pane in self.model.panes:
            pane.auto = True
        self.model.view.reset()
        self._changed()

    def _changed(self) -> None:
        self.update()
        self.view_changed.emit()

    # --- orders from the chart ----------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = QPointF(event.pos())
        menu = self.order_menu(at)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def order_menu(self, at: QPointF) -> QMenu:
        """The orders that make sense at the price of `at`, and resetting the view."""
        menu = QMenu(self)
        series, scale = self.model.series, self.model.price_pane.scale
        if series.count and self._where(at) == "plot" and at.y() < scale.top + scale.height:
            ticks = self.model.ticks(scale.value(at.y()))
            below = ticks < self.model.ticks(float(series.close[series.count - 1]))
            pairs = ((Side.BUY, OrderType.LIMIT), (Side.SELL, OrderType.STOP)) if below else (
                (Side.SELL, OrderType.LIMIT), (Side.BUY, OrderType.STOP))  # fmt: skip
            for side, kind in pairs:
                self._offer(menu, side, kind, ticks)
            menu.addSeparator()
        menu.addAction("Reset view\t0").triggered.connect(self.reset_view)
        return menu

    def _offer(self, menu: QMenu, side: Side, kind: OrderType, ticks: Ticks) -> None:
        words = f"{side.value.capitalize()} {kind.value} at {self.model.text(self.model.price(ticks))} …"
        menu.addAction(words).triggered.connect(lambda: self.order_requested.emit(side, kind, ticks))
