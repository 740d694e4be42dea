"""Risk gauges and the equity curve."""

from __future__ import annotations

import numpy as np

from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.instrument import CASH_SCALE
from widgets.gauges.equity import EquityCurve
from widgets.gauges.limits import LimitGauges


class RiskView(View):
    """The limits as they stand."""

    widget: LimitGauges

    def __init__(self, around: Surroundings) -> None:
        self.widget = LimitGauges(around.theme)

    def show(self, picture: Picture) -> None:
        self.widget.show_gauges(picture.view.gauges, picture.view.account)


class EquityView(View):
    """Equity at every bar's close since the run began."""

    widget: EquityCurve

    def __init__(self, around: Surroundings) -> None:
        self.widget = EquityCurve(around.theme)
        self.widget.set_display(around.display)
        self._begun = False

    def show(self, picture: Picture) -> None:
        curve = picture.frame.curve
        if not curve:
            return
        if not self._begun:
            self._begun = True
            equity = np.array([value for _, value in curve]) / CASH_SCALE
            self.widget.set_curve(np.array([moment for moment, _ in curve], np.int64), equity)
            return
        for at, worth in curve:
            self.widget.append(at, worth / CASH_SCALE)
