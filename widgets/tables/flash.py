"""Which cells changed a moment ago."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

FLASH_MS = 150
_BEATS = 3


class Flashes(QObject):
    """Cells to be tinted for 150 ms after a change; `faded` says that some no longer are. Idle while nothing changes."""

    faded = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cells: dict[tuple[Hashable, int], tuple[str, int]] = {}
        self._beat = 0
        self._timer = QTimer(self)
        self._timer.setInterval(FLASH_MS // _BEATS)
        self._timer.timeout.connect(self._fade)

    def mark(self, key: Hashable, column: int, was: Any, now: Any) -> None:
        """The cell went from `was` to `now`."""
        comparable = isinstance(was, int | float) and isinstance(now, int | float)
        self._cells[key, column] = (("up" if now > was else "down") if comparable else "gold", self._beat)
        if not self._timer.isActive():
            self._timer.start()

    def role(self, key: Hashable, column: int) -> str | None:
        """The colour to tint the cell with, None when it rests."""
        cell = self._cells.get((key, column))
        return cell[0] if cell else None

    def _fade(self) -> None:
        self._beat += 1
        old = [cell for cell, (_, beat) in self._cells.items() if self._beat - beat >= _BEATS]
        for cell in old:
            del self._cells[cell]
        if not self._cells:
            self._timer.stop()
        if old:
            self.faded.emit()
