"""A whole database copied between SQLite and PostgreSQL: every byte, every number, and runs that go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.errors import StoreError, UserError
from engine.services.databases import downgrade
from engine.storage import copying
from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.copying import Copied, copy_database
from engine.storage.database import open_books
from engine.storage.lock import hold
from engine.storage.market import open_market
from engine.storage.migrate import BOOKS, MARKET
from tests.engine.storage.conftest import new_url
from tests.engine.storage.sessions import facts_of, finish, history, play
from tests.engine.storage.test_market import assert_same, bars, quotes
from tests.engine.storage.test_market_versions import FILE, LATER, corrected

ROOT = Path(__file__).parents[3]
WAYS = [
    pytest.param(source, target, marks=pytest.mark.xdist_group("postgres"), id=f"{source}-{target}")
    for source in ("sqlite", "postgresql")
    for target in ("sqlite", "postgresql")
]
THERE_AND_BACK = WAYS[1:3]


def quiet(share: float, text: str) -> None:
    """A progress nobody watches."""


@pytest.fixture
def urls(source: str, target: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two places where no database was opened before."""
    return new_url(source, request, tmp_path_factory), new_url(target, request, tmp_path_factory)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """Two SQLite places."""
    return f"sqlite:///{tmp_path}/one.db", f"sqlite:///{tmp_path}/two.db"


def fill_market(url: str) -> None:
    """Bars with imports, offers and replacements behind them, and quotes of one moment."""
    with open_market(url) as store:
        store.write_bars("XAUUSD", "M1", "gold.csv", bars(4000), origin=FILE)
        store.write_bars("XAUUSD", "M1", "gold.csv", corrected(bars(4000)), origin=LATER)
        store.write_bars("XAUUSD", "M1", "other", bars(1500))
        store.write_bars("XAUUSD", "M1", "other", corrected(bars(1500)), replace=True)
        store.write_quotes("XAUUSD", "ticks", quotes([bars(1).at[0]] * 3), origin=FILE)


def copy_of(source: str, target: str) -> Copied:
    return copy_database(source, target, quiet)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_copy_has_every_byte_of_books_and_market_data(urls: tuple[str, str], tmp_path: Path) -> None:
    fill_market(urls[0])
    play(urls[0], history(tmp_path), 900)
    copied = copy_of(*urls)
    assert copied.is_clean
    assert [(book.status, book.facts_sha256) for book in copied.books] == [("open", facts_of(urls[0]))]
    assert facts_of(urls[1]) == facts_of(urls[0])
    rows = {"books": 1, "series": 3, "blocks": 6, "imports": 3, "additions": 3, "revisions": 550}
    assert rows.items() <= {table.name: table.rows for table in copied.tables}.items()
    with open_books(urls[0]) as before, open_books(urls[1]) as after:
        assert Books(after).list() == Books(before).list()
        assert audit_books(after, 1).is_clean
        for view in ("v_orders", "v_fills", "v_positions", "v_account"):
            assert sorted(after.rows(f"SELECT * FROM {view}"), key=str) == sorted(before.rows(f"SELECT * FROM {view}"), key=str)
    with open_market(urls[0]) as one, open_market(urls[1]) as two:
        assert two.coverage() == one.coverage()
        assert two.imports() == one.imports()
        assert two.revised() == one.revised()
        assert_same(two.read_bars("XAUUSD", "M1"), one.read_bars("XAUUSD", "M1"))
        assert_same(
            two.revision_bars("XAUUSD", "M1", "gold.csv", "offered"), one.revision_bars("XAUUSD", "M1", "gold.csv", "offered")
        )


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_an_open_run_goes_on_in_the_copy_to_the_facts_of_an_undisturbed_one(urls: tuple[str, str], tmp_path: Path) -> None:
    file = history(tmp_path)
    undisturbed = finish(f"sqlite:///{tmp_path}/whole.db", file)
    play(urls[0], file, 1200)
    copy_of(*urls)
    assert finish(urls[1], file) == undisturbed
    assert finish(urls[0], file) == undisturbed


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_new_rows_of_a_copy_get_new_numbers(urls: tuple[str, str], tmp_path: Path) -> None:
    fill_market(urls[0])
    play(urls[0], history(tmp_path), 300)
    copy_of(*urls)
    with open_books(urls[1]) as database:
        assert Books(database).open("another", "paper", "replay", "{}", 1).id == 2
    with open_market(urls[1]) as store:
        store.write_bars("XAGUSD", "M1", "new.csv", bars(10), origin=FILE)
        assert len(store.imports()) == 4


def test_there_and_back_again_nothing_is_changed(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, server, last = (
        f"sqlite:///{tmp_path}/1.db",
        new_url("postgresql", request, tmp_path_factory),
        f"sqlite:///{tmp_path}/2.db",
    )
    fill_market(first)
    play(first, history(tmp_path), 900)
    there, back = copy_of(first, server), copy_of(server, last)
    assert (back.tables, back.books) == (there.tables, there.books)


def test_a_target_that_is_not_empty_is_refused_and_left_alone(pair: tuple[str, str], tmp_path: Path) -> None:
    fill_market(pair[0])
    with open_market(pair[1]) as store:
        store.write_bars("XAUUSD", "M1", "mine", bars(10))
    with pytest.raises(UserError, match=r"two\.db is not empty: it has series"):
        copy_of(*pair)
    with open_market(pair[1]) as store:
        assert len(store.read_bars("XAUUSD", "M1")) == 10


def test_a_database_is_not_copied_onto_itself(pair: tuple[str, str]) -> None:
    fill_market(pair[0])
    with pytest.raises(UserError, match="not empty"):
        copy_of(pair[0], pair[0])


def test_a_source_that_does_not_exist_is_refused_and_not_made(pair: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"one\.db holds neither books nor market data"):
        copy_of(*pair)
    assert not (tmp_path / "one.db").exists()


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_a_book_that_is_open_in_another_program_is_not_copied(urls: tuple[str, str], tmp_path: Path) -> None:
    play(urls[0], history(tmp_path), 300)
    with open_books(urls[0]) as theirs:
        lock = hold(theirs, 1)
        with pytest.raises(UserError, match="open in another program"):
            copy_of(*urls)
        lock.release()
    copy_of(*urls)


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_a_copy_that_fails_on_the_way_is_known_as_unfinished_and_made_afresh(
    urls: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_market(urls[0])
    play(urls[0], history(tmp_path), 300)

    def fail(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(copying, "_compare", fail)
    with pytest.raises(StoreError, match="full"):
        copy_of(*urls)
    monkeypatch.undo()
    for opening in (open_books, open_market):
        with pytest.raises(UserError, match="holds a copy that was not finished"):
            opening(urls[1])
    with pytest.raises(UserError, match="not finished; copy from where it came"):
        copy_of(urls[1], urls[0])
    assert copy_of(*urls).is_clean
    assert facts_of(urls[1]) == facts_of(urls[0])


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_a_copy_that_ends_between_its_last_two_marks_is_made_afresh(
    urls: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_market(urls[0])
    play(urls[0], history(tmp_path), 300)
    mark = copying._mark

    def end_before_the_last(target: Any, track: Any, text: str, *more: Any, **named: Any) -> None:
        if (track, text) == (BOOKS, BOOKS.head):
            raise StoreError("the program was ended")
        mark(target, track, text, *more, **named)

    monkeypatch.setattr(copying, "_mark", end_before_the_last)
    with pytest.raises(StoreError, match="ended"):
        copy_of(*urls)
    monkeypatch.undo()
    with pytest.raises(UserError, match="not finished"):
        open_books(urls[1])
    assert copy_of(*urls).is_clean
    assert facts_of(urls[1]) == facts_of(urls[0])
    with open_market(urls[1]) as store:
        assert_same(store.read_bars("XAUUSD", "M1", source="gold.csv"), bars(4000))


def test_a_byte_that_changed_on_the_way_is_noticed(
    pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(pair[0], history(tmp_path), 300)
    true_copy = copying.copy_in

    def careless(link: Any, table: str, names: Any, rows: Any) -> None:
        spoilt = ((*row[:5], row[5] + " ", *row[6:]) if table == "facts" and row[1] == 3 else row for row in rows)
        true_copy(link, table, names, spoilt)

    monkeypatch.setattr(copying, "copy_in", careless)
    with pytest.raises(StoreError, match="facts is not what was copied"):
        copy_of(*pair)
    with pytest.raises(UserError, match="not finished"):
        open_books(pair[1])


def test_a_copy_that_was_killed_is_made_afresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    source, target = new_url("sqlite", request, tmp_path_factory), new_url("postgresql", request, tmp_path_factory)
    fill_market(source)
    program = (
        "import os, sys\nfrom engine.storage.copying import copy_database\n"
        "def die(share, text):\n    if text.startswith('copied blocks'): os.kill(os.getpid(), 9)\n"
        "copy_database(sys.argv[1], sys.argv[2], die)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, source, target], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(UserError, match="not finished"):
        open_market(target)
    copy_of(source, target)
    with open_market(target) as store:
        assert_same(store.read_bars("XAUUSD", "M1", source="gold.csv"), bars(4000))


@pytest.mark.parametrize(("source", "target"), THERE_AND_BACK)
def test_a_copy_never_holds_more_than_a_few_rows(urls: tuple[str, str]) -> None:
    with open_market(urls[0]) as store:
        for number in range(4):
            store.write_bars("XAUUSD", "M1", f"part {number}", bars(60_000))
    size = 4 * 60_000 * 56
    tracemalloc.start()
    try:
        copy_of(*urls)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size / 4


def test_progress_is_told_up_to_the_end(pair: tuple[str, str]) -> None:
    fill_market(pair[0])
    told: list[tuple[float, str]] = []
    copy_database(*pair, lambda share, text: told.append((share, text)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert told[-1] == (1.0, "compared revisions: 550 rows")
    assert np.diff(shares).max() < 0.6


def test_an_outdated_source_says_what_to_run(pair: tuple[str, str]) -> None:
    fill_market(pair[0])
    downgrade(pair[0], "market:0003", force=False)
    with pytest.raises(UserError, match=rf"has schema market:0003, not {MARKET.head}; run main\.py db upgrade --db"):
        copy_of(*pair)
