"""The mouse over a widget under test."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget


def hover(widget: QWidget, at: QPoint) -> None:
    """Moves the pointer to `at`, from elsewhere: where it is already, Qt sees no move."""
    QTest.mouseMove(widget, at + QPoint(9, 9))
    QTest.mouseMove(widget, at)
