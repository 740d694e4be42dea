"""A migration that is killed: the old schema or the new one, never half of it, and the next start goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from engine.core.errors import StoreError
from engine.services.databases import downgrade
from engine.storage.database import Database, open_books, open_track
from engine.storage.market import open_market, place_of
from engine.storage.migrate import BOOKS, MARKET, Track, version
from tests.engine.storage.conftest import new_url
from tests.engine.storage.sessions import facts_of, history, play
from tests.engine.storage.test_copying import fill_market
from tests.engine.storage.test_schema import schema

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="one program is forked at every statement, which Windows cannot")

ROOT = Path(__file__).parents[3]
OLD = {BOOKS: "0001", MARKET: "0002"}
AT_COMMIT = 0
MOST_STATEMENTS = 60
SERVER_POINTS = (1, 9, AT_COMMIT)
"""Where it is killed on a server, where every try takes a database of its own."""

KILLED = """
import json, os, signal, sys
from sqlalchemy import event
from engine.storage.database import Database, open_track
from engine.storage.market import place_of
from engine.storage.migrate import TRACKS

name, warm, tries = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
track = next(each for each in TRACKS if each.name == name)
open_track(Database(place_of(warm, track)), track).close()  # all is imported now, so that every fork begins with it

def migrate(url, number):
    statements = 0
    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)
    def count(*_):
        nonlocal statements
        statements += 1
        if statements == number:
            die()
    database = Database(place_of(url, track))
    event.listen(database.engine, "before_cursor_execute", count)
    if number == 0:
        event.listen(database.engine, "commit", die)
    open_track(database, track)

ended = []
for url, number in tries:
    child = os.fork()
    if not child:
        try:
            migrate(url, number)
        finally:
            os._exit(0)
    ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if ended[-1] == 0:
        break
print(json.dumps(ended))
"""


def killed(track: Track, folder: Path, tries: list[tuple[str, int]]) -> list[int]:
    """Migrates these databases one by one, killed at this statement, or at the commit; how they ended, up to one that lived."""
    words = [sys.executable, "-c", KILLED, track.name, f"sqlite:///{folder}/warm.db", json.dumps(tries)]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: list[int] = json.loads(done.stdout)
    return found


def old(url: str, track: Track, folder: Path) -> str:
    """A database with books and market data, of an older schema; the hash of its facts."""
    fill_market(url)
    play(url, history(folder), 200)
    facts = facts_of(url)
    downgrade(url, f"{track.name}:{OLD[track]}", force=True)
    return facts


def at(url: str, track: Track) -> str | None:
    with Database(place_of(url, track)) as database:
        return version(database, track)


def goes_on(url: str, facts: str) -> None:
    """The next start finishes what was killed."""
    assert facts_of(url) == facts
    with open_market(url) as store:
        assert [series.rows for series in store.coverage()]
    assert (at(url, BOOKS), at(url, MARKET)) == (BOOKS.head, MARKET.head)


@pytest.mark.parametrize("track", [BOOKS, MARKET], ids=lambda track: track.name)
def test_fault_48_a_file_whose_migration_is_killed_at_any_statement_has_the_old_schema(track: Track, tmp_path: Path) -> None:
    first = f"sqlite:///{tmp_path}/books.db"
    facts = old(first, track, tmp_path)
    shape = schema(first, track)
    tries = [(copied(tmp_path, number), number) for number in range(MOST_STATEMENTS)]
    ended = killed(track, tmp_path, tries)
    assert ended == [-signal.SIGKILL] * (len(ended) - 1) + [0]
    assert len(ended) > 6
    urls = [url for url, _ in tries[: len(ended)]]
    for url in urls[:-1]:
        assert at(url, track) == OLD[track]
        assert schema(url, track) == shape
    assert at(urls[-1], track) == track.head
    for url in (urls[0], urls[len(urls) // 2], urls[-2], urls[-1]):
        goes_on(url, facts)


def copied(folder: Path, number: int) -> str:
    target = folder / str(number)
    target.mkdir()
    for name in ("books.db", "books.market.db"):
        shutil.copy(folder / name, target / name)
    return f"sqlite:///{target}/books.db"


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("track", [BOOKS, MARKET], ids=lambda track: track.name)
def test_fault_48_a_server_whose_migration_is_killed_has_the_old_schema(
    track: Track, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    first = new_url("postgresql", request, tmp_path_factory)
    facts = old(first, track, tmp_path)
    shape = schema(first, track)
    tries = [(cloned(first, number), number) for number in SERVER_POINTS]
    assert killed(track, tmp_path, tries) == [-signal.SIGKILL] * len(tries)
    for url, _ in tries:
        assert at(url, track) == OLD[track]
        assert schema(url, track) == shape
    for url, _ in (tries[0], tries[-1]):
        goes_on(url, facts)


def cloned(url: str, number: int) -> str:
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        # psycopg wants a literal; the names are ours
        admin.execute(f"CREATE DATABASE {name}_{number} TEMPLATE {name}")  # type: ignore[arg-type]
    return f"{url}_{number}"


@pytest.mark.parametrize("track", [BOOKS, MARKET], ids=lambda track: track.name)
def test_fault_48_a_newer_schema_is_refused_and_left_as_it_is(url: str, track: Track) -> None:
    fill_market(url)
    open_books(url).close()
    with Database(place_of(url, track)) as database:
        table = track.version_table(database.is_sqlite)
        database.rows(f"UPDATE {table} SET version_num = '9999'")
        with pytest.raises(StoreError, match=r"has schema 9999 and this program knows only up to .*; use the newer version"):
            open_track(database, track)
        assert version(database, track) == "9999"
