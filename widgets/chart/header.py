"""The row above the chart: symbol, timeframes, indicators, magnet, scale, reset."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QWidget

from engine.domain.market import TIMEFRAMES
from widgets.chart.indicators import REGISTRY
from widgets.theme import FONT_UI, RADIUS, UNIT, Theme

BUTTONS = {"M1": "1m", "M5": "5m", "M15": "15m", "M30": "30m", "H1": "1h", "H4": "4h", "D1": "D"}


class ChartHeader(QFrame):
    """Emits what was chosen; shows what it is told."""

    timeframe_chosen = Signal(str)
    indicator_toggled = Signal(str, bool)
    magnet_toggled = Signal(bool)
    auto_scale_toggled = Signal(bool)
    reset_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("ChartHeader")
        self.symbol = QLabel(self)
        self.symbol.setObjectName("ChartSymbol")
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * UNIT, UNIT // 2, 2 * UNIT, UNIT // 2)
        row.setSpacing(UNIT // 2)
        row.addWidget(self.symbol)
        row.addSpacing(2 * UNIT)
        self.timeframes = self._timeframe_buttons(row)
        row.addSpacing(2 * UNIT)
        self.indicators = self._indicator_menu(row)
        row.addStretch(1)
        self.magnet = self._switch(row, "Magnet", "Crosshair snaps to open, high, low and close", "M", self.magnet_toggled)
        self.auto = self._switch(row, "Auto", "Fit the price scale to the bars in view", "A", self.auto_scale_toggled)
        self.auto.setChecked(True)
        self.reset = self._button("Reset", "Newest bars at the usual width (0)")
        self.reset.clicked.connect(self.reset_asked)
        row.addWidget(self.reset)
        self.set_theme(theme)

    def _timeframe_buttons(self, row: QHBoxLayout) -> dict[str, QToolButton]:
        group = QButtonGroup(self)
        buttons = {}
        for number, name in enumerate(TIMEFRAMES, 1):
            button = self._button(BUTTONS[name], f"Bars of {name} (Alt+{number})", checkable=True)
            button.setShortcut(QKeySequence(f"Alt+{number}"))
            button.clicked.connect(lambda _checked=False, name=name: self.timeframe_chosen.emit(name))
            group.addButton(button)
            row.addWidget(button)
            buttons[name] = button
        return buttons

    def _indicator_menu(self, row: QHBoxLayout) -> dict[str, QAction]:
        button = self._button("Indicators", "Show or hide indicators (Alt+I)")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setShortcut(QKeySequence("Alt+I"))
        menu, actions = QMenu(button), {}
        for name, indicator in REGISTRY.items():
            if actions and indicator.pane != "price" and REGISTRY[next(reversed(actions))].pane == "price":
                menu.addSeparator()
            action = menu.addAction(name)
            action.setCheckable(True)
            action.toggled.connect(lambda on, name=name: self.indicator_toggled.emit(name, on))
            actions[name] = action
        button.setMenu(menu)
        row.addWidget(button)
        return actions

    def _switch(self, row: QHBoxLayout, text: str, tip: str, key: str, signal: object) -> QToolButton:
        button = self._button(text, f"{tip} ({key})", checkable=True)
        button.toggled.connect(signal)
        row.addWidget(button)
        return button

    def _button(self, text: str, tip: str, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setCheckable(checkable)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def show_timeframe(self, name: str) -> None:
        self.timeframes[name].setChecked(True)

    def set_theme(self, theme: Theme) -> None:
        self.setStyleSheet(
            f"""
            #ChartHeader {{ background: {theme.bg1}; border: 0; border-bottom: 1px solid {theme.line}; }}
            #ChartHeader QLabel {{ color: {theme.text0}; font-size: {FONT_UI + 1}px; font-weight: bold; }}
            #ChartHeader QToolButton {{ color: {theme.text1}; background: transparent; border: 1px solid transparent;
                border-radius: {RADIUS}px; padding: 2px {UNIT + 2}px; font-size: {FONT_UI}px; }}
            #ChartHeader QToolButton:hover {{ background: {theme.bg2}; color: {theme.text0}; }}
            #ChartHeader QToolButton:checked {{ color: {theme.gold}; background: {theme.bg2}; }}
            #ChartHeader QToolButton:focus {{ border-color: {theme.gold}; }}
            #ChartHeader QToolButton::menu-indicator {{ image: none; }}
            """
        )
