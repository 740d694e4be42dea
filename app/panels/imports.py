"""Importing histories beside a running session; what does the work is made when the panel is first looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox

from app.panels.base import Surroundings, View
from app.picture import Picture
from app.welcome import left_open
from engine.request import Recording
from widgets.imports.view import ImportView

if TYPE_CHECKING:
    from app.importing import ImportDesk


class ImportsPanel(QObject, View):
    """The panel; `replayed(Recording)` when the owner wants a session on an imported file, and this one may be left for it."""

    replayed = Signal(object)
    widget: ImportView

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self._around = around
        self._desk: ImportDesk | None = None
        self._picture: Picture | None = None
        self.widget = ImportView(around.theme)
        self.widget.opened.connect(lambda: self.desk.learn_last())
        self.widget.dropped.connect(lambda paths: self.desk.add(paths))
        self.widget.undone.connect(lambda: self.desk.undo())

    @property
    def desk(self) -> ImportDesk:
        """Who works on the files."""
        if self._desk is None:
            from app.importing import ImportDesk

            self._desk = ImportDesk(self._around.bridge, self.widget, self)
            self._desk.replayed.connect(self._leave_for)
        return self._desk

    def show(self, picture: Picture) -> None:
        """Notes what is open, for the moment the session would be left."""
        self._picture = picture

    def _leave_for(self, recording: Recording) -> None:
        """Asks first where a position is open or a signal waits; Enter, Space and Esc stay."""
        left = left_open(self._picture)
        if not left:
            self.replayed.emit(recording)
            return
        box = QMessageBox(self.widget)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Replay this")
        box.setText(f"This session ends with {left}; its book stays as it is.")
        begin = box.addButton("Begin the replay", QMessageBox.ButtonRole.AcceptRole)
        stay = box.addButton("Stay here", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(stay)
        box.setEscapeButton(stay)
        begin.clicked.connect(lambda _checked: self.replayed.emit(recording))
        box.open()
