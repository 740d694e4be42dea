"""The owner's edits of instruments in the books: every one kept, none changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.domain.instrument import INSTRUMENTS
from engine.storage.books import Books
from engine.storage.database import Database, locate, open_books
from engine.storage.instruments import InstrumentVersions, current_version
from engine.storage.migrate import BOOKS, move
from tests.engine.storage.money import Dealing, listed
from tests.engine.storage.test_views import written


def test_each_edit_is_a_version_of_its_own_and_the_last_that_has_begun_is_in_force(url: str) -> None:
    with open_books(url) as database:
        versions = InstrumentVersions(database)
        one = versions.add("XAUUSD", 0, 100, "{}", "aa", "first", 90)
        two = versions.add("XAUUSD", 1, 200, '{"a":1}', "bb", "second", 95)
        other = versions.add("XAUUSD@ib", 0, 100, "{}", "aa", "another profile", 96)
        assert [versions.current("XAUUSD", at) for at in (99, 100, 199, 200)] == [None, one, one, two]
        assert versions.history() == [one, two, other]
        assert versions.history("XAUUSD") == [one, two]
    assert current_version(url, "XAUUSD", 150) == one


def test_a_version_that_another_program_added_meanwhile_is_not_written_over(url: str) -> None:
    with open_books(url) as database:
        versions = InstrumentVersions(database)
        versions.add("XAUUSD", 0, 1, "{}", "aa", "theirs", 1)
        with pytest.raises(UserError, match="XAUUSD was changed by another program meanwhile"):
            versions.add("XAUUSD", 0, 2, "[]", "bb", "ours", 2)
        assert [each.reason for each in versions.history()] == ["theirs"]


def test_books_that_are_not_there_are_not_made_for_the_question(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    assert current_version(str(path), "XAUUSD", 1) is None
    assert not path.exists()


def test_books_of_an_older_program_know_no_edits(url: str) -> None:
    open_books(url).close()
    with Database(locate(url)) as database:
        move(database, BOOKS, "0001")
    assert current_version(url, "XAUUSD", 1) is None


def bought(sold_again: bool) -> list[Fact]:
    dealing = Dealing()
    dealing.take(f.AccountOpened("paper", "USD", 10**11))
    dealing.take(listed(INSTRUMENTS["XAUUSD"]))
    dealing.deal("XAUUSD", "buy", 190_000, 3, 0)
    if sold_again:
        dealing.deal("XAUUSD", "sell", 190_000, 3, 0)
    return dealing.facts


def test_only_unfinished_books_with_a_position_hold_an_instrument(url: str) -> None:
    with open_books(url) as database:
        holding, _, finished = (written(database, bought(sold_again)) for sold_again in (False, True, False))
        (over,) = [book for book in Books(database).list() if book.id == finished]
        Books(database).finish(over, "{}")
        versions = InstrumentVersions(database)
        assert versions.holders("XAUUSD") == [holding]
        assert versions.holders("XAGUSD") == []
