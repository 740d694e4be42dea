"""The paper account: start balance, currency, and a fresh start."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from engine.core.errors import UserError
from widgets.typed import money_of

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
        self.accept_button = buttons.addButton("Reset account", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self.accept_button.setToolTip("Close this book and start a new one")
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        self.balance.textChanged.connect(lambda _text: self._amount())
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(self.message)
        layout.addWidget(buttons)
        self.setMinimumWidth(380)

    def _amount(self) -> Decimal | None:
        """The balance typed; None with the reason shown and the button dead."""
        amount, wrong = None, ""
        try:
            amount = money_of(self.balance.text())
            if not 0 < amount <= LARGEST or amount != round(amount, 2):
                wrong = f"{self.balance.text()!r} is not an amount between 0.01 and {LARGEST:,} with two decimals at most."
        except UserError as error:
            wrong = f"{error}."
        self.message.setText(wrong)
        self.accept_button.setDisabled(bool(wrong))
        return None if wrong else amount

    def _confirm(self) -> None:
        amount = self._amount()
        if amount is not None:
            self.reset.emit(amount)
            self.accept()
