"""The chart: what the application composes. Takes domain values, emits intents as signals, knows nothing of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Bars, Floats, Ints, Timeframe
from widgets.chart.gestures import ChartSurface, Money
from widgets.chart.header import ChartHeader
from widgets.chart.marks import Mark, PriceLine
from widgets.chart.model import ChartModel
from widgets.chart.state import chart_state
from widgets.theme import Theme


class ChartWidget(QWidget):
    """Bars of one instrument and timeframe, with everything that stands on them.

    Signals: `timeframe_chosen(name)`; `mark_clicked(id)`; `order_moved(order_id, ticks)`;
    `protection_moved(symbol, stop | None, target | None)`, None = unchanged; `order_requested(Side, OrderType, ticks)`.
    """

    timeframe_chosen = Signal(str)
    mark_clicked = Signal(str)
    order_moved = Signal(str, object)
    protection_moved = Signal(str, object, object)
    order_requested = Signal(object, object, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ChartModel()
        # made first, so that it comes first in the tab order: the keys work at once
        self.surface = ChartSurface(self.model, theme, self)
        self.header = ChartHeader(theme, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.surface, 1)
        self.setFocusProxy(self.surface)
        self._connect()
        self.set_timeframe("M1")

    def _connect(self) -> None:
        header, surface = self.header, self.surface
        header.timeframe_chosen.connect(self.timeframe_chosen)
        header.indicator_toggled.connect(self.show_indicator)
        header.magnet_toggled.connect(self.set_magnet)
        header.auto_scale_toggled.connect(self.set_auto_scale)
        header.reset_asked.connect(surface.reset_view)
        surface.mark_clicked.connect(self.mark_clicked)
        surface.order_moved.connect(self.order_moved)
        surface.protection_moved.connect(self.protection_moved)
        surface.order_requested.connect(self.order_requested)
        surface.view_changed.connect(self._mirror_view)
        for key, button in (("M", header.magnet), ("A", header.auto)):
            shortcut = QShortcut(QKeySequence(key), surface, button.toggle)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)  # A and M mean other things elsewhere in the window

    def _mirror_view(self) -> None:
        self.header.auto.setChecked(self.model.price_pane.auto)

    # --- content ------------------------------------------------------------------------------------------------------

    def set_instrument(self, instrument: Instrument) -> None:
        self.model.set_instrument(instrument)
        self._mirror_view()
        self.header.symbol.setText(instrument.symbol)
        self.header.symbol.setToolTip(instrument.name)
        self.surface.update()

    def set_timeframe(self, name: str) -> None:
        """Says which timeframe the bars are of; raises UserError for an unknown one."""
        self.model.timeframe = Timeframe.of(name)
        self.header.show_timeframe(self.model.timeframe.name)
        self.surface.update()

    def set_bars(self, bars: Bars) -> None:
        """Show a copy of `bars`."""
        self.model.set_bars(bars)
        self.surface.update()

    def append_bar(self, bar: Bar) -> None:
        """A new bar began. Raises DataError when it is not later than the last one."""
        self.model.append_bar(bar)
        self.surface.update()

    def update_last(self, bar: Bar) -> None:
        """The newest bar changed."""
        self.model.update_last(bar)
        self.surface.update()

    def set_zone(self, zone: str) -> None:
        """The zone of the time axis; raises ZoneInfoNotFoundError for an unknown one."""
        self.model.zone = ZoneInfo(zone).key
        self.surface.update()

    def set_doubt(self, sentence: str) -> None:
        """Why the last price is not to be traded on, "" where it is: its tag is grey, and says so under the pointer."""
        if sentence != self.model.doubt:
            self.model.doubt = sentence
            self.surface.update()

    def set_now(self, at: Nanos | None) -> None:
        """The market's time, for the countdown to the bar's close; None takes it away."""
        self.surface.countdown = self._countdown(at) if at is not None and self.model.series.count else ""
        self.surface.update()

    def _countdown(self, at: Nanos) -> str:
        series = self.model.series
        left = int(series.at[series.count - 1]) + self.model.timeframe.span - at
        seconds = left // SECOND
        if seconds <= 0 or left > self.model.timeframe.span:
            return ""
        minutes, hours = seconds // 60, seconds // 3600
        return f"{hours}:{minutes % 60:02d}:{seconds % 60:02d}" if hours else f"{minutes:02d}:{seconds % 60:02d}"

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """The signals and fills to show, all of them; giving the same again costs next to nothing."""
        if self.model.set_marks(tuple(marks)):
            self.surface.update()

    def set_lines(self, lines: Sequence[PriceLine]) -> None:
        """The lines to show, all of them. A line being dragged stays with the pointer."""
        if self.model.set_lines(tuple(lines)):
            self.surface.update()

    def set_money(self, money: Money) -> None:
        """`money(line, ticks)` says what a line dragged to a price would be worth, such as "−120.00 USD"."""
        self.surface.money = money

    def set_probabilities(self, at: Ints, p_long: Floats, p_short: Floats) -> None:
        """The model's probabilities per bar in a pane of their own; empty arrays take it away."""
        self.model.set_probabilities(at, p_long, p_short)
        self.surface.update()

    def set_badges(self, badges: Sequence[tuple[str, str]]) -> None:
        """Text and colour token of each, such as ("SIMULATED", "warn"), ("PAPER", "paper")."""
        self.model.badges = tuple(badges)
        self.surface.update()

    def set_empty_text(self, text: str, share: float | None = None) -> None:
        """What an empty chart says: what would fill it and how; with a `share` (0 to 1) how far that has come."""
        self.model.empty_text, self.model.empty_share = text, share
        self.surface.update()

    # --- how it is shown ----------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        self.header.set_theme(theme)
        self.surface.set_theme(theme)

    def show_indicator(self, name: str, shown: bool = True) -> None:
        """Raises KeyError for a name that is not in the registry."""
        self.model.show_indicator(name, shown)
        self.header.indicators[name].setChecked(shown)
        self.surface.update()

    def set_magnet(self, on: bool) -> None:
        self.surface.magnet = on
        self.header.magnet.setChecked(on)
        self.surface.update()

    def set_auto_scale(self, on: bool) -> None:
        """Whether the price scale fits the bars in view by itself."""
        self.model.price_pane.auto = on
        self.header.auto.setChecked(on)
        self.surface.update()

    def show_time(self, at: Nanos) -> None:
        """Bring the bar of `at` to the middle, for "show on chart"."""
        index = self.model.index_at(at)
        if index >= 0:
            self.model.view.right = index + self.model.view.visible / 2
            self.model.view.clamp()
            self.surface.update()

    def state(self) -> dict[str, Any]:
        """What is on the chart, in plain values: for tests, screenshots and people who cannot see it."""
        self.surface.grab()
        return chart_state(self.model, self.surface.frame.legend)
