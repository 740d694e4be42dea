"""What all tests share: no screen is needed, nobody judges how long a kernel takes to compile, nobody's keyring is touched,
examples are the same in every run (`--hypothesis-profile fuzz` draws others), and nothing is left behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import HealthCheck, settings

from engine.domain.instrument import INSTRUMENTS
from tests.strays import nothing_is_left_behind

__all__ = ["nothing_is_left_behind"]

settings.register_profile("nicegold", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nicegold")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("qt_log_ignore", "This plugin does not support")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one group go to one process. xdist 3.8 writes the group where pytest 9.2 no longer looks for a test's name."""
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        groups = {str(mark.args[0]) for mark in item.iter_markers("xdist_group")}
        name = f"{item.nodeid}@{'_'.join(sorted(groups))}"
        if groups and "@" not in item.nodeid.rpartition("]")[2]:
            item._id = coerce_node_id(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for everything the program keeps and remembers."""
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path))
    monkeypatch.setenv("NICEGOLD_WINDOW_MEMORY", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def _instruments_mean_what_they_were_shipped_as() -> Iterator[None]:
    """A program adopts the terms its venue deals on for as long as it lives; the next test is another program."""
    yield
    for symbol in tuple(INSTRUMENTS.adopted):
        INSTRUMENTS.release(symbol)
