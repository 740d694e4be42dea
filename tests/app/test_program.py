"""The program as a process: pictures of its window, life without a display, and signals from the system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from engine.services.bookkeeping import audit, list_books

ROOT = Path(__file__).parents[2]
CROSS = ("--policy", "sma_cross")
PATIENCE_S = 120.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and displays are another matter on Windows")


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `main.py` with arguments; what still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []

    def begin(*arguments: str | Path, platform: str | None = "offscreen") -> subprocess.Popen[str]:
        environment = {**os.environ, "NICEGOLD_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            environment.pop(name, None)
        if platform is not None:
            environment["QT_QPA_PLATFORM"] = platform
        words = [sys.executable, "main.py", *(str(argument) for argument in arguments)]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(words, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True))
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def until(process: subprocess.Popen[str], claim: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not claim():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue


def test_the_version_is_one_line(start) -> None:
    code, out, _err = finished(start("--version"))
    assert code == 0
    assert out.startswith("NiceGold Terminal ")
    assert out.count("\n") == 1


def test_the_doctor_speaks_json(start) -> None:
    code, out, err = finished(start("doctor", "--json"))
    report = json.loads(out.splitlines()[-1])
    assert code == (0 if report["healthy"] else 1)
    assert {finding["name"] for finding in report["findings"]} >= {"database", "display"}
    assert "Traceback" not in err


def test_a_screenshot_shows_the_window_and_its_state(start, tmp_path: Path) -> None:
    picture, state = tmp_path / "window.png", tmp_path / "window.json"
    options = ("--size", "1366x768", "--theme", "light", "--bars", "300", "--dump-state", state)
    code, out, err = finished(start("screenshot", picture, *CROSS, *options))
    assert (code, out.splitlines()[-1]) == (0, str(picture)), err
    assert "does not support" not in err
    assert "Traceback" not in err
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1366, 768)
    seen = json.loads(state.read_text())
    assert seen["theme"] == "light"
    assert {"chart", "watchlist", "signals", "ticket", "positions"} <= set(seen["panels"])
    chart = seen["panels"]["chart"]
    assert chart["bars"] > 300
    assert any("signal" in mark["text"] for mark in chart["marks"])
    assert any("fill" in mark["text"] for mark in chart["marks"])
    assert seen["panels"]["watchlist"]["rows"][0][0] == "XAUUSD"
    assert seen["toolbar"]["badges"] == ["PAPER", "SIMULATED"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--size", "huge"), "huge"),
        (("--theme", "pink"), "pink"),
        (("--replay", "missing.csv"), "missing.csv"),
    ],
)
def test_a_screenshot_that_cannot_be_made_says_why_in_one_sentence(start, tmp_path: Path, options, says: str) -> None:
    code, _out, err = finished(start("screenshot", tmp_path / "window.png", *CROSS, *options))
    assert code == 2
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_window_in_order(start, home: Path, number: int) -> None:
    books = f"sqlite:///{(home / 'books.db').as_posix()}"
    process = start(*CROSS, "--db", books)
    until(process, lambda: (home / "books.db").exists() and any(book.facts for book in list_books(books)))
    process.send_signal(number)
    code, _out, err = finished(process)
    assert code == 0
    assert "Traceback" not in err
    assert "Task was destroyed" not in err
    assert "QThread" not in err
    assert [book.status for book in list_books(books)] == ["open"]
    assert audit(books, None).is_clean


def test_an_endless_headless_run_says_so_and_how_it_ends(start, home: Path) -> None:
    books = f"sqlite:///{(home / 'books.db').as_posix()}"
    process = start("run", "--headless", *CROSS, "--db", books, "--json")
    assert process.stderr.readline().startswith("book 1 (simulated")
    assert process.stderr.readline().startswith("the book is chained without a key: there is no keyring")
    said = process.stderr.readline()
    assert said == "this market is endless: Ctrl+C stops the run and prints its summary, --until TIME ends it there\n"
    process.send_signal(signal.SIGINT)
    code, out, err = finished(process)
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out)["finished"] is False


@pytest.mark.skipif(sys.platform != "linux", reason="macOS always has a display")
def test_without_a_display_the_session_runs_on_the_console_after_one_line(start, home: Path) -> None:
    books = f"sqlite:///{(home / 'books.db').as_posix()}"
    process = start(*CROSS, "--db", books, platform=None)
    assert "no display" in process.stderr.readline()
    until(process, lambda: (home / "books.db").exists() and any(book.facts for book in list_books(books)))
    process.send_signal(signal.SIGINT)
    code, _out, err = finished(process)
    chained, left = err.splitlines()
    assert chained.startswith("the book is chained without a key: there is no keyring")
    assert (code, left) == (0, "left; the same command goes on from here")
    assert audit(books, None).is_clean
