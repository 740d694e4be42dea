"""Least rights on a real PostgreSQL: the owner migrates, the trader trades and changes no fact, the reader reads."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import psycopg
import pytest

from engine.core.errors import UserError
from engine.services.bookkeeping import audit, facts_hash, list_books
from engine.services.databases import copy, downgrade, roles, status, upgrade
from engine.storage import copying
from engine.storage.books import Books
from engine.storage.database import Database, locate, open_books
from engine.storage.erasure import erase
from engine.storage.instruments import InstrumentVersions
from engine.storage.market import open_market
from engine.storage.verification import verify
from tests.engine.storage.conftest import new_url
from tests.engine.storage.sessions import finish, history, play
from tests.engine.storage.tampering import PERSONAL, kept
from tests.engine.storage.test_copying import fill_market, quiet
from tests.engine.storage.test_market import bars
from tests.engine.storage.test_market_versions import FILE, LATER

pytestmark = pytest.mark.xdist_group("postgres")
_numbers = count(1)


class Server:
    """A database with its three roles, and its URL for each of them."""

    def __init__(self, admin: str) -> None:
        self.admin = admin
        self.prefix = f"gold{next(_numbers)}"
        self.owner, self.trader, self.reader = (self.of(role) for role in ("owner", "trader", "reader"))

    def of(self, role: str) -> str:
        return self.admin.replace("tester@", f"{self.prefix}_{role}@")

    def grant(self, user: str) -> None:
        with psycopg.connect(user, autocommit=True) as connection:
            # psycopg wants a literal; the names are ours
            connection.execute(roles(self.admin, self.prefix))  # type: ignore[arg-type]


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Roles, and no tables yet."""
    return granted(request, tmp_path_factory)


@pytest.fixture
def server(empty: Server) -> Server:
    """Tables made by the owner."""
    return made(empty)


@pytest.fixture(scope="module")
def traded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Books with facts, for what is refused anyway."""
    server = made(granted(request, tmp_path_factory))
    play(server.trader, history(tmp_path_factory.mktemp("traded"), 100), 100)
    return server


def granted(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Server:
    server = Server(new_url("postgresql", request, factory))
    server.grant(server.admin)
    return server


def made(server: Server) -> Server:
    upgrade(server.owner, None)
    return server


def sql(url: str, statement: str) -> None:
    with Database(locate(url)) as database:
        database.rows(statement)


def test_the_program_runs_a_whole_session_as_the_trader(server: Server, tmp_path: Path) -> None:
    file = history(tmp_path)
    play(server.trader, file, 700)
    assert finish(server.trader, file) == finish(f"sqlite:///{tmp_path}/books.db", file)
    assert audit(server.trader, None).is_clean


def test_the_trader_imports_corrects_removes_and_undoes(server: Server) -> None:
    fill_market(server.trader)
    with open_market(server.trader) as store:
        assert store.remove_bars("XAUUSD", "M1", "gold.csv", bars(100).at, LATER) == 100
        store.write_bars("XAGUSD", "M1", "silver.csv", bars(100), origin=FILE)
        store.undo(store.entries()[-1].number, 9)
        assert not any(series.symbol == "XAGUSD" for series in store.coverage())


def test_the_trader_edits_an_instrument(server: Server) -> None:
    with open_books(server.trader) as database:
        InstrumentVersions(database).add("XAUUSD", 0, 1, "{}", "aa", "wider lots", 1)
    with open_books(server.reader) as database:
        assert [version.reason for version in InstrumentVersions(database).history()] == ["wider lots"]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM facts",
        "UPDATE facts SET fact = '{}'",
        "TRUNCATE facts",
        "DELETE FROM books",
        "UPDATE books SET description = ''",
        "UPDATE books SET run_id = ''",
        "ALTER TABLE facts DISABLE TRIGGER ALL",
        "DROP TABLE facts CASCADE",
        "UPDATE schema_version SET version_num = '9'",
        "CREATE TABLE mine (number int)",
        "DELETE FROM market.series",
        "UPDATE market.revisions SET v1 = 0",
        "UPDATE instruments SET reason = ''",
        "DELETE FROM instruments",
    ],
)
def test_the_trader_cannot(traded: Server, statement: str) -> None:
    with pytest.raises(UserError, match=r"(permission denied|must be owner).*main\.py db roles"):
        sql(traded.trader, statement)


def test_the_reader_reads_everything_and_writes_nothing(server: Server, tmp_path: Path) -> None:
    facts = finish(server.trader, history(tmp_path, 200))
    fill_market(server.trader)
    assert facts_hash(server.reader, None) == facts
    assert audit(server.reader, None).is_clean
    assert len(list_books(server.reader)) == 1
    with open_market(server.reader) as store:
        assert len(store.read_bars("XAUUSD", "M1", source="gold.csv")) == 4000
        with pytest.raises(UserError, match="permission denied"):
            store.write_bars("XAUUSD", "M1", "gold.csv", bars(10))
    with open_books(server.reader) as database:
        for view in ("v_orders", "v_fills", "v_positions", "v_account"):
            assert database.rows(f"SELECT count(*) FROM {view}")[0][0] > 0
        with pytest.raises(UserError, match="permission denied"):
            Books(database).open("run", "paper", "replay", "{}", 1)


@pytest.mark.parametrize("role", ["trader", "reader"])
def test_whoever_may_not_migrate_says_who_must(server: Server, role: str) -> None:
    downgrade(server.owner, "market:0003", force=False)
    said = rf"has schema market:0003 .*; its owner {server.prefix}_owner has to run main\.py db upgrade --db postgresql://{server.prefix}_owner@"
    with pytest.raises(UserError, match=said):
        open_market(server.of(role))
    upgrade(server.owner, None)
    with open_market(server.of(role)) as store:
        assert store.read_bars("XAUUSD", "M1").at.tolist() == []


def test_a_database_without_tables_says_who_must_make_them(empty: Server) -> None:
    with pytest.raises(UserError, match=r"has no tables yet, .* main\.py db upgrade --db"):
        open_books(empty.trader)
    assert [part.schema for part in status(empty.trader)] == [None, None]


def test_tables_an_administrator_made_are_handed_to_the_owner(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = Server(new_url("postgresql", request, tmp_path_factory))
    upgrade(server.admin, None)
    server.grant(server.admin)
    downgrade(server.owner, "market:base", force=False)
    downgrade(server.owner, "books:base", force=False)
    upgrade(server.owner, None)


def test_the_owner_is_copied_to_and_the_trader_goes_on(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, local = history(tmp_path), f"sqlite:///{tmp_path}/books.db"
    play(local, file, 700)
    monkeypatch.setattr(copying, "_finish", lambda targets: None)
    copy(local, server.owner, quiet)
    monkeypatch.undo()
    with pytest.raises(UserError, match="not finished"):
        open_books(server.trader)
    assert copy(local, server.owner, quiet).is_clean
    assert finish(server.trader, file) == finish(local, file)


def test_the_reader_may_copy_what_it_reads(server: Server, tmp_path: Path) -> None:
    play(server.trader, history(tmp_path), 300)
    fill_market(server.trader)
    assert copy(server.reader, f"sqlite:///{tmp_path}/copy.db", quiet).is_clean


def test_another_program_or_user_is_not_let_in(traded: Server) -> None:
    sql(traded.admin, f"CREATE ROLE {traded.prefix}_stranger LOGIN")
    with pytest.raises(UserError, match="permission denied for database"):
        open_books(traded.of("stranger"))


def test_the_sql_may_be_run_as_often_as_one_likes(traded: Server) -> None:
    for user in (traded.admin, traded.owner, traded.admin):
        traded.grant(user)


def test_the_sql_holds_no_password_and_names_no_user(traded: Server) -> None:
    text = roles(traded.admin, "nicegold")
    assert not re.search(r"PASSWORD|tester", text)


@pytest.mark.parametrize("prefix", ["", "Gold", "gold; DROP TABLE facts", 'gold"', "1gold"])
def test_a_prefix_that_is_no_name_is_refused(traded: Server, prefix: str) -> None:
    with pytest.raises(UserError, match="is no name for roles"):
        roles(traded.admin, prefix)


def test_sqlite_has_no_roles(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="knows no users"):
        roles(f"sqlite:///{tmp_path}/books.db", "nicegold")


def test_the_owner_erases_what_the_trader_cannot_and_the_reader_verifies(server: Server) -> None:
    with open_books(server.trader) as database:
        book = kept(database, None)
        with pytest.raises(UserError, match="db roles"):
            erase(database, book, 99, "asked for")
    with open_books(server.owner) as database:
        assert erase(database, book, 99, "asked for").facts == PERSONAL
    with open_books(server.reader) as database:
        assert verify(database, book.id, None).erased == PERSONAL
