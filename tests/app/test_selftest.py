"""The self-test as the one who installed the program runs it: a process of its own, with nothing of the user's touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage

from app.cli import run
from app.selftest import Check, audited, report, timed
from engine.services.bookkeeping import AuditReport, BookRow
from engine.services.proving import Kernels, kernels, prove_replay, write_history

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200


def selftest(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A run without a display, in a home whose files are counted afterwards."""
    environment = {**os.environ, "NICEGOLD_HOME": str(home)}
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "NICEGOLD_WINDOW_MEMORY"):
        environment.pop(name, None)
    words = [sys.executable, "main.py", "--selftest", *(str(argument) for argument in arguments)]
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_a_whole_installation_passes_without_a_display_and_leaves_the_home_alone(tmp_path: Path) -> None:
    home, picture = tmp_path / "home", tmp_path / "window.png"
    home.mkdir()
    done = selftest(home, "--json", "--screenshot", picture)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "painted offscreen" in done.stdout
    report = json.loads(done.stdout.splitlines()[-1])
    found = {check["name"]: check for check in report["checks"]}
    assert report["ok"]
    assert found["trade"]["steps"] == ["order", "fill", "position", "close"]
    assert len(found["model"]["model_sha256"]) == 64
    assert {name for name, check in found.items() if check["ok"] is None} <= {"keyring", "catboost"}
    assert found["kernels"]["files"] >= found["kernels"]["loaded"] > 0
    assert QImage(str(picture)).width() == 1366
    assert list(home.iterdir()) == []


def test_a_picture_in_no_folder_is_refused_before_anything_is_tried(tmp_path: Path) -> None:
    done = selftest(tmp_path, "--screenshot", tmp_path / "nowhere" / "window.png")
    assert done.returncode == 2
    assert "does not exist" in done.stderr


def test_the_history_and_its_replay_are_the_same_wherever_they_are_made(tmp_path: Path) -> None:
    proofs, files = [], []
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        file = write_history(folder)
        files.append(file.read_bytes())
        proofs.append(prove_replay(file, "sma_cross"))
    assert files[0] == files[1]
    assert proofs[0].facts_sha256 == proofs[1].facts_sha256
    assert proofs[0].differences == ()
    assert proofs[0].trades > 100


def test_what_was_compiled_or_loaded_lies_in_the_cache(tmp_path: Path) -> None:
    prove_replay(write_history(tmp_path), "sma_cross")
    found = kernels()
    assert isinstance(found, Kernels)
    assert found.loaded + found.compiled > 0
    assert found.files >= found.loaded + found.compiled


def test_its_options_mean_nothing_to_the_window(tmp_path: Path) -> None:
    assert run(["--json"]) == 2
    assert run(["--kernels", str(tmp_path)]) == 2


def test_what_goes_wrong_in_a_check_is_its_answer() -> None:
    def lost() -> Any:
        raise FileNotFoundError("dark.json")

    failed = timed("resources", lost)
    assert (failed.ok, failed.sentence) == (False, "FileNotFoundError: dark.json")
    assert report(False, [failed])["checks"][0]["name"] == "resources"


def test_books_that_do_not_add_up_and_books_without_a_trade_do_not_pass() -> None:
    book = BookRow(1, "run", 1, "paper", "simulated", "{}", "open", 9, 0, 9, None, 0, None)
    clean = AuditReport(book, facts=9, orders=2, fills=1, positions=0, differences=())
    assert audited(clean)[0] is True
    assert audited(replace(clean, differences=("cash: 1 is not 2",)))[:2] == (
        False,
        "9 facts, 2 orders, 1 fills: cash: 1 is not 2",
    )
    assert audited(replace(clean, fills=0))[0] is False


def test_a_check_is_one_line() -> None:
    assert str(Check("books", False, "one order is missing", 1.234)) == "FAILED books: one order is missing (1.2 s)"
    assert str(Check("keyring", None, "there is none", 0.0)).startswith("NOTE")
