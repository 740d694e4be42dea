"""The bar across the top: whose money it is, how it stands, who decides, and the brake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from engine.domain.intents import Halt, Resume, SetMode
from engine.domain.views import AccountView, Gauge
from widgets import format as fmt
from widgets import icons
from widgets.elided import ElidedLabel
from widgets.gauges.bar import Bar
from widgets.gauges.limits import tightest, used
from widgets.segments import Segments
from widgets.style import font, set_role, sign_role
from widgets.theme import UNIT, Theme

HEIGHT = 40
MODES = ("AUTO", "CONFIRM", "MANUAL")
_MODE_WORDS = {
    "AUTO": "Signals are traded as they come",
    "CONFIRM": "Each signal waits for your word",
    "MANUAL": "Signals are only shown; you trade by hand",
}
_BADGE_WORDS = {
    "PAPER": "Paper account: no real money moves",
    "LIVE": "Live account: orders go to the market with real money",
    "ARMED": "Orders may go to this account, until the program ends or it is disarmed",
    "SIMULATED": "The market is generated, not real",
    "REPLAY": "The market is a recording",
}
_STATE_ROLES = {"ACTIVE": "good", "REDUCING": "warn", "HALTED": "error"}


class AccountBar(QWidget):
    """`intent` carries SetMode, Halt and Resume. The hot key of HALT belongs to the application; its text is shown here."""

    intent = Signal(object)

    def __init__(self, theme: Theme, halt_key: str = "Ctrl+Shift+H", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Account bar")
        self.setObjectName("accountBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("surface", "panel")
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme, self._halt_key = theme, halt_key
        self._account: AccountView | None = None
        self._state = ""
        self._over = False
        self.badges: list[QLabel] = []
        self._build(theme)
        self._lay_out()
        self.set_badges(("PAPER",))
        self.show_state("ACTIVE", "")

    def _build(self, theme: Theme) -> None:
        self.logo = QLabel()
        self.logo.setPixmap(icons.app_icon().pixmap(20, 20))
        self.name = QLabel("NiceGold", font=font(14, bold=True))
        self.account = QLabel()
        self.account.setProperty("role", "label")
        self.equity = QLabel(font=font(14, bold=True))
        self.day = QLabel(font=font(14, bold=True))
        self.risk = QLabel()
        self.risk.setProperty("role", "label")
        self.meter = Bar(theme)
        self.meter.setFixedWidth(18 * UNIT)
        self.mode = Segments(MODES, "Mode")
        for name, button in self.mode.buttons.items():
            button.setToolTip(f"{name}: {_MODE_WORDS[name]}")
        self.mode.chosen.connect(lambda name: self.intent.emit(SetMode(name)))
        self.trading = ElidedLabel()
        self.resume = QPushButton("Resume", visible=False)
        self.resume.setToolTip("Back to ACTIVE; refused while a limit that tripped still holds")
        self.resume.clicked.connect(lambda _checked: self.intent.emit(Resume()))
        self.halt = QPushButton("HALT")
        self.halt.setProperty("kind", "danger")
        self.halt.setMinimumHeight(6 * UNIT)
        self.halt.setToolTip(f"Stop all new risk now and cancel working entries; stops and targets stay ({self._halt_key})")
        self.halt.setAccessibleName("Halt trading")
        self.halt.clicked.connect(lambda _checked: self.stop())
        for button in (*self.mode.buttons.values(), self.resume, self.halt):  # a focus that falls here would trade with Space
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT, 0, 2 * UNIT, 0)
        row.setSpacing(2 * UNIT)
        row.addWidget(self.logo)
        row.addWidget(self.name)
        self._badge_row = QHBoxLayout()
        self._badge_row.setSpacing(UNIT)
        row.addLayout(self._badge_row)
        row.addWidget(self.account)
        for title, *widgets in (("Equity", self.equity), ("Day", self.day), ("Risk", self.meter, self.risk)):
            row.addWidget(_rule())
            label = QLabel(title)
            label.setProperty("role", "hint")
            for widget in (label, *widgets):
                row.addWidget(widget)
        row.addWidget(_rule())
        row.addWidget(self.trading, 1)
        row.addWidget(self.resume)
        row.addWidget(self.mode)
        row.addWidget(self.halt)

    def put_first(self, button: QWidget) -> None:
        """The window's menu button, left of everything."""
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(0, button)

    # --- what it shows ---

    def set_badges(self, badges: Sequence[str]) -> None:
        """PAPER or LIVE first, then SIMULATED or REPLAY. The bar's lower edge takes the account's colour."""
        for label in self.badges:
            self._badge_row.removeWidget(label)
            label.deleteLater()
        self.badges = []
        for text in badges:
            label = QLabel(text)
            label.setProperty("badge", text.lower())
            label.setToolTip(_BADGE_WORDS.get(text, text))
            label.setFont(font(11, bold=True))
            self._badge_row.addWidget(label, 0, Qt.AlignmentFlag.AlignVCenter)
            self.badges.append(label)
        set_role(self, "account", "live" if "LIVE" in badges else "paper")

    def show_account(self, account: AccountView, gauges: Sequence[Gauge] = ()) -> None:
        """Equity, the day's P/L and the limit used most, of this frame."""
        if account != self._account:
            self._account = account
            day = account.equity - account.day_start
            share = day / account.day_start if account.day_start else 0.0
            self.account.setText(account.account)
            self.equity.setText(f"{fmt.money(account.equity)} {account.currency}")
            self.equity.setToolTip(
                f"Opening {fmt.money(account.opening)} + realised {fmt.signed_money(account.realised)} "
                f"+ open {fmt.signed_money(account.unrealised)} − costs {fmt.money(account.costs)}"
            )
            self.day.setText(f"{fmt.signed_money(day)} ({fmt.signed_percent(share)})")
            self.day.setToolTip(f"Since the day's start at {fmt.money(account.day_start)} {account.currency}, open P/L included")
            set_role(self.day, "role", {"up": "good", "down": "loss"}.get(sign_role(day)))
        self._show_risk(tightest(gauges))

    def _show_risk(self, gauge: Gauge | None) -> None:
        if gauge is None:
            self.risk.setText(fmt.DASH)
            return
        text = fmt.percent(used(gauge), 0)
        if text != self.risk.text():
            self.risk.setText(text)
        self.meter.show_shares(used(gauge), state=gauge.state)
        why = f"Tightest limit: {gauge.name.replace('_', ' ')}. {gauge.sentence}"
        if why != self.risk.toolTip():
            self.risk.setToolTip(why)
            self.meter.setToolTip(why)

    def show_mode(self, mode: str) -> None:
        """AUTO, CONFIRM or MANUAL, as the engine has it."""
        self.mode.choose(mode)

    def show_state(self, state: str, reason: str) -> None:
        """ACTIVE, REDUCING or HALTED and why."""
        text = state if state == "ACTIVE" or not reason else f"{state}: {reason}"
        if text == self.trading.text():
            return
        self._state = state
        self.trading.show_text(text)
        set_role(self.trading, "role", _STATE_ROLES.get(state, "label"))
        self.resume.setVisible(state in ("REDUCING", "HALTED") and not self._over)
        self.halt.setEnabled(state != "HALTED" and not self._over)
        set_role(self, "trading", state.lower())

    def end(self) -> None:
        """The run is over: there is nothing left to decide or to stop."""
        self._over = True
        for control in (self.mode, self.halt):
            control.setEnabled(False)
        self.resume.hide()
        self.halt.setToolTip("The run is at its end")

    def stop(self) -> None:
        """Halt now."""
        if self.halt.isEnabled():
            self.intent.emit(Halt(reason="owner"))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.meter.set_theme(theme)

    def state(self) -> dict[str, Any]:
        return {
            "name": self.accessibleName(),
            "badges": [label.text() for label in self.badges],
            "account": self.account.text(),
            "equity": self.equity.text(),
            "day": self.day.text(),
            "risk": self.risk.text(),
            "mode": self.mode.value,
            "state": self.trading.text(),
            "buttons": {"HALT": self.halt.isEnabled(), "Resume": not self.resume.isHidden()},
        }


def _rule() -> QFrame:
    rule = QFrame()
    rule.setProperty("line", "v")
    rule.setFixedHeight(5 * UNIT)
    return rule
