"""Arming: what orders will meet is shown, and the account's name has to be typed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from engine.domain.views import Gauge, VenueView
from widgets import format as fmt


class Arming(QDialog):
    """Asks for the account's name; `armed(name)` when it was typed exactly. Dead while the books are not reconciled."""

    armed = Signal(str)

    def __init__(self, venue: VenueView, limits: Sequence[Gauge], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Arm live trading")
        self._venue = venue
        warning = QLabel("Orders will go to the market with real money, until this program ends or you disarm it.", wordWrap=True)
        warning.setProperty("role", "error")
        checks = QFormLayout()
        checks.addRow("Profile", QLabel(f"{venue.broker}, account {venue.account}, LIVE as the profile expects"))
        checks.addRow("Books", QLabel("reconciled" if venue.is_reconciled else f"not reconciled: {venue.trouble}", wordWrap=True))
        checks.addRow("Limits in force", QLabel(_limits(limits), wordWrap=True))
        self.name = QLineEdit(placeholderText=f"Type {venue.account}")
        self.name.setAccessibleName("Account's name")
        self.name.textChanged.connect(lambda _text: self._look())
        checks.addRow("Account's name", self.name)
        buttons = QDialogButtonBox()
        self.accept_button = buttons.addButton("Arm", QDialogButtonBox.ButtonRole.AcceptRole)
        self.accept_button.setProperty("kind", "danger")
        self.accept_button.setToolTip("Let orders go to this account")
        self.accept_button.setAutoDefault(False)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(warning)
        layout.addLayout(checks)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)
        self._look()

    def _look(self) -> None:
        self.accept_button.setEnabled(self._venue.is_reconciled and self.name.text() == self._venue.account)

    def _confirm(self) -> None:
        if self.accept_button.isEnabled():
            self.armed.emit(self.name.text())
            self.accept()


def _limits(limits: Sequence[Gauge]) -> str:
    return ", ".join(f"{it.name.replace('_', ' ')} {fmt.share(it.name, it.cap, fmt.cap_decimals(it.cap))}" for it in limits)
