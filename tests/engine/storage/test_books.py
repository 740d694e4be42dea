"""The list of books."""

from __future__ import annotations

from engine.storage.books import Books
from engine.storage.database import Database


def test_every_opening_of_a_run_is_its_next_attempt(database: Database) -> None:
    books = Books(database)
    first = books.open("again", "paper", "replay", '{"seed":7}', 10)
    second = books.open("again", "paper", "replay", '{"seed":7}', 11)
    assert (first.attempt, second.attempt) == (1, 2)
    assert books.find("again") == second


def test_a_new_book_is_open_and_empty(database: Database) -> None:
    book = Books(database).open("fresh", "paper", "replay", '{"seed":7}', 1_600_000_000_000_000_001)
    assert (book.status, book.cursor, book.cursor_at, book.facts, book.summary) == ("open", 0, 0, 0, None)
    assert (book.description, book.created_at) == ('{"seed":7}', 1_600_000_000_000_000_001)
    assert not book.is_finished


def test_the_latest_book_is_the_one_opened_last(database: Database) -> None:
    books = Books(database)
    books.open("early", "paper", "replay", "{}", 99)
    late = books.open("late", "paper", "replay", "{}", 1)
    assert books.latest() == late
    assert books.latest("early") == books.find("early")


def test_a_run_never_opened_is_not_found(database: Database) -> None:
    assert Books(database).find("never") is None
    assert Books(database).get(10**9) is None


def test_a_finished_book_keeps_its_summary(database: Database) -> None:
    books = Books(database)
    book = books.open("done", "paper", "replay", "{}", 1)
    books.finish(book, '{"fills":3}')
    found = books.find("done")
    assert found is not None
    assert found.is_finished
    assert found.summary == '{"fills":3}'


def test_books_are_listed_in_the_order_of_their_opening(database: Database) -> None:
    books = Books(database)
    opened = [books.open(f"listed {number}", "paper", "replay", "{}", 5 - number) for number in range(3)]
    assert books.list()[-3:] == opened
