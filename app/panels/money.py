"""Risk gauges and the equity curve."""

from __future__ import annotations

import numpy as np

from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.instrument import CASH_SCALE
from widgets.gauges.equity import EquityPanel
from widgets.gauges.limits import LimitsPanel


class RiskView(View):
    """The limits as they stand."""

    widget: LimitsPanel

    def __init__(self, around: Surroundings) -> None:
        self.widget = LimitsPanel(around.theme)

    def show(self, picture: Picture) -> None:
        self.widget.show_gauges(picture.view.gauges, picture.view.account)


class EquityView(View):
    """Equity at every bar's close since the run began."""

    widget: EquityPanel

    def __init__(self, around: Surroundings) -> None:
        self.widget = EquityPanel(around.theme)
        self.widget.set_display(around.display)
        self._begun = False

    def show(self, picture: Picture) -> None:
        curve = picture.frame.curve
        if not curve:
            return
        if len(curve) > 8 or not self._begun:
            self._begin(curve)
            return
        for at, equity in curve:
            self.widget.append(at, equity / CASH_SCALE)

    def _begin(self, curve: list[tuple[int, int]]) -> None:
        known = self.widget.plot.curve
        at = np.array([moment for moment, _ in curve], np.int64)
        equity = np.array([value for _, value in curve]) / CASH_SCALE
        if self._begun:
            at, equity = np.concatenate([known.at, at]), np.concatenate([known.equity, equity])
        self.widget.set_curve(at, equity)
        self._begun = True
