"""What an order would do to every limit, before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from engine.domain.instrument import Instrument
from engine.domain.limits import LimitLine, Verdict
from widgets import format as fmt
from widgets.gauges.bar import Bar, level
from widgets.style import set_role, table_font
from widgets.theme import UNIT, Theme

_HEADS = ("Limit", "now", "fill", "stop-out", "cap", "")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TONES = {"ok": None, "warn": "warn", "trip": "error"}


def line_level(line: LimitLine) -> str:
    """ok, warn or trip: what this order would make of the limit."""
    if not line.passed:
        return "trip" if line.hard else "warn"
    return "warn" if level(max(line.after_fill, line.after_stop) / line.cap if line.cap else 0.0) != "ok" else "ok"


_WORDS = {"ok": "✓", "warn": "!", "trip": "✕"}


class _Line:
    """The widgets of one limit's row."""

    def __init__(self, theme: Theme, grid: QGridLayout, row: int) -> None:
        self.labels = [QLabel() for _ in _HEADS[:-1]]
        self.bar, self.word = Bar(theme, 4), QLabel()
        for at, label in enumerate(self.labels):
            label.setFont(table_font())
            grid.addWidget(label, row, at, _RIGHT if at else Qt.AlignmentFlag.AlignLeft)
        self.labels[0].setProperty("role", "label")
        self.labels[-1].setProperty("role", "label")
        self.word.setFont(table_font(bold=True))
        grid.addWidget(self.bar, row, len(_HEADS) - 1)
        grid.addWidget(self.word, row, len(_HEADS))

    def show(self, line: LimitLine) -> None:
        state = line_level(line)
        values = [fmt.share(line.name, value, 2) for value in (line.now, line.after_fill, line.after_stop)]
        values.append(fmt.share(line.name, line.cap, fmt.cap_decimals(line.cap)))
        for label, text in zip(self.labels, (fmt.limit(line.name), *values), strict=True):
            label.setText(text)
            label.setToolTip(line.sentence)
        for label in self.labels[2:4]:
            set_role(label, "role", _TONES[state])
        if line.cap:
            self.bar.show_shares(line.now / line.cap, max(line.after_fill, line.after_stop) / line.cap, state)
        self.word.setText(_WORDS[state])
        set_role(self.word, "role", {"ok": "good"}.get(state, _TONES[state]))

    def set_visible(self, visible: bool) -> None:
        for widget in (*self.labels, self.bar, self.word):
            widget.setVisible(visible)


class Preview(QWidget):
    """The gate's answer as a table, a sentence, and the largest size that passes; `used` asks to take that size (steps)."""

    used = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: list[_Line] = []
        self._shown: tuple[LimitLine, ...] = ()
        self._largest = 0
        self._with_bars = True
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(UNIT + 2)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(len(_HEADS) - 1, 1)
        self._heads = self._head_row()
        self.sentence = QLabel(wordWrap=True)
        self.stop = QLabel(visible=False, wordWrap=True)
        self.stop.setProperty("role", "label")
        self.held = QLabel(visible=False, wordWrap=True)
        self.held.setProperty("role", "label")
        self.largest = QLabel()
        self.use = QPushButton("Use", visible=False)
        self.use.setToolTip("Take the largest quantity that passes every limit")
        self.use.clicked.connect(lambda _checked: self.used.emit(self._largest))
        self._lay_out()
        self.clear("Fill in the ticket to see what the order does to every limit.")

    def _head_row(self) -> list[QLabel]:
        heads = []
        for at, text in enumerate(_HEADS):
            label = QLabel(text)
            label.setFont(table_font())
            label.setProperty("role", "hint")
            self._grid.addWidget(label, 0, at, _RIGHT if at else Qt.AlignmentFlag.AlignLeft)
            heads.append(label)
        return heads

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.addWidget(self.largest, 1)
        foot.addWidget(self.use)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(UNIT)
        layout.addWidget(self.sentence)
        layout.addLayout(foot)
        layout.addWidget(self.stop)
        layout.addWidget(self.held)
        layout.addLayout(self._grid)

    def put_above_limits(self, widget: QWidget) -> None:
        """Something else that is said of the order, between the sentences and the table."""
        self._column.insertWidget(self._column.count() - 1, widget)

    def show_bars(self, shown: bool) -> None:
        """Whether there is room for the bars beside the figures."""
        self._with_bars = shown
        for at, line in enumerate(self._lines):
            line.bar.setVisible(shown and at < len(self._shown))

    def clear(self, sentence: str, role: str = "hint") -> None:
        """No verdict: say why."""
        self._show_lines(())
        self.stop.hide()
        self.held.hide()
        self.largest.setText("")
        self.largest.hide()
        self.use.hide()
        self._say(sentence, role)

    def show_verdict(self, verdict: Verdict, instrument: Instrument, quantity: int) -> None:
        """The verdict on an order of `quantity` steps."""
        self._show_lines(verdict.lines)
        if verdict.reasons:
            self._say(" ".join(map(fmt.sentence, verdict.reasons)), "error")
        elif verdict.warnings:
            self._say("Passes, with a warning: " + " ".join(verdict.warnings), "warn")
        else:
            self._say("Passes every limit.", "good")
        self.stop.setVisible(verdict.stop is not None and verdict.stop_is_default)
        self.stop.setText(f"Default ATR stop {fmt.price(verdict.stop, instrument)} is sent with it.")
        self.held.setVisible(bool(verdict.held))
        self.held.setText("\n· ".join(("Held here, not at the venue:", *verdict.held)))
        self._largest = verdict.largest
        lots = f"{fmt.lots(verdict.largest, instrument)} lot"
        self.largest.setText(f"Largest that passes: {lots}" if verdict.largest else "No quantity passes.")
        self.largest.setVisible(verdict.largest != quantity)
        set_role(self.largest, "role", "label")
        self.use.setVisible(0 < verdict.largest != quantity)
        self.use.setText(f"Use {lots}")

    def _say(self, sentence: str, role: str) -> None:
        self.sentence.setText(sentence)
        set_role(self.sentence, "role", role)

    def _show_lines(self, lines: Sequence[LimitLine]) -> None:
        while len(self._lines) < len(lines):
            self._lines.append(_Line(self._theme, self._grid, len(self._lines) + 1))
        for label in self._heads:
            label.setVisible(bool(lines))
        for at, row in enumerate(self._lines):
            row.set_visible(at < len(lines))
            if at < len(lines):
                row.show(lines[at])
        self._shown = lines
        self.show_bars(self._with_bars)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        for line in self._lines:
            line.bar.set_theme(theme)

    def state(self) -> dict[str, Any]:
        rows = [[label.text() for label in line.labels] + [line.word.text()] for line in self._lines[: len(self._shown)]]
        return {
            "rows": rows,
            "sentence": self.sentence.text(),
            "stop": self.stop.text() if not self.stop.isHidden() else "",
            "held": self.held.text() if not self.held.isHidden() else "",
            "largest": self.largest.text(),
            "use": not self.use.isHidden(),
        }
