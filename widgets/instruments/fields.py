"""One value of an instrument: its name, a field, its unit, and under it the sentence that says what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QSizePolicy, QWidget

from widgets.style import font, set_role
from widgets.theme import UNIT

LABEL_WIDTH = 104
UNIT_WIDTH = 76


@dataclass(frozen=True, slots=True)
class Spec:
    """A field: the `path` of its value, what people call it, the `unit` behind it, what the pointer says. `choices` make it a
    list of words, `lines` a text of so many lines."""

    path: str
    label: str
    hint: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    lines: int = 0


class Lines(QPlainTextEdit):
    """A short text of a few lines; Tab leaves it."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        height = lines * QFontMetrics(font()).lineSpacing() + 3 * UNIT
        self.setStyleSheet(f"min-height: {height}px; max-height: {height}px;")


class ValueField(QWidget):
    """The field of a Spec. `edited` with every change by hand."""

    edited = Signal()

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.box = self._box()
        self.box.setAccessibleName(spec.label)
        self.box.setToolTip(spec.hint)
        self.label = QLabel(spec.label)
        self.label.setProperty("role", "label")
        self.label.setToolTip(spec.hint)
        self.label.setFixedWidth(LABEL_WIDTH)
        self.label.setBuddy(self.box)
        self.unit = QLabel(spec.unit, self)
        self.unit.setVisible(bool(spec.unit))
        self.unit.setProperty("role", "hint")
        self.fault = QLabel(wordWrap=True)
        self.fault.setProperty("role", "error")
        self.fault.hide()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        if spec.lines:
            grid.addWidget(self.label, 0, 0, 1, 2)
            grid.addWidget(self.box, 1, 0, 1, 3)
            grid.addWidget(self.fault, 2, 0, 1, 3)
            return
        grid.addWidget(self.label, 0, 0)
        grid.addWidget(self.box, 0, 1, 1, 1 if spec.unit else 2)
        self.unit.setFixedWidth(UNIT_WIDTH)
        if spec.unit:
            grid.addWidget(self.unit, 0, 2)
        grid.addWidget(self.fault, 1, 1, 1, 2)

    def _box(self) -> QLineEdit | QComboBox | Lines:
        if self.spec.choices:
            combo = QComboBox()
            combo.addItems(list(self.spec.choices))
            combo.currentTextChanged.connect(lambda _text: self.edited.emit())
            return combo
        if self.spec.lines:
            lines = Lines(self.spec.lines)
            lines.textChanged.connect(self.edited)
            return lines
        line = QLineEdit()
        if self.spec.unit:
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
        line.textEdited.connect(lambda _text: self.edited.emit())
        return line

    def text(self) -> str:
        """What stands in the field; a choice of "none" is nothing."""
        if isinstance(self.box, QComboBox):
            chosen = self.box.currentText()
            return "" if chosen == "none" else chosen
        return self.box.toPlainText() if isinstance(self.box, Lines) else self.box.text()

    def set_text(self, text: str) -> None:
        """Puts a value in without telling of it."""
        self.box.blockSignals(True)
        if isinstance(self.box, QComboBox):
            self.box.setCurrentText(text or "none")
        elif isinstance(self.box, Lines):
            self.box.setPlainText(text)
        else:
            self.box.setText(text)
            self.box.setCursorPosition(0)
        self.box.blockSignals(False)

    def mark(self, sentence: str) -> None:
        """Says what is wrong with the value; "" that nothing is."""
        set_role(self.box, "wrong", bool(sentence))
        self.fault.setText(sentence[:1].upper() + sentence[1:])
        self.fault.setVisible(bool(sentence))

    def set_unit(self, unit: str) -> None:
        """What the value counts, where another field says it."""
        self.unit.setText(unit)

    def mark_changed(self, changed: bool) -> None:
        """Shows by the label's colour whether the value differs from what is stored."""
        set_role(self.label, "role", "warn" if changed else "label")
