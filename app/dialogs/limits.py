"""The limits in force, and changing one: tighter at once, looser with a reason and later."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from engine.core.clock import MINUTE
from engine.core.errors import UserError
from engine.domain.facts import LimitsRequested
from engine.domain.intents import ChangeLimits
from engine.domain.limit_rules import PER_INSTRUMENT, RULES, read, spelled
from engine.domain.limits import Limits
from engine.domain.market import Symbol
from widgets import format as fmt

WHOLE_ACCOUNT = "the whole account"


class ChangeLimit(QDialog):
    """Asks for a limit's new value; `changed(ChangeLimits)` when it may be asked for. What it would do is said while typing."""

    changed = Signal(object)

    def __init__(
        self, limits: Limits, waiting: Sequence[LimitsRequested], symbols: Sequence[Symbol], zone: str, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Limits")
        self._limits = limits
        self.name = QComboBox()
        self.name.addItems(list(RULES))
        self.where = QComboBox()
        self.where.addItems([WHOLE_ACCOUNT, *symbols])
        self.now = QLabel()
        self.value = QLineEdit()
        self.value.setAccessibleName("New value")
        self.reason = QLineEdit(placeholderText="Needed for a looser limit")
        self.reason.setAccessibleName("Reason")
        self.effect = QLabel(wordWrap=True)
        form = QFormLayout()
        for label, widget in (
            ("Limit", self.name),
            ("For", self.where),
            ("In force", self.now),
            ("New value", self.value),
            ("Reason", self.reason),
        ):
            form.addRow(label, widget)
        self.waiting = QLabel("\n".join(_asked(request, zone) for request in waiting), wordWrap=True)
        self.waiting.setProperty("role", "hint")
        self.waiting.setVisible(bool(waiting))
        buttons = QDialogButtonBox()
        self.accept_button = buttons.addButton("Change", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._confirm)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        for widget in (self.effect, self.waiting, buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(440)
        self.name.currentTextChanged.connect(lambda _name: self._choose())
        self.where.currentTextChanged.connect(lambda _symbol: self._choose())
        for line in (self.value, self.reason):
            line.textChanged.connect(lambda _text: self._look())
        self._choose()

    @property
    def _symbol(self) -> Symbol:
        return self.where.currentText() if self.where.currentIndex() > 0 and self.where.isEnabled() else ""

    def _choose(self) -> None:
        self.where.setEnabled(self.name.currentText() in PER_INSTRUMENT)
        self.now.setText(spelled(self._limits.value(self.name.currentText(), self._symbol)))
        self._look()

    def _look(self) -> None:
        """What the change would be, and whether it may be asked for."""
        name, sentence, may = self.name.currentText(), "", False
        try:
            if self.value.text().strip():
                value, before = read(name, self.value.text().strip()), self._limits.value(name, self._symbol)
                looser = RULES[name].loosens(before, value)
                may = value != before and (not looser or bool(self.reason.text().strip()))
                later = f"Looser: in force {self._limits.loosen_after_min} minutes after it was asked for."
                sentence = "That is in force." if value == before else later if looser else "Tighter: in force at once."
        except UserError as error:
            sentence = f"{error}."
        self.effect.setText(sentence)
        self.accept_button.setEnabled(may)

    def _confirm(self) -> None:
        if self.accept_button.isEnabled():
            given = self.name.currentText(), self.value.text().strip(), self._symbol, self.reason.text().strip()
            self.changed.emit(ChangeLimits(*given))
            self.accept()


def _asked(request: LimitsRequested, zone: str) -> str:
    where = f" for {request.symbol}" if request.symbol else ""
    due = fmt.moment_with_zone(request.due // MINUTE * MINUTE, zone)
    return f"Waits: {request.limit}{where} {request.before} → {request.value}, in force from {due} ({request.reason})"
