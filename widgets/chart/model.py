"""What is on the chart, without a pixel of it: bars, view, indicators, marks and lines."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.core.clock import Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Bars, Floats, Ints, Symbol, Ticks, Timeframe
from widgets.chart.indicators import REGISTRY, Study
from widgets.chart.marks import Mark, PriceLine
from widgets.chart.series import Series
from widgets.chart.viewport import TimeView, YScale

ROOM_IN_PRICE, ROOM_IN_PANE = (0.20, 0.09), (0.06, 0.18)
"""Shares of a pane's height left free below (for volume) and above (for the legend) when it fits itself."""


@dataclass(slots=True)
class Pane:
    """A strip of the chart: "price", or an indicator's own. `auto` fits its scale to what is in view."""

    name: str
    scale: YScale = field(default_factory=YScale)
    auto: bool = True


class ChartModel:
    """The chart's content. `tick` and `decimals` come from the instrument; prices of bars are floats, of lines ticks."""

    def __init__(self) -> None:
        self.series = Series()
        self.revision = 0
        self.view = TimeView()
        self.symbol: Symbol = ""
        self.tick = 0.01
        self.decimals = 2
        self.timeframe = Timeframe.of("M1")
        self.zone = "UTC"
        self.studies: dict[str, Study] = {}
        self.panes = [Pane("price")]
        self.marks: tuple[Mark, ...] = ()
        self.mark_bars: Ints = np.empty(0, np.int64)
        self.lines: dict[str, PriceLine] = {}
        self.probabilities: tuple[Ints, Floats, Floats] | None = None
        self.badges: tuple[tuple[str, str], ...] = ()
        self.doubt = ""
        """Why the last price is not to be traded on, "" where it is."""
        self.empty_text = ""
        self.empty_share: float | None = None

    @property
    def price_pane(self) -> Pane:
        return self.panes[0]

    def set_instrument(self, instrument: Instrument) -> None:
        """Another symbol starts with an empty chart: bars never stand under a name that is not theirs."""
        if instrument.symbol != self.symbol:
            self.set_marks(())
            self.set_lines(())
            self.set_bars(Bars.empty())
            self.price_pane.auto = True
        self.symbol, self.decimals = instrument.symbol, instrument.price_decimals
        self.tick = float(instrument.tick_size)

    def set_bars(self, bars: Bars) -> None:
        """A copy of `bars`; the view stays at the newest bar or, in the past, at the time it showed."""
        middle = self._middle_time()
        self.series = Series(bars)
        self.revision += 1
        self.view.count = self.series.count
        if middle is None:
            self.view.end()
        else:
            self.view.right = self.index_at(middle) + self.view.visible / 2
        self.view.clamp()
        self.studies = {name: Study(study.indicator, self.series) for name, study in self.studies.items()}
        self._find_mark_bars()

    def _middle_time(self) -> Nanos | None:
        """The time in the middle of the view, None when it is at the newest bar or there are no bars."""
        view, count = self.view, self.series.count
        if view.follows or not count:
            return None
        return int(self.series.at[min(max(int(view.right - view.visible / 2), 0), count - 1)])

    def append_bar(self, bar: Bar) -> None:
        self.series.append(bar)
        self.view.appended(self.series.count)
        self._refresh_last()

    def update_last(self, bar: Bar) -> None:
        self.series.update_last(bar)
        self._refresh_last()

    def _refresh_last(self) -> None:
        for study in self.studies.values():
            study.fill(self.series, self.series.count - 1)

    def show_indicator(self, name: str, shown: bool) -> None:
        """Switch an indicator of the registry on or off. Raises KeyError for an unknown one."""
        indicator = REGISTRY[name]
        if shown and name not in self.studies:
            self.studies[name] = Study(indicator, self.series)
        elif not shown:
            self.studies.pop(name, None)
        self._arrange_panes()

    def _arrange_panes(self) -> None:
        wanted = [name for name, indicator in REGISTRY.items() if name in self.studies and indicator.pane != "price"]
        if self.probabilities is not None:
            wanted.append("Probability")
        known = {pane.name: pane for pane in self.panes}
        self.panes = [self.price_pane, *(known.get(name) or Pane(name) for name in wanted)]

    def set_marks(self, marks: tuple[Mark, ...]) -> bool:
        """Whether anything changed."""
        if marks == self.marks:
            return False
        self.marks = marks
        self._find_mark_bars()
        return True

    def _find_mark_bars(self) -> None:
        """The bar index of every mark; -1 before the first bar."""
        times = np.array([mark.at for mark in self.marks], np.int64)
        self.mark_bars = np.searchsorted(self.series.at[: self.series.count], times, side="right") - 1

    def set_lines(self, lines: tuple[PriceLine, ...]) -> bool:
        """Whether anything changed."""
        wanted = {line.id: line for line in lines}
        changed = wanted != self.lines
        self.lines = wanted
        return changed

    def set_probabilities(self, at: Ints, p_long: Floats, p_short: Floats) -> None:
        """Empty arrays take the pane away."""
        self.probabilities = (at, p_long, p_short) if len(at) else None
        self.revision += 1
        self._arrange_panes()

    def price(self, ticks: Ticks) -> float:
        return ticks * self.tick

    def ticks(self, price: float) -> Ticks:
        return round(price / self.tick)

    def text(self, price: float) -> str:
        """A price with the instrument's decimals."""
        return f"{price:,.{self.decimals}f}"

    def index_at(self, at: Nanos) -> int:
        """The bar `at` falls in, or -1."""
        return int(np.searchsorted(self.series.at[: self.series.count], at, side="right")) - 1

    def fit(self) -> None:
        """Fit every automatic pane to the bars in view."""
        start, stop = self.view.range()
        for pane in self.panes:
            if pane.auto:
                self._fit(pane, start, stop)

    def _fit(self, pane: Pane, start: int, stop: int) -> None:
        low, high = self._extent(pane, start, stop)
        if not low < high:
            middle = low if np.isfinite(low) else 0.0
            low, high = middle - self.tick * 5, middle + self.tick * 5
        below, above = ROOM_IN_PRICE if pane.name == "price" else ROOM_IN_PANE
        span = (high - low) / (1 - below - above)
        pane.scale.low, pane.scale.high = low - span * below, high + span * above

    def bounds(self, pane: Pane) -> tuple[float, float] | None:
        """The values a pane's indicator can have, None where there is no end to them."""
        if pane.name == "Probability":
            return 0.0, 1.0
        study = self.studies.get(pane.name)
        return study.indicator.span if study is not None else None

    def _extent(self, pane: Pane, start: int, stop: int) -> tuple[float, float]:
        if pane.name == "price":
            return self.series.low_high(start, stop)
        bounds = self.bounds(pane)
        if bounds is not None:
            return bounds
        study = self.studies[pane.name]
        stride = max(1, (stop - start) // 4000)
        start = max(start, study.indicator.warmup)
        columns = [study.columns[curve.column][start:stop:stride] for curve in study.indicator.curves]
        values = np.concatenate(columns) if columns else np.empty(0)
        values = values[np.isfinite(values)]
        return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
