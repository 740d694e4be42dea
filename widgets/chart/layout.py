"""Where the panes and axes lie, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF

from widgets.chart.model import ChartModel, Pane

TIME_AXIS = 22
PANE_SHARE, PANES_SHARE = 0.2, 0.46
LEAST_PANE = 56
GAP = 1


@dataclass(slots=True)
class Layout:
    """`plot` is the width left of the price axis; `bottom` the height above the time axis."""

    width: int = 0
    height: int = 0
    axis: int = 64
    plot: int = 0
    bottom: int = 0

    def arrange(self, model: ChartModel, width: int, height: int, axis: int) -> None:
        """Give every pane its strip and the view its width."""
        self.width, self.height, self.axis = width, height, axis
        self.plot, self.bottom = max(width - axis, 1), max(height - TIME_AXIS, 1)
        others = model.panes[1:]
        each = max(LEAST_PANE, int(self.bottom * min(PANE_SHARE, PANES_SHARE / len(others)))) if others else 0
        each = min(each, int(self.bottom * 0.6 / max(len(others), 1)))
        top = self.bottom - each * len(others)
        model.price_pane.scale.top, model.price_pane.scale.height = 0, max(top - GAP, 1)
        for pane in others:
            pane.scale.top, pane.scale.height = top + GAP, max(each - 2 * GAP, 1)
            top += each
        if model.view.width != self.plot:
            model.view.resize(self.plot)

    def rect(self, pane: Pane) -> QRectF:
        return QRectF(0, pane.scale.top, self.plot, pane.scale.height)

    def pane_at(self, model: ChartModel, y: float) -> Pane | None:
        """The pane at height `y`; None on the time axis."""
        if y >= self.bottom:
            return None
        return next((pane for pane in reversed(model.panes) if y >= pane.scale.top), model.price_pane)
