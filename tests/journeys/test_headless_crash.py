"""`kill -9` in the middle of a run, again and again: the same command goes on, and ends with the same facts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.engine.rig import market
from tests.journeys.headless import CROSS, Terminal, facts_in, replay, write_history
from tests.postgres import postgres_url

__all__ = ["postgres_url"]

KILLS = 10
FIRST_FILLS = 60
"""By this many facts the first orders were filled."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_history(tmp_path_factory.mktemp("history") / "XAUUSD_M1.csv", market(6_000, 5))


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def whole(terminal: Terminal, history: Path) -> dict[str, object]:
    """The uninterrupted run."""
    return terminal.json(*replay(history, f"sqlite:///{terminal.home}/whole.db", *CROSS))


def kill_at(terminal: Terminal, command: list[str | Path], facts: int, count: Callable[[], int]) -> int:
    """Runs the command until its book holds so many facts, kills it, and says how many it left."""
    running = terminal.start(*command)
    try:
        while count() < facts:
            assert running.poll() is None, "the run was over before it could be killed"
            time.sleep(0.002)
    finally:
        running.kill()
        running.wait()
    return count()


def kill_often(
    terminal: Terminal, command: list[str | Path], whole: dict[str, object], kills: int, count: Callable[[], int]
) -> list[int]:
    """Kills the run at `kills` random moments after its first fills; how many facts each left behind."""
    last = int(str(whole["facts"]))
    moments = sorted(random.Random(20).sample(range(FIRST_FILLS, last * 8 // 10), kills))
    left: list[int] = []
    for moment in moments:
        left.append(kill_at(terminal, command, max(moment, left[-1] + 1 if left else 0), count))
    assert left[0] >= FIRST_FILLS
    assert left == sorted(set(left))
    assert left[-1] < last
    return left


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("crash")
def test_a_run_killed_ten_times_ends_with_the_facts_of_the_uninterrupted_one(
    terminal: Terminal, history: Path, whole: dict[str, object], tmp_path: Path
) -> None:
    db = tmp_path / "books.db"
    command = replay(history, f"sqlite:///{db}", *CROSS)
    # the pace is no part of the run's identity: killed ones are slowed down so that the kills find them at work
    left = kill_often(terminal, [*command, "--speed", "150000"], whole, KILLS, lambda: facts_in(db))
    assert len(left) == KILLS
    resumed = terminal.json(*command)
    assert differs(resumed, whole) == set()
    assert terminal.json("audit", "books", "--db", f"sqlite:///{db}", "--json")["clean"] is True


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("postgres")
def test_a_killed_run_resumes_on_postgresql_too(
    terminal: Terminal, history: Path, whole: dict[str, object], postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE crash")
    url = postgres_url.rpartition("/")[0] + "/crash"
    command = replay(history, url, *CROSS)

    def count() -> int:
        try:
            with psycopg.connect(url) as connection:
                row = connection.execute("SELECT facts FROM books").fetchone()
        except psycopg.errors.UndefinedTable:
            return 0
        return int(row[0]) if row else 0

    left = kill_often(terminal, [*command, "--speed", "150000"], whole, 2, count)
    assert len(left) == 2
    assert differs(terminal.json(*command), whole) == set()
    assert terminal.json("audit", "books", "--db", url, "--json")["clean"] is True


def differs(one: dict[str, object], other: dict[str, object]) -> set[str]:
    """The figures in which two runs differ; how long they took, and the book's number, are no part of the run."""
    aside = {"wall_s", "bars_per_s", "book"}
    return {name for name in one.keys() | other.keys() if name not in aside and one.get(name) != other.get(name)}
