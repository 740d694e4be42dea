"""The import panel: drop files, see what they are and would change, import them, and take that back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QStackedWidget, QVBoxLayout, QWidget

from widgets import style
from widgets.confirm import ConfirmButton
from widgets.elided import ElidedLabel
from widgets.empty import Empty
from widgets.theme import UNIT, Theme

if TYPE_CHECKING:
    from widgets.imports.bench import Bench
    from widgets.imports.reading import Check

ZONE = QSize(520, 240)
FILTER = "Histories (*.csv *.txt *.tsv *.gz *.zip *.parquet);;All files (*)"
WELCOME = (
    "Drop history files here: MetaTrader 4 and 5, Dukascopy, HistData, Lean, Binance, Parquet or plain CSV, packed or not.\n"
    "You see what each file is and what it would change before anything is stored."
)


class ImportView(QWidget):
    """A place to drop files on, and the bench once there are any, which is made then: a panel nobody asks for costs no time.

    `opened()` when it comes into sight, `dropped(paths)`, `undone()` when the last import is to be taken back; `folder` is where
    files are looked for.
    """

    opened = Signal()
    dropped = Signal(list)
    undone = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.bench: Bench | None = None
        self.folder = ""
        self.setAcceptDrops(True)
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.empty = Empty(theme, "database-import-outline", WELCOME, "Choose files…")
        self.empty.button.setToolTip("Choose history files (Ctrl+O)")
        self.empty.acted.connect(self.browse)
        self.last = ElidedLabel()
        self.last.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.last.setProperty("role", "hint")
        self.undo = ConfirmButton("Undo the last import", "Undo it?")
        self.undo.confirmed.connect(self.undone)
        self.undo.setVisible(False)
        self.stack = QStackedWidget()
        self.stack.addWidget(self._zone())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack)

    def _zone(self) -> QWidget:
        """The place to drop files on, and below it what was imported last."""
        zone = QFrame()
        zone.setProperty("role", "drop")
        zone.setFixedSize(ZONE)
        QVBoxLayout(zone).addWidget(self.empty)
        made = QWidget()
        column = QVBoxLayout(made)
        column.setSpacing(2 * UNIT)
        column.addStretch()
        column.addWidget(zone, 0, Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.last)
        column.addWidget(self.undo, 0, Qt.AlignmentFlag.AlignCenter)
        column.addStretch()
        return made

    def open_bench(self, check_clock: Check) -> Bench:
        """The bench, made when it is first asked for."""
        if self.bench is None:
            from widgets.imports.bench import Bench

            self.bench = Bench(self._theme, check_clock)
            self.bench.browsed.connect(self.browse)
            self.stack.addWidget(self.bench)
        return self.bench

    def show_bench(self, on: bool) -> None:
        """The bench, or the place to drop files on."""
        self.stack.setCurrentIndex(int(on and self.bench is not None))

    def show_last(self, sentence: str, question: str) -> None:
        """What was imported last, and what is asked before it is taken back."""
        self.last.show_text(sentence)
        self.undo.disarm()
        self.undo.question = question
        if not sentence and self.window().focusWidget() is self.undo:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.undo.setVisible(bool(sentence))

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.empty.set_theme(theme)
        if self.bench is not None:
            self.bench.set_theme(theme)

    def state(self) -> dict[str, Any]:
        """What is to be seen, in plain values."""
        if self.bench is None or self.stack.currentIndex() == 0:
            return {"files": [], "empty": self.empty.sentence.text(), "last": self.last.text()}
        return self.bench.state()

    def browse(self) -> None:
        """Asks for files."""
        dialog = QFileDialog(self, "Import history", self.folder, FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda paths: self.dropped.emit(paths))
        dialog.open()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.opened.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _paths(event):
            event.acceptProposedAction()
            style.set_role(self, "target", True)

    def dragLeaveEvent(self, _event: QDragLeaveEvent) -> None:
        style.set_role(self, "target", False)

    def dropEvent(self, event: QDropEvent) -> None:
        style.set_role(self, "target", False)
        if paths := _paths(event):
            event.acceptProposedAction()
            self.dropped.emit(paths)


def _paths(event: QDropEvent) -> list[str]:
    return [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
