"""Importing histories beside a running session; what does the work is made when the panel is first looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.panels.base import Surroundings, View
from app.picture import Picture
from widgets.imports.view import ImportView

if TYPE_CHECKING:
    from app.importing import ImportDesk


class ImportsPanel(QObject, View):
    """The panel; `replayed(Recording)` when the owner wants a session on an imported file."""

    replayed = Signal(object)
    widget: ImportView

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self._around = around
        self._desk: ImportDesk | None = None
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
            self._desk.replayed.connect(self.replayed)
        return self._desk

    def show(self, picture: Picture) -> None:
        """The session's market is no concern of the library's."""
