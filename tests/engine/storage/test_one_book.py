"""A book is asked about in time that does not grow with the books beside it."""

from __future__ import annotations

import pytest

from engine.storage.audit import audit_books
from engine.storage.database import Database
from engine.storage.one_book import question
from engine.storage.tables import VIEWS
from tests.engine.storage.conftest import new_book
from tests.engine.storage.test_audit import round_trip
from tests.engine.storage.test_views import written

SEVERAL = 4


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_asked_for_one_book_says_of_it_what_the_view_says(database: Database, view: str) -> None:
    numbers = [written(database, round_trip().facts) for _ in range(SEVERAL)]
    for number in (*numbers, new_book(database).id):
        asked = database.rows(*question(database, view, ["*"], number))
        assert asked == database.rows(f"SELECT * FROM {view} WHERE book_id = ?", (number,))
    assert asked == []


@pytest.mark.parametrize("view", VIEWS)
def test_sqlite_goes_to_no_facts_but_those_of_the_book(database: Database, view: str) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL plans by the sizes of its tables, and reads a small one whole")
    sql, values = question(database, view, ["*"], written(database, round_trip().facts))
    steps = [row[3] for row in database.rows(f"EXPLAIN QUERY PLAN {sql}", values)]
    on_facts = [step for step in steps if "sqlite_autoindex_facts_1" in step]
    assert on_facts
    assert all("(book_id=?" in step for step in on_facts)
    assert [step for step in steps if step.split()[:2] == ["SCAN", "facts"]] == []


def test_an_audit_is_of_its_book_alone(database: Database) -> None:
    numbers = [written(database, round_trip().facts) for _ in range(SEVERAL)]
    for number in numbers:
        report = audit_books(database, number)
        assert (report.is_clean, report.fills, report.positions) == (True, 2, 1)
