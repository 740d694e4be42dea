"""The kill switch: block, cancel, optionally flatten, verify at the broker; and its report."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from engine.domain.views import KillReport


class KillSwitch(QDialog):
    """`thrown(flatten, drill)` when the button is pressed; `show_report` says what it came to."""

    thrown = Signal(bool, bool)

    def __init__(self, is_live: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Kill switch")
        what = "Trading is halted and every entry is cancelled at once; then the broker is asked what is left."
        text = QLabel(what, wordWrap=True)
        self.flatten = QCheckBox("Close every position at the market too")
        self.drill = QCheckBox("Only a drill: the same on paper, and trading goes on afterwards")
        self.drill.setVisible(not is_live)
        self.report = QLabel(wordWrap=True)
        self.report.setAccessibleName("Report")
        buttons = QDialogButtonBox()
        self.throw = buttons.addButton("Stop everything now", QDialogButtonBox.ButtonRole.ActionRole)
        self.throw.setProperty("kind", "danger")
        self.throw.clicked.connect(lambda _checked: self._throw())
        self.close_button = buttons.addButton(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (text, self.flatten, self.drill, self.report, buttons):
            layout.addWidget(widget)
        self.setMinimumWidth(440)

    def _throw(self) -> None:
        self.throw.setEnabled(False)
        self.report.setText("Stopping…")
        self.thrown.emit(self.flatten.isChecked(), self.drill.isChecked())

    def show_report(self, report: KillReport) -> None:
        """What it came to, in a sentence and one more for each thing that is left."""
        self.throw.setEnabled(True)
        said = "verified at the broker" if report.is_verified else "the broker could not be asked"
        closed = f", positions closed: {report.closed}" if report.flatten else ""
        head = f"{report.state} after {report.seconds:.2f} s; entries cancelled: {report.cancelled}{closed}; {said}."
        left, kept = (f"Left: {it}" for it in report.leftovers), (f"Stays: {it}" for it in report.kept)
        self.report.setText("\n".join([head, *left, *kept]))
        self.adjustSize()
