"""One program a book."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.storage.database import open_books
from engine.storage.lock import hold

ROOT = Path(__file__).parents[3]


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


def test_a_lock_leaves_no_file_behind(tmp_path: Path) -> None:
    with open_books(str(tmp_path / "books.db")) as database:
        hold(database, 7).release()
    assert not list(tmp_path.glob("*.lock"))
