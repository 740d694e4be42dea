"""A command that takes a while says on a terminal what it waits for, and nowhere else."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from app.waiting import Waiting

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 3_600.0


class Terminal(io.StringIO):
    """`written` is set whenever something was."""

    def __init__(self) -> None:
        super().__init__()
        self.written = Event()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.written.set()


def looked_at(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """To be called in the test itself: pytest puts a stream of its own there before."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    return found


def test_after_a_while_it_says_its_last_words_and_newer_ones_and_is_gone_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = looked_at(monkeypatch)
    with Waiting("connecting", after_s=0.0) as waiting:
        assert terminal.written.wait(20)
        waiting(0.0, "reconciling")
    assert terminal.getvalue() == "connecting …\r\x1b[Kreconciling …\r\x1b[K"


def test_what_is_quick_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = looked_at(monkeypatch)
    with Waiting("connecting", after_s=LONG_S) as waiting:
        waiting(0.0, "reconciling")
    waiting(1.0, "too late")
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(("is_quiet", "is_terminal"), [(True, True), (False, False)])
def test_nothing_is_said_to_a_program(monkeypatch: pytest.MonkeyPatch, is_quiet: bool, is_terminal: bool) -> None:
    terminal = looked_at(monkeypatch)
    monkeypatch.setattr(terminal, "isatty", lambda: is_terminal)
    with Waiting("connecting", is_quiet, after_s=0.0) as waiting:
        waiting(0.0, "reconciling")
        assert not terminal.written.wait(0.05)
    assert terminal.getvalue() == ""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals that a program can open")
def test_a_check_of_a_broker_that_says_nothing_tells_what_it_waits_for(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        ours, theirs = os.openpty()
        words = ["broker", "check", "--broker", "ib", "--port", str(deaf.getsockname()[1]), "--timeout", "60"]
        command = [sys.executable, str(ROOT / "main.py"), *words]
        environment = {**os.environ, "NICEGOLD_HOME": str(tmp_path)}
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as program:
            try:
                assert os.read(ours, 1_000).decode().startswith("connecting to ib")
            finally:
                program.kill()
                os.close(ours)
                os.close(theirs)
