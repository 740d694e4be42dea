"""The paper account: start balance, currency, and a fresh start."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

LARGEST = Decimal(1_000_000_000)


class PaperAccount(QDialog):
    """Asks for the balance of a fresh paper account; `reset(balance)` when the user confirms. The old book is kept.

    `notes` say what is left behind and what the new book begins with, a paragraph each.
    """

    reset = Signal(object)

    def __init__(self, balance: Decimal, currency: str, notes: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Paper account")
        self.balance = QLineEdit(f"{balance:,.2f}")
        self.balance.setAccessibleName("Start balance")
        self.message = QLabel(wordWrap=True)
        self.message.setProperty("role", "error")
        form = QFormLayout()
        form.addRow(f"Start balance ({currency})", self.balance)
        form.addRow("Currency", QLabel(f"{currency}, as the instrument is dealt in it"))
        self.note = QLabel("\n\n".join(notes), wordWrap=True)
        self.note.setProperty("role", "hint")
        buttons = QDialogButtonBox()
        accept = buttons.addButton("Reset account", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        accept.setToolTip("Close this book and start a new one")
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.setMinimumWidth(380)

    def _confirm(self) -> None:
        try:
            balance = Decimal(self.balance.text().replace(",", "").replace(" ", ""))
        except InvalidOperation:
            balance = Decimal(0)
        if not balance.is_finite() or not 0 < balance <= LARGEST or balance != round(balance, 2):
            self.message.setText(
                f"{self.balance.text()!r} is not an amount between 0.01 and {LARGEST:,} with two decimals at most."
            )
            return
        self.reset.emit(balance)
        self.accept()
