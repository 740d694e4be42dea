"""The audit finds what does not agree, and says it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.core.errors import StoreError
from engine.domain import facts as f
from engine.domain.facts import Fact, Record, canonical
from engine.storage.audit import audit_books
from engine.storage.database import Database, open_books
from tests.engine.storage.conftest import new_book
from tests.engine.storage.money import Dealing
from tests.engine.storage.test_views import written


@pytest.fixture
def own_books(url: str) -> Iterator[Database]:
    """Books that a test may spoil."""
    with open_books(url) as opened:
        yield opened


def round_trip() -> Dealing:
    """Gold bought, held over a night, and sold through zero."""
    dealing = Dealing()
    dealing.take(f.AccountOpened("paper", "USD", 10**10))
    dealing.take(f.InstrumentListed("XAUUSD", "0.01", "0.01", "100", "USD", 10_000))
    dealing.deal("XAUUSD", "buy", 190_000, 3, 100)
    dealing.take(f.FinancingCharged("XAUUSD", 3, 1, 360_000))
    dealing.deal("XAUUSD", "sell", 190_050, 5, 100)
    return dealing


def audited(database: Database, facts: list[Fact]) -> str:
    """All that the audit of a book with these facts has to say."""
    return "\n".join(audit_books(database, written(database, facts)).differences)


def test_sound_books_pass_and_are_counted(database: Database) -> None:
    report = audit_books(database, written(database, round_trip().facts))
    assert report.is_clean
    assert (report.facts, report.orders, report.fills, report.positions) == (11, 2, 2, 1)


def test_empty_books_pass(database: Database) -> None:
    assert audit_books(database, new_book(database).id).is_clean


def test_a_book_that_does_not_exist_is_said(database: Database) -> None:
    with pytest.raises(StoreError, match="no book 12345678"):
        audit_books(database, 12_345_678)


def test_a_position_that_its_fills_do_not_make_is_found(database: Database) -> None:
    facts = round_trip().facts
    facts[-1] = f.PositionChanged("XAUUSD", "x-2", -2, -380_100, 1_500_001, 2)
    said = audited(database, facts)
    assert "XAUUSD after x-2 has (quantity, basis, realised) (-2, -380100, 1500001)" in said
    assert "v_positions XAUUSD: realised is 1500001, the facts make it 1500000" not in said.splitlines()[0]
    assert "v_account paper: realised is 1500001" in said


def test_a_fill_that_never_reached_a_position_is_found(database: Database) -> None:
    assert "execution x-2 was never booked to a position" in audited(database, round_trip().facts[:-1])


def test_a_position_without_a_fill_is_found(database: Database) -> None:
    facts: list[Fact] = [*round_trip().facts, f.PositionChanged("XAUUSD", "x-9", 0, 0, 0, 2)]
    assert "no fill stands behind execution x-9" in audited(database, facts)


def test_an_execution_booked_twice_is_found(database: Database) -> None:
    facts = round_trip().facts
    facts += facts[-2:]
    assert "execution x-2 is booked twice" in audited(database, facts)


def test_a_fill_of_an_instrument_nobody_listed_is_found(database: Database) -> None:
    facts = [fact for fact in round_trip().facts if not isinstance(fact, f.InstrumentListed)]
    assert "XAUUSD was filled before it was listed" in audited(database, facts)


def test_an_order_the_state_table_forbids_is_found(database: Database) -> None:
    facts: list[Fact] = [*round_trip().facts, f.OrderSent("order-1"), f.OrderSent("order-7")]
    said = audited(database, facts)
    assert "order order-1 is FILLED; OrderSent cannot happen to it" in said
    assert "order order-7 is not known" in said


def test_a_gap_in_the_facts_is_found(database: Database) -> None:
    book_id = written(database, [f.DayStarted(1)])
    _insert(database, book_id, Record(3, 1, 10, f.DayStarted(2)), "DayStarted")
    said = audit_books(database, book_id).differences
    assert "fact 3 follows fact 1" in said
    assert "the book stands at fact 1, step 1; its facts end at fact 3, step 1" in said


def test_columns_that_contradict_their_line_are_found(database: Database) -> None:
    book_id = written(database, [f.DayStarted(1)])
    _insert(database, book_id, Record(2, 1, 10, f.DayStarted(2)), "ModeChanged")
    assert "fact 2: its columns and its line disagree" in audit_books(database, book_id).differences


def test_a_step_that_goes_back_is_found(database: Database) -> None:
    book_id = written(database, [f.DayStarted(1), f.DayStarted(2)])
    _insert(database, book_id, Record(3, 1, 10, f.DayStarted(2)), "DayStarted")
    assert "fact 3: step 1 comes after step 2" in audit_books(database, book_id).differences


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"kind":"Invented","seq":2,"step":1,"at":10}', "fact 2 cannot be read: 'Invented'"),
        ('{"kind":"DayStarted","seq":2,"step":1,"at":10,"equity":1}', "fact 2: its line is not the canonical one"),
        ("not json", "fact 2 cannot be read"),
    ],
)
def test_a_line_that_is_not_ours_is_found(database: Database, line: str, said: str) -> None:
    book_id = written(database, [f.DayStarted(1)])
    database.rows(
        "INSERT INTO facts (book_id, seq, step, at, kind, fact) VALUES (?, 2, 1, 10, 'DayStarted', ?)",
        (book_id, line),
    )
    assert said in "\n".join(audit_books(database, book_id).differences)


@pytest.mark.parametrize(
    ("view", "columns", "said"),
    [
        (
            "v_positions",
            "1 AS book_id, 'XAUUSD' AS symbol, 1 AS quantity, 2 AS basis, 3 AS realised, 4 AS costs",
            "quantity is 1",
        ),
        (
            "v_positions",
            "1 AS book_id, 'XAGUSD' AS symbol, 1 AS quantity, 2 AS basis, 3 AS realised, 4 AS costs",
            "no fact behind",
        ),
        ("v_positions", "0 AS book_id, '' AS symbol, 1 AS quantity, 2 AS basis, 3 AS realised, 4 AS costs", "is missing"),
    ],
)
def test_a_view_that_says_something_else_is_found(own_books: Database, view: str, columns: str, said: str) -> None:
    book_id = written(own_books, round_trip().facts)
    assert book_id == 1
    own_books.rows("DROP VIEW v_positions")
    own_books.rows(f"CREATE VIEW {view} AS SELECT {columns}")
    assert said in "\n".join(audit_books(own_books, book_id).differences)


def _insert(database: Database, book_id: int, record: Record, kind: str) -> None:
    database.rows(
        "INSERT INTO facts (book_id, seq, step, at, kind, fact) VALUES (?, ?, ?, ?, ?, ?)",
        (book_id, record.seq, record.step, record.at, kind, canonical(record)),
    )
