"""Opening books: where they are, what schema they have, and what is said when they cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from engine.core.errors import StoreError, UserError
from engine.storage.books import Books
from engine.storage.database import Database, locate, open_books
from engine.storage.market import open_market
from engine.storage.migrate import BOOKS, MARKET, Track, move, version


def test_opening_creates_the_folder_and_the_newest_schema(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "books.db"
    with open_books(str(path)) as database:
        assert path.exists()
        assert version(database, BOOKS) == BOOKS.head
        assert Books(database).list() == []


def test_a_second_opening_finds_what_the_first_wrote(url: str) -> None:
    with open_books(url) as database:
        book = Books(database).open("run", "paper", "replay", "{}", 5)
    with open_books(url) as database:
        assert Books(database).list() == [book]


def test_migrations_go_down_and_up_again(url: str) -> None:
    with open_books(url) as database:
        move(database, BOOKS, "base")
        assert version(database, BOOKS) is None
        with pytest.raises(StoreError, match="books"):
            Books(database).list()
        move(database, BOOKS, "head")
        assert Books(database).list() == []


def test_market_migrations_go_down_and_up_again(url: str) -> None:
    open_market(url).close()
    place = locate(url)
    if place.path is not None:
        place = locate(f"sqlite:///{place.path.with_name('books.market.db')}")
    with Database(place) as database:
        move(database, MARKET, "base")
        assert version(database, MARKET) is None
    with open_market(url) as market:
        assert market.coverage() == []


@pytest.mark.parametrize("track", [BOOKS, MARKET])
def test_the_head_that_is_written_down_is_the_newest_migration(track: Track) -> None:
    assert ScriptDirectory(str(track.folder)).get_heads() == [track.head]


def test_a_schema_newer_than_the_program_is_refused_in_one_sentence(url: str) -> None:
    with open_books(url) as database:
        database.rows("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"has schema 9999 and this program knows only up to"):
        open_books(url)


def test_opening_an_up_to_date_book_imports_neither_alembic_nor_sqlalchemy(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    open_books(str(path)).close()
    program = (
        "import sys; from engine.storage.database import open_books; open_books(sys.argv[1]).close(); "
        "print([name for name in ('alembic', 'sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", program, path], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are notes, not a database\n" * 100)
    with pytest.raises(UserError, match=r"notes\.db cannot be used as a database: file is not a database"):
        open_books(str(path))
    assert path.read_text().startswith("these are notes")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(UserError, match="another program"):
        open_books(str(path))
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot create the folder"):
        open_books(str(tmp_path / "file" / "books.db"))


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "books.db").mkdir()
    with pytest.raises(UserError, match="cannot be used as a database"):
        open_books(str(tmp_path / "books.db"))


@pytest.mark.parametrize("url", ["mysql://root@host/books", "books", "", "sqlite://", "sqlite:///", "postgre://host/books"])
def test_a_url_of_an_unknown_form_is_refused_with_the_known_ones(url: str) -> None:
    with pytest.raises(UserError, match="sqlite:///PATH"):
        open_books(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_a_server_that_does_not_answer_is_named_without_its_password(scheme: str) -> None:
    with pytest.raises(UserError, match=r"postgresql://127\.0\.0\.1:1/books: .*; check the URL") as caught:
        open_books(f"{scheme}://me:secret@127.0.0.1:1/books?sslmode=disable")
    assert "secret" not in str(caught.value)


def test_a_malformed_postgresql_url_is_refused() -> None:
    with pytest.raises(UserError, match="cannot open the database postgresql://"):
        open_books("postgresql://[host/books")


def test_sqlite_waits_for_the_disk_only_when_asked_to(tmp_path: Path) -> None:
    path = str(tmp_path / "books.db")
    with open_books(path) as normal, open_books(path, durability="full") as full:
        assert [row for opened in (normal, full) for row in opened.rows("PRAGMA synchronous")] == [(1,), (2,)]
        assert normal.rows("PRAGMA journal_mode") == [("wal",)]
        assert normal.rows("PRAGMA foreign_keys") == [(1,)]


def test_a_connection_that_was_lost_is_made_anew(url: str) -> None:
    with open_books(url) as database:
        with pytest.raises(StoreError):
            database.rows("SELECT nothing FROM nowhere")
        assert Books(database).list() == []


def test_a_migration_that_fails_leaves_nothing_half_done(server_books: Database) -> None:
    move(server_books, BOOKS, "base")
    server_books.rows("CREATE TABLE facts (theirs bigint)")
    with pytest.raises(StoreError, match="could not be migrated to schema head"):
        open_books(server_books.place.url)
    assert server_books.rows("SELECT to_regclass('books')") == [(None,)]
