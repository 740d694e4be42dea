"""The controls of a replay: play, pause, one bar, how fast, and where in the file."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QSlider, QToolButton, QWidget

from engine.core.clock import Nanos
from widgets import format as fmt
from widgets import icons
from widgets.format import Display
from widgets.theme import UNIT, Theme

HEIGHT = 28
SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, math.inf)


def speed_text(speed: float) -> str:
    """ "60x", or "max"."""
    return "max" if math.isinf(speed) else f"{speed:g}×"


class ReplayBar(QWidget):
    """`play`, `pause`, `step` (one bar) and `speed_changed` (times real time, inf = as fast as it goes)."""

    play = Signal()
    pause = Signal()
    step = Signal()
    speed_changed = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Replay")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._display = Display()
        self._running = False
        self._at: Nanos = 0
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self._build()
        self._lay_out()
        self.set_theme(theme)
        self.show_speed(60.0)

    def _build(self) -> None:
        self.toggle = QToolButton()
        self.toggle.setAccessibleName("Play or pause")
        self.toggle.clicked.connect(lambda _checked: (self.pause if self._running else self.play).emit())
        self.one = QToolButton()
        self.one.setAccessibleName("Step one bar")
        self.one.setToolTip("One bar forward (Ctrl+Right)")
        self.one.clicked.connect(lambda _checked: self.step.emit())
        for button in (self.toggle, self.one):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.speed = QSlider(Qt.Orientation.Horizontal, minimum=0, maximum=len(SPEEDS) - 1, pageStep=1)
        self.speed.setAccessibleName("Replay speed")
        self.speed.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.speed.setFixedWidth(22 * UNIT)
        self.speed.setToolTip("Speed, in multiples of real time (Ctrl+Up, Ctrl+Down)")
        self.speed.valueChanged.connect(self._on_speed)
        self.rate = QLabel()
        self.rate.setMinimumWidth(10 * UNIT)
        self.progress = QProgressBar(minimum=0, maximum=1000, textVisible=False)
        self.progress.setFixedWidth(30 * UNIT)
        self.share = QLabel()
        self.share.setProperty("role", "label")
        self.share.setMinimumWidth(11 * UNIT)
        for widget in (self.progress, self.share):
            widget.hide()
            widget.setToolTip("How much of the recording is behind")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * UNIT, 0, 0, 0)
        row.setSpacing(UNIT)
        for widget in (self.toggle, self.one, self.speed, self.rate, self.progress, self.share):
            row.addWidget(widget)

    def _on_speed(self, number: int) -> None:
        self.rate.setText(speed_text(SPEEDS[number]))
        self.speed_changed.emit(SPEEDS[number])

    def change_speed(self, marks: int) -> None:
        """Asks for the speed so many marks up or down."""
        self.speed.setValue(self.speed.value() + marks)

    def show_speed(self, speed: float) -> None:
        """The speed as it is, without asking for it; shown at the nearest mark."""
        number = min(range(len(SPEEDS)), key=lambda n: abs(math.log(min(SPEEDS[n], 1e6)) - math.log(max(1e-3, min(speed, 1e6)))))
        self.speed.blockSignals(True)
        self.speed.setValue(number)
        self.speed.blockSignals(False)
        self.rate.setText(speed_text(speed))

    def show_running(self, running: bool) -> None:
        """Whether it plays."""
        if running != self._running:
            self._running = running
            self._dress_toggle()

    def show_position(self, at: Nanos, share: float | None) -> None:
        """The session's time, and how much of the file is behind (None for an endless market)."""
        self._at = at
        self.progress.setVisible(share is not None)
        self.share.setVisible(share is not None)
        if share is not None:
            self.progress.setValue(round(share * 1000))
            self.share.setText(fmt.percent(share, 1))

    def set_display(self, display: Display) -> None:
        self._display = display

    def _dress_toggle(self) -> None:
        self.toggle.setIcon(icons.icon("pause" if self._running else "play", self._theme, "text0"))
        self.toggle.setToolTip("Pause (Ctrl+Space)" if self._running else "Play (Ctrl+Space)")

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._dress_toggle()
        self.one.setIcon(icons.icon("step-forward", theme, "text0"))

    def state(self) -> dict[str, Any]:
        return {
            "name": self.accessibleName(),
            "running": self._running,
            "speed": self.rate.text(),
            "progress": self.share.text() if not self.share.isHidden() else "",
            "time": fmt.moment_with_zone(self._at, self._display.zone) if self._at else "",
        }
