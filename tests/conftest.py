"""What all tests share: no screen is needed, and hypothesis does not judge how long a kernel takes to compile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("nicegold", deadline=None, print_blob=True)
settings.load_profile("nicegold")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("qt_log_ignore", "This plugin does not support propagateSizeHints")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for everything the program keeps and remembers."""
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path))
    monkeypatch.setenv("NICEGOLD_WINDOW_MEMORY", str(tmp_path))
    return tmp_path
