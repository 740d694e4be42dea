"""Every storage test runs on SQLite and on a PostgreSQL of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import psycopg
import pytest

from engine.storage.books import BookRow, Books
from engine.storage.database import Database, open_books
from engine.storage.journal import SqlJournal
from tests.postgres import postgres_url

__all__ = ["postgres_url"]

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgres"))]
_numbers = count(1)


def new_url(kind: str, request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> str:
    """A place where no database was opened before."""
    if kind == "sqlite":
        return f"sqlite:///{factory.mktemp('books')}/books.db"
    server: str = request.getfixturevalue("postgres_url")
    name = f"books_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # psycopg wants a literal; the name is ours
    return server.rpartition("/")[0] + f"/{name}"


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an empty database, made for this test."""
    return new_url(request.param, request, tmp_path_factory)


@pytest.fixture(scope="module", params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Open books that the tests of a module share; each test opens a book of its own in them."""
    with open_books(new_url(request.param, request, tmp_path_factory)) as opened:
        yield opened


@pytest.fixture
def server_books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Open books on PostgreSQL, for what only a server can do."""
    with open_books(new_url("postgresql", request, tmp_path_factory)) as opened:
        yield opened


@pytest.fixture
def book(database: Database) -> BookRow:
    return new_book(database)


@pytest.fixture
def journal(database: Database, book: BookRow) -> Iterator[SqlJournal]:
    with closing(SqlJournal(database, book.id)) as opened:
        yield opened


def new_book(database: Database) -> BookRow:
    return Books(database).open("run", "paper", "replay", "{}", 1)
