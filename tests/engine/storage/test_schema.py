"""Schemas up and down with data inside, and what is refused on the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import run
from engine.core.errors import UserError
from engine.services.databases import downgrade, status, upgrade
from engine.storage.bulk import quoted
from engine.storage.database import Database, open_books
from engine.storage.lock import hold
from engine.storage.market import open_market, place_of
from engine.storage.migrate import BOOKS, MARKET, TRACKS, Track, revisions
from engine.storage.tables import TABLES, VIEWS
from tests.engine.storage.sessions import facts_of, finish, history, play
from tests.engine.storage.test_copying import fill_market
from tests.engine.storage.test_market import assert_same

STEPS = [(track, script.revision) for track in TRACKS for script in revisions(track)[:-1]]
"""Every version but the newest of each part."""


def schema(url: str, track: Track) -> dict[str, set[str]]:
    """The tables and views of a part, with their columns."""
    with Database(place_of(url, track)) as database:
        if database.is_sqlite:
            rows = database.rows(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type <> 'index'"
            )
        else:
            query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ?"
            rows = database.rows(query, (track.schema or "public",))
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return {table: columns for table, columns in found.items() if not table.startswith("sqlite_")}


@pytest.mark.parametrize(("track", "revision"), STEPS, ids=lambda value: getattr(value, "name", value))
def test_every_step_down_and_up_again_keeps_facts_and_bars(url: str, track: Track, revision: str, tmp_path: Path) -> None:
    fill_market(url)
    play(url, history(tmp_path), 600)
    facts, shape = facts_of(url), schema(url, track)
    with open_market(url) as store:
        bars, quotes, coverage = store.read_bars("XAUUSD", "M1"), store.read_quotes("XAUUSD"), store.coverage()
    downgrade(url, f"{track.name}:{revision}", force=True)
    assert {part.name: part.schema for part in status(url)}[track.name] == revision
    upgrade(url, None)
    assert [part.schema for part in status(url)] == [each.head for each in TRACKS]
    assert schema(url, track) == shape
    assert facts_of(url) == facts
    with open_market(url) as store:
        assert store.coverage() == coverage
        assert_same(store.read_bars("XAUUSD", "M1"), bars)
        assert_same(store.read_quotes("XAUUSD"), quotes)


def test_going_down_to_rows_and_up_to_blocks_keeps_versions_too(url: str) -> None:
    fill_market(url)
    with open_market(url) as store:
        imports, revised = store.imports(), store.revised()
        offered = store.revision_bars("XAUUSD", "M1", "gold.csv", "offered")
    assert downgrade(url, "market:0003", force=False).lost == {}
    with open_market(url) as store:
        assert (store.imports(), store.revised()) == (imports, revised)
        assert_same(store.revision_bars("XAUUSD", "M1", "gold.csv", "offered"), offered)


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_going_down_to_the_ground_leaves_no_table(url: str, track: Track) -> None:
    fill_market(url)
    open_books(url).close()
    downgrade(url, f"{track.name}:base", force=True)
    assert set(schema(url, track)) <= {"schema_version"}
    upgrade(url, None)
    with open_market(url) as store:
        assert bool(store.coverage()) == (track is BOOKS)


def test_going_down_is_refused_with_what_it_would_lose(url: str, tmp_path: Path) -> None:
    fill_market(url)
    play(url, history(tmp_path), 300)
    with pytest.raises(UserError, match=r"would lose 3 rows of imports and 550 rows of revisions and 3 rows of additions; copy"):
        downgrade(url, "market:0001", force=False)
    with pytest.raises(UserError, match=r"going down to books:base would lose [\d,]+ rows of facts and 1 row of books"):
        downgrade(url, "books:base", force=False)
    assert [part.schema for part in status(url)] == [track.head for track in TRACKS]


def test_nothing_is_taken_down_under_a_running_session(url: str, tmp_path: Path) -> None:
    play(url, history(tmp_path), 300)
    with open_books(url) as theirs:
        lock = hold(theirs, 1)
        with pytest.raises(UserError, match="open in another program"):
            downgrade(url, "books:base", force=True)
        lock.release()


@pytest.mark.parametrize("to", ["0001", "books", "books:9999", "nothing:0001", "market:", ""])
def test_a_version_that_is_not_known_is_refused_with_the_form(tmp_path: Path, to: str) -> None:
    with pytest.raises(UserError, match="is no version of a schema; name a part and a version"):
        downgrade(f"sqlite:///{tmp_path}/books.db", to, force=False)


def test_down_goes_down_and_up_goes_up(url: str) -> None:
    upgrade(url, None)
    with pytest.raises(UserError, match=rf"market is at {MARKET.head}, past 0002; main\.py db downgrade goes down"):
        upgrade(url, "market:0002")
    downgrade(url, "market:0002", force=False)
    with pytest.raises(UserError, match=r"market is at 0002, not past 0003; main\.py db upgrade goes up"):
        downgrade(url, "market:0003", force=False)
    assert upgrade(url, "market:0003")[0].after == "0003"


def test_looking_makes_nothing(url: str, tmp_path: Path) -> None:
    assert [part.schema for part in status(url)] == [None, None]
    assert schema(url, BOOKS) == {}


def test_every_table_is_listed_with_its_key(url: str) -> None:
    upgrade(url, None)
    for track in TRACKS:
        listed = {table.name for table in TABLES if table.track is track} | (set(VIEWS) if track is BOOKS else set())
        assert set(schema(url, track)) == listed | {"schema_version"}
    for table in TABLES:
        with Database(place_of(url, table.track)) as database:
            place, key = table.place(database.is_sqlite), ", ".join(map(quoted, table.key))
            assert database.rows(f"SELECT {key} FROM {place} GROUP BY {key} HAVING count(*) > 1") == []


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_every_migration_says_what_its_downgrade_loses(track: Track) -> None:
    assert all(isinstance(script.module.LOSES, tuple) for script in revisions(track))


def test_the_command_line_goes_down_and_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path / "home"))
    db, file = f"sqlite:///{tmp_path}/books.db", history(tmp_path)
    finish(db, file)
    fill_market(db)
    assert run(["db", "downgrade", "--db", db, "--to", "market:0001"]) == 2
    assert "would lose" in capsys.readouterr().err
    assert run(["db", "downgrade", "--db", db, "--to", "market:0001", "--force", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["lost"] == {"additions": 3, "imports": 3, "revisions": 550}
    assert run(["db", "status", "--db", db]) == 0
    assert f"market: schema 0001 (this program: {MARKET.head})" in capsys.readouterr().out
    assert run(["db", "upgrade", "--db", db]) == 0
    assert f"market: 0001 -> {MARKET.head}" in capsys.readouterr().out
    assert run(["db", "copy", db, f"{tmp_path}/copy.db", "--json"]) == 0
    copied = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert copied["clean"]
    assert copied["books"][0]["facts_sha256"] == facts_of(db)
