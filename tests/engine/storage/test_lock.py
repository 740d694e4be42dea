"""One program a book."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.storage.database import open_books
from engine.storage.lock import hold

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20.0


def test_a_book_that_is_held_is_refused_to_others_and_free_again_after(url: str) -> None:
    with open_books(url) as ours, open_books(url) as theirs:
        lock = hold(ours, 1)
        with pytest.raises(UserError, match=r"book 1 of .* is open in another program"):
            hold(theirs, 1)
        hold(theirs, 2).release()
        lock.release()
        lock.release()
        hold(theirs, 1).release()


def test_a_program_that_dies_lets_go_of_its_book(url: str) -> None:
    program = f"""
        import sys, time
        from engine.storage.database import open_books
        from engine.storage.lock import hold
        database = open_books({url!r})
        lock = hold(database, 1)
        print("held", flush=True)
        sys.stdin.read()
    """
    with open_books(url) as ours:
        other = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with pytest.raises(UserError):
                hold(ours, 1)
        finally:
            other.kill()
            other.communicate()
        hold(ours, 1).release()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process is not to be stopped there")
def test_a_server_that_does_not_answer_holds_nobody_up_who_lets_go_of_a_book(postgres_url: str) -> None:
    with open_books(postgres_url) as ours:
        lock = hold(ours, 77)
        ((server,),) = ours.rows("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 77")
        os.kill(server, signal.SIGSTOP)
        try:
            letting_go = threading.Thread(target=lock.release, daemon=True)
            letting_go.start()
            letting_go.join(PATIENCE_S)
            assert not letting_go.is_alive()
        finally:
            os.kill(server, signal.SIGCONT)


def test_a_lock_leaves_no_file_behind(tmp_path: Path) -> None:
    with open_books(str(tmp_path / "books.db")) as database:
        hold(database, 7).release()
    assert not list(tmp_path.glob("*.lock"))
