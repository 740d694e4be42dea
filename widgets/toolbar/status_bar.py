"""The line along the bottom: is everything connected, what is next, what time is it."""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from engine.core.clock import SECOND, Nanos
from widgets import format as fmt
from widgets.elided import ElidedLabel
from widgets.style import set_role, table_font
from widgets.theme import UNIT, Theme

HEIGHT = 28
SLOW_MS = 50
_MARKS = {"good": "●", "warn": "▲", "error": "✕", "hint": "○"}
_TONES = {"good": "up", "warn": "warn", "error": "trip", "hint": "text2"}
NOTE_MS = 8_000
ERROR_MS = 15_000


class StatusBar(QWidget):
    """Named lights on the left, a passing note in the middle, frame time and clocks on the right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Status")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.theme = theme
        self.lights: dict[str, QLabel] = {}
        self._told: dict[str, tuple[str, str]] = {}
        self._second = -1
        self.note = ElidedLabel()
        self.note.setFont(table_font())
        self.frame, self.utc, self.local = (QLabel(font=table_font()) for _ in range(3))
        for label in (self.frame, self.utc, self.local):
            label.setProperty("role", "label")
        self.frame.setProperty("role", "warn")
        self.frame.hide()
        self.frame.setToolTip("Time spent on the last frame of the window")
        self._calm = QTimer(self, singleShot=True)
        self._calm.timeout.connect(lambda: self.say(""))
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(3 * UNIT, 0, 3 * UNIT, 0)
        self._row.setSpacing(4 * UNIT)
        self._row.addWidget(self.note, 1)
        for label in (self.frame, self.utc, self.local):
            self._row.addWidget(label)
        for name in ("feed", "broker", "journal"):
            self.show_light(name, "not started", "hint")

    def show_light(self, name: str, text: str, role: str = "good", why: str = "") -> None:
        """The state of `name` (feed, broker, journal, next job): role good, warn, error or hint."""
        if self._told.get(name) == (text, role):
            return
        label = self.lights.get(name)
        if label is None:
            label = self.lights[name] = QLabel(font=table_font())
            self._row.insertWidget(len(self.lights) - 1, label)
        self._told[name] = (text, role)
        label.setText(self._lit(name))
        label.setToolTip(why or f"{name}: {text}")
        label.setAccessibleName(f"{name} {text}")
        set_role(label, "role", role if role != "good" else "label")

    def _lit(self, name: str) -> str:
        text, role = self._told[name]
        tone = getattr(self.theme, _TONES[role])
        return f'<span style="color:{tone}">{_MARKS[role]}</span> {escape(name)} {escape(text)}'

    def show_time(self, now: Nanos, zone: str) -> None:
        """The session's time in UTC and in the user's zone; costs nothing within the same second."""
        if now // SECOND == self._second:
            return
        self._second = now // SECOND
        self.utc.setText(fmt.moment_with_zone(now))
        self.utc.setToolTip(fmt.moment_with_zone(now))
        label = fmt.zone_label(now, zone)
        self.local.setVisible(label != "UTC")
        self.local.setText(f"{fmt.clock(now, zone)} {label}")
        self.local.setToolTip(fmt.moment_with_zone(now, zone))

    def show_frame(self, milliseconds: float) -> None:
        """How long the last frame took; told only where it is felt."""
        text = f"{milliseconds:.0f} ms"
        if text != self.frame.text():
            self.frame.setText(text)
            self.frame.setVisible(milliseconds > SLOW_MS)

    def say(self, sentence: str, role: str = "label") -> None:
        """A note that passes after eight seconds, an error after fifteen."""
        self.note.show_text(sentence)
        set_role(self.note, "role", role)
        self._calm.stop()
        if sentence:
            self._calm.start(ERROR_MS if role == "error" else NOTE_MS)

    def forgive(self) -> None:
        """What was asked for since was done: an error still shown is of the past."""
        if self.note.property("role") == "error":
            self.say("")

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        for name, label in self.lights.items():
            label.setText(self._lit(name))

    def state(self) -> dict[str, Any]:
        return {
            "name": self.accessibleName(),
            "lights": {name: text for name, (text, _role) in self._told.items()},
            "note": self.note.text(),
            "clocks": [label.text() for label in (self.utc, self.local) if not label.isHidden()],
        }
