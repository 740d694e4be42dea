"""What SIGKILL leaves behind: whole steps, and a cursor that knows the last of them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.database import open_books
from engine.storage.journal import SqlJournal

FACTS_A_STEP = 5
WRITER = f"""
import sys
from engine.domain.facts import DayStarted
from engine.storage.books import Books
from engine.storage.database import open_books
from engine.storage.journal import SqlJournal

database = open_books(sys.argv[1])
book = Books(database).find("run") or Books(database).open("run", "paper", "replay", "{{}}", 1)
journal = SqlJournal(database, book.id)
step = journal.cursor()
while True:
    step += 1
    for number in range({FACTS_A_STEP}):
        journal.append(step, step * 10, DayStarted(number))
    journal.commit(step, step * 10)
    print(step, flush=True)
"""


def write_and_kill(url: str, steps: int) -> int:
    """Lets a process write until it said so many steps were committed, kills it; the last step it said."""
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=root, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [next(writer.stdout) for _ in range(steps)]
        writer.kill()
        said += writer.stdout.readlines()
    return int([line for line in said if line.endswith("\n")][-1])


@pytest.mark.parametrize("steps", [1, 40, 300])
def test_a_killed_writer_leaves_whole_steps_and_a_cursor_that_matches(url: str, steps: int) -> None:
    open_books(url).close()
    said = write_and_kill(url, steps)
    said_again = write_and_kill(url, steps)
    with open_books(url) as database:
        book = Books(database).find("run")
        assert book is not None
        with closing(SqlJournal(database, book.id)) as journal:
            found = Counter(record.step for record in journal.records())
            last = journal.cursor()
            assert journal.last_seq() == last * FACTS_A_STEP
        assert found == dict.fromkeys(range(1, last + 1), FACTS_A_STEP)
        assert last >= said_again > said >= steps
        assert audit_books(database, book.id).is_clean
