"""What a PostgreSQL server may do to us, and what is said of it: one sentence, never a password."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from app.cli import run
from engine.core.errors import StoreError, UserError
from engine.services.bookkeeping import audit
from engine.services.databases import timescale, upgrade, use_timescale
from engine.session import open_session
from engine.storage.books import Books
from engine.storage.copying import copy_database
from engine.storage.database import Database, locate, open_books
from engine.storage.instruments import InstrumentVersions
from engine.storage.link import PostgresLink, shown
from engine.storage.market import open_market
from engine.storage.timescale import CHUNK, MAKE
from tests.engine.storage.conftest import new_url
from tests.engine.storage.sessions import end, finish, history, play, request
from tests.engine.storage.test_copying import quiet
from tests.engine.storage.test_market import assert_same, bars
from tests.postgres import Server, server

pytestmark = pytest.mark.xdist_group("postgres")

SECRET = "hunter2secret"


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be restarted under nobody else's feet."""
    with server() as started:
        yield started


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return new_url("postgresql", request, tmp_path_factory)


def admin(url: str, *statements: str) -> None:
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]  # psycopg wants a literal; the statement is ours


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def test_a_session_ends_when_its_server_restarts_and_goes_on_after(own: Server, tmp_path: Path) -> None:
    file = history(tmp_path)
    with closing(open_session(request(own.url, file))) as session:
        session.play(most=700)
        own.restart()
        with pytest.raises(StoreError, match=r"step \d+ could not be written: .*(terminating connection|connection .*closed)"):
            session.play()
    with closing(open_session(request(own.url, file))) as again:
        assert again.resumed
        assert end(again) == finish(f"sqlite:///{tmp_path}/books.db", file)
        assert audit(own.url, again.book.id).is_clean


def test_a_server_that_vanished_without_a_word_is_given_up_by_the_system(database_url: str) -> None:
    with open_books(database_url) as database, closing(database.link()) as link:
        assert isinstance(link, PostgresLink)
        asked = link.raw.info.get_parameters()
        assert (asked["keepalives_idle"], asked["tcp_user_timeout"]) == ("10", "15000")


def test_the_store_finds_its_server_again_after_a_restart(own: Server) -> None:
    with open_market(own.url) as store:
        store.write_bars("XAUUSD", "M1", "a", bars(100))
        own.restart()
        with pytest.raises(StoreError, match="did not take or give"):
            store.read_bars("XAUUSD", "M1")
    with open_market(own.url) as store:
        assert_same(store.read_bars("XAUUSD", "M1"), bars(100))


def test_a_database_that_is_missing_says_how_to_make_it(postgres_url: str) -> None:
    with pytest.raises(UserError, match="there is no database gold; make it with createdb --encoding UTF8"):
        open_books(postgres_url.rpartition("/")[0] + "/gold")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_refused(postgres_url: str, encoding: str) -> None:
    name = f"books_{encoding.lower()}"
    admin(postgres_url, f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(UserError, match=f"its encoding is {encoding}, .* createdb --encoding UTF8"):
        open_books(f"{postgres_url.rpartition('/')[0]}/{name}")


def turkish(postgres_url: str, name: str) -> str:
    """A database that orders its texts as Turkish does."""
    turkish = "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C' TEMPLATE template0"
    admin(postgres_url, f"CREATE DATABASE {name} {turkish}")
    return f"{postgres_url.rpartition('/')[0]}/{name}"


def test_a_copy_does_not_mind_how_a_server_orders_texts(postgres_url: str, tmp_path: Path) -> None:
    first, last = f"sqlite:///{tmp_path}/first.db", f"sqlite:///{tmp_path}/last.db"
    with open_books(first) as database:
        for symbol in ("i", "I", "ı", "İ", "XAUUSD@ib", "xauusd", "ทองคำ"):
            InstrumentVersions(database).add(symbol, 0, 1, "{}", "aa", "as it is", 1)
    server = turkish(postgres_url, "copied_turkish")
    assert copy_database(first, server, quiet).tables == copy_database(server, last, quiet).tables


def test_another_locale_changes_neither_facts_nor_order(postgres_url: str, tmp_path: Path) -> None:
    url, file = turkish(postgres_url, "turkish"), history(tmp_path)
    assert finish(url, file) == finish(f"sqlite:///{tmp_path}/books.db", file)
    with open_market(url) as store:
        for source, close in (("i", 1.0), ("I", 2.0), ("ı", 3.0), ("İ.csv", 4.0)):
            store.write_bars("XAUUSD", "M1", source, bars(10, seed=int(close)))
        assert [series.source for series in store.coverage()] == ["I", "i", "İ.csv", "ı"]
        assert_same(store.read_bars("XAUUSD", "M1"), bars(10, seed=2))


def test_a_client_of_another_encoding_keeps_every_name(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with open_market(database_url) as store:
        store.write_bars("XAUUSD", "M1", "ทองคำ.csv", bars(10))
        assert [series.source for series in store.coverage()] == ["ทองคำ.csv"]


def test_a_server_that_only_reads_is_read_and_says_so_when_written_to(database_url: str, tmp_path: Path) -> None:
    file = history(tmp_path, 200)
    play(database_url, file, 200)
    admin(database_url, f"ALTER DATABASE {name_of(database_url)} SET default_transaction_read_only = on")
    assert audit(database_url, 1).is_clean
    with pytest.raises(StoreError, match=r"read-only transaction; the server only reads, as a standby does; give the URL"):
        finish(database_url, file)
    with open_books(database_url) as database, pytest.raises(UserError, match="only reads"):
        Books(database).open("run", "paper", "replay", "{}", 1)


def test_an_empty_server_that_only_reads_cannot_be_made_ready(database_url: str) -> None:
    admin(database_url, f"ALTER DATABASE {name_of(database_url)} SET default_transaction_read_only = on")
    with pytest.raises(UserError, match=r"could not be migrated to schema head: .*; the server only reads"):
        open_books(database_url)


@pytest.mark.parametrize("user", ["keeper", f"keeper:{SECRET}", f"keeper:{SECRET}%40x%2Fy%3Fz"])
def test_a_wrong_password_is_refused_without_being_printed(
    database_url: str, user: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path))
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    admin(database_url, "DROP ROLE IF EXISTS keeper", "CREATE ROLE keeper LOGIN PASSWORD 'right'")
    assert run(["export", "books", "--db", database_url.replace("tester@", f"{user}@")]) == 2
    said = capsys.readouterr()
    assert "the server refused this user and password; mend them in the URL" in said.err
    assert said.err.count("\n") == 1
    assert SECRET not in said.err + said.out


def test_the_right_password_is_taken_with_every_sign_in_it(database_url: str) -> None:
    admin(database_url, "DROP ROLE IF EXISTS keeper", "CREATE ROLE keeper LOGIN SUPERUSER PASSWORD 'a@b/c?d:e%f&g'")
    url = database_url.replace("tester@", "keeper:a%40b%2Fc%3Fd%3Ae%25f&g@")
    with open_books(url) as database:
        assert database.place.name == database_url.replace("tester@", "")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{SECRET}/x@host/books",
        f"postgresql://me:x/{SECRET}@host/books",
        f"postgresql://me:{SECRET}@x@host/books",
        f"postgresql://me:x@{SECRET}@host/books",
        f"postgresql://me:x?{SECRET}@host/books",
        f"postgresql://me:{SECRET}?x=y@host/books",
        f"postgresql://me:x#{SECRET}@host/books",
        f"postgresql://me:{SECRET}#x@host/books",
        f"postgresql://me:%zz{SECRET}@host/books",
        f"postgresql://host:{SECRET}/books",
        f"postgresql://127.0.0.1:1/books?password=%zz{SECRET}",
        f"postgresql://127.0.0.1:1/books?password={SECRET}@x",
        f"postgresql://127.0.0.1:1/books?{SECRET}=1",
        f"mysql://me:{SECRET}?@host/books",
    ],
)
def test_a_password_that_spoils_its_url_is_not_printed_either(url: str) -> None:
    with pytest.raises(UserError) as caught:
        open_books(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in shown(url)


def test_what_the_url_asks_of_tls_reaches_the_server(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="server does not support SSL"):
        open_books(f"{database_url}?sslmode=require")
    with open_books(f"{database_url}?sslmode=prefer&application_name=gold") as database:
        assert database.rows("SELECT current_setting('application_name')") == [("gold",)]


def test_tls_is_spoken_and_the_servers_name_checked_as_the_url_says(own: Server, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, so the server has no certificate to show")
    make = (
        "cat > /dev/null; openssl req -new -x509 -days 2 -nodes -out server.crt -keyout server.key -subj /CN=gold "
        "-addext subjectAltName=IP:127.0.0.1 2> /dev/null"
    )
    admin(own.url, f"COPY (SELECT 1) TO PROGRAM '{make}'", "ALTER SYSTEM SET ssl = on")
    own.restart()
    with psycopg.connect(own.url) as connection:
        certificate = connection.execute("SELECT pg_read_file('server.crt')").fetchone()
    assert certificate is not None
    (tmp_path / "root.crt").write_text(certificate[0])
    checked = f"{own.url}?sslmode=verify-full&sslrootcert={tmp_path}/root.crt"
    with open_books(checked) as database:
        assert database.rows("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == [(True,)]
    with pytest.raises(UserError, match="does not match host name"):
        open_books(checked.replace("127.0.0.1", "localhost"))
    with pytest.raises(UserError, match=r"root certificate file .* does not exist"):
        open_books(f"{own.url}?sslmode=verify-full&sslrootcert={tmp_path}/none.crt")


def test_a_server_without_timescale_is_known_and_nothing_needs_it(database_url: str, tmp_path: Path) -> None:
    upgrade(database_url, None)
    assert timescale(database_url) == "absent"
    with pytest.raises(UserError, match="has no TimescaleDB; nothing needs it"):
        use_timescale(database_url)
    assert timescale(f"sqlite:///{tmp_path}/books.db") is None
    with pytest.raises(UserError, match="is for PostgreSQL"):
        use_timescale(f"sqlite:///{tmp_path}/books.db")


def test_the_blocks_are_as_a_hypertable_asks_for(database_url: str) -> None:
    """Every unique index has the time in it, nothing refers to the table, and the time is a bigint that is never missing."""
    upgrade(database_url, None)
    assert "'market.blocks', 'start'" in MAKE
    with Database(locate(database_url)) as database:
        keys = database.rows(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'market.blocks'::regclass AND indisunique"
        )
        assert keys
        assert all("start" in key for (key,) in keys)
        assert database.rows("SELECT count(*) FROM pg_constraint WHERE confrelid = 'market.blocks'::regclass") == [(0,)]
        column = "SELECT format_type(atttypid, -1), attnotnull FROM pg_attribute WHERE attrelid = 'market.blocks'::regclass"
        assert database.rows(f"{column} AND attname = 'start'") == [("bigint", True)]


def test_the_call_fits_what_timescale_declares(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a stand-in with the arguments that TimescaleDB 2.27 declares; whether it does its work is not seen here."""
    upgrade(database_url, None)
    with Database(locate(database_url)) as database:
        database.rows("CREATE TABLE called (relation regclass, time_column name, span bigint, moves boolean)")
        database.rows(
            "CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, partitioning_column name = NULL, "
            "number_partitions int = NULL, associated_schema_name name = NULL, associated_table_prefix name = NULL, "
            "chunk_time_interval anyelement = NULL::bigint, create_default_indexes bool = true, if_not_exists bool = false, "
            "partitioning_func regproc = NULL, migrate_data bool = false, chunk_target_size text = NULL, "
            "chunk_sizing_func regproc = NULL, time_partitioning_func regproc = NULL) RETURNS int LANGUAGE sql AS "
            "'INSERT INTO called VALUES ($1, $2, $7::bigint, $11) RETURNING 1'"
        )
        monkeypatch.setattr("engine.storage.timescale.state", lambda _: "installed")
        use_timescale(database_url)
        assert database.rows("SELECT relation::text, time_column::text, span, moves FROM called") == [
            ("market.blocks", "start", CHUNK, True)
        ]
