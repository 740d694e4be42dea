"""Fields that a wheel meant for the ticket's scroll area does not edit: an order is changed by hand and by keys alone."""

from __future__ import annotations

from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDateTimeEdit


class StillCombo(QComboBox):
    """A choice that the wheel leaves as it is."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class StillTime(QDateTimeEdit):
    """A time that the wheel leaves as it is."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
