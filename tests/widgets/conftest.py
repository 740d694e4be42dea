"""Widgets are tested off screen, dressed as in the program."""

from __future__ import annotations

import os

import pytest

from widgets import style, theme

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("qt_log_ignore", "This plugin does not support propagateSizeHints")


@pytest.fixture
def dark(qapp) -> theme.Theme:
    """The dark theme, applied."""
    chosen = theme.load("dark")
    style.apply(qapp, chosen)
    return chosen
