"""The venue panel: whose money, is it reachable, is it reconciled, is it armed; and what the last comparison found."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from engine.domain.views import VenueView
from widgets import format as fmt
from widgets.empty import Empty
from widgets.style import font, set_role
from widgets.theme import UNIT, Theme

_NO_VENUE = (
    "This session trades on paper inside the program, on prices that are not live. "
    "Start it with --feed to trade on live prices, and with --broker at a venue."
)
_TRADES_NOW = "Orders may be placed"


class VenuePanel(QWidget):
    """`arm_wanted`, `disarm_wanted` and `kill_wanted` are the owner's; nothing is done here."""

    arm_wanted = Signal()
    disarm_wanted = Signal()
    kill_wanted = Signal()

    def __init__(self, theme: Theme, zone: str = "UTC", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Venue")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._zone = zone
        self._view: VenueView | None = None
        self._state = ""
        self.empty = Empty(theme, "lan-connect", _NO_VENUE)
        self.headline = QLabel(font=font(14, bold=True), wordWrap=True)
        self.values = {name: QLabel(wordWrap=True) for name in ("Broker", "Account", "Prices", "Books", "Arming")}
        self.report = QPlainTextEdit(readOnly=True)
        self.report.setAccessibleName("Reconciliation report")
        self.report.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.arm = QPushButton("Arm…")
        self.arm.setToolTip("Let orders go to this account with money: its name has to be typed (Ctrl+Shift+A)")
        self.arm.clicked.connect(lambda _checked: self.arm_wanted.emit())
        self.disarm = QPushButton("Disarm")
        self.disarm.setToolTip("Open nothing more at this account; what is open stays protected")
        self.disarm.clicked.connect(lambda _checked: self.disarm_wanted.emit())
        self.kill = QPushButton("Kill switch…")
        self.kill.setProperty("kind", "danger")
        self.kill.setToolTip("Block, cancel, optionally flatten, and verify at the broker (Ctrl+Shift+K)")
        self.kill.clicked.connect(lambda _checked: self.kill_wanted.emit())
        for button in (self.arm, self.disarm, self.kill):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._lay_out()
        self.show_venue(None)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * UNIT)
        grid.setVerticalSpacing(UNIT)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(self.values.items()):
            label = QLabel(name)
            label.setProperty("role", "hint")
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(2 * UNIT)
        for button in (self.arm, self.disarm):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self.kill)
        left = QVBoxLayout()
        left.setSpacing(2 * UNIT)
        left.addWidget(self.headline)
        left.addLayout(grid)
        left.addStretch()
        left.addLayout(buttons)
        title = QLabel("Last comparison with the books")
        title.setProperty("role", "hint")
        right = QVBoxLayout()
        right.setSpacing(UNIT)
        right.addWidget(title)
        right.addWidget(self.report, 1)
        self.body = QWidget()
        row = QHBoxLayout(self.body)
        row.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        row.setSpacing(6 * UNIT)
        row.addLayout(left, 1)
        row.addLayout(right, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.body)
        whole.addWidget(self.empty)

    def show_venue(self, view: VenueView | None, state: str = "ACTIVE", reason: str = "") -> None:
        """How it stands in this frame, and the trading state; None where the session has no venue."""
        if (view, state) == (self._view, self._state) and view is not None:
            return
        self._view, self._state = view, state
        self.body.setVisible(view is not None)
        self.empty.setVisible(view is None)
        if view is None:
            return
        stands = view.trouble or ("" if state == "ACTIVE" else f"trading is {state}: {reason}")
        self.headline.setText(_TRADES_NOW if not stands else f"Nothing may be opened: {stands}")
        set_role(self.headline, "role", "good" if not stands else "warn")
        self._say("Broker", f"{view.broker}, {'connected' if view.is_ready else 'out of reach'}", not view.is_ready)
        self._say("Account", f"{view.account}, {'LIVE: real money' if view.is_live else 'paper'}", False)
        blocked = "; ".join(sentence for _, sentence in view.blocked)
        self._say("Prices", view.feed_trouble or blocked or f"live, from {view.feed}", bool(view.feed_trouble or blocked))
        when = f", {fmt.moment_with_zone(view.reconciled, self._zone)}" if view.reconciled else ""
        self._say("Books", f"{'reconciled' if view.is_reconciled else 'not reconciled'}{when}", not view.is_reconciled)
        armed = "armed until the program ends" if view.is_armed else "not armed"
        self._say("Arming", armed if view.is_live else "not needed on paper", view.is_live and not view.is_armed)
        self.arm.setVisible(view.is_live and not view.is_armed)
        self.disarm.setVisible(view.is_armed)
        text = "\n".join(view.report)
        if text != self.report.toPlainText():
            self.report.setPlainText(text)

    def _say(self, name: str, text: str, is_wrong: bool) -> None:
        self.values[name].setText(text)
        set_role(self.values[name], "role", "warn" if is_wrong else None)

    def set_theme(self, theme: Theme) -> None:
        self.empty.set_theme(theme)

    def state(self) -> dict[str, Any]:
        return {
            "name": self.accessibleName(),
            "headline": "" if self._view is None else self.headline.text(),
            "values": {name: label.text() for name, label in self.values.items()} if self._view is not None else {},
            "report": self.report.toPlainText(),
        }
