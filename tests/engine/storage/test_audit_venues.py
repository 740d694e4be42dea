"""Books of a venue outside this process: what was lost, corrected and adopted adds up in the views and in the audit."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.storage.audit import audit_books
from engine.storage.database import Database
from engine.storage.journal import SqlJournal
from tests.engine.execution.counter import Line
from tests.engine.execution.test_reconciliation_lost import History
from tests.engine.rig import FREE_GOLD
from tests.engine.storage.conftest import new_book
from tests.engine.storage.money import listed

TERMS = ("XAUUSD", "buy", "limit", 5, "entry", 190_000, None, "GTC", None, False, "", "", "")


def audited(database: Database, facts: list[Fact]) -> tuple[str, ...]:
    """What the audit finds in a new book of these facts."""
    book = new_book(database)
    with closing(SqlJournal(database, book.id)) as journal:
        for step, fact in enumerate(facts, start=1):
            journal.append(step, step * 10, fact)
        journal.commit(len(facts), len(facts) * 10)
    return audit_books(database, book.id).differences


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000_000))
def test_a_book_that_was_reconciled_again_and_again_is_whole(database: Database, seed: int) -> None:
    history = History(seed)
    for _ in range(40):
        history.happen()
        if history.rng.random() < 0.2:
            history.line.look()
    history.settle()
    assert audited(database, [record.fact for record in history.line.journal.kept]) == ()


def test_adopted_positions_cash_and_later_commissions_add_up(database: Database) -> None:
    line = Line()
    line.counter.held, line.counter.average = 5, Decimal("1999.995")
    line.counter.rest("", "buy", 10, limit=199_000)
    for _ in range(3):
        line.look()
    line.counter.fill("P1", 4, 199_000, commission=None)
    line.look()
    line.counter.correct(0, 3, 199_010)
    line.look()
    assert {type(record.fact) for record in line.journal.kept} >= {
        f.PositionAdopted,
        f.CashAdopted,
        f.OrderAdopted,
        f.FillCorrected,
    }
    assert audited(database, [record.fact for record in line.journal.kept]) == ()


def test_a_fill_that_was_corrected_twice_and_charged_shows_its_last_word(database: Database) -> None:
    facts: list[Fact] = [
        f.AccountOpened("twice", "USD", 10**9),
        listed(FREE_GOLD),
        f.OrderIntended("o1", *TERMS),
        f.OrderSent("o1"),
    ]
    ledger = Line().line.ledger
    for fact in (
        f.OrderFilled("o1", "twice.01", "XAUUSD", "buy", 190_000, 5, 7),
        f.CommissionCharged("o1", "twice.01", "XAUUSD", 3),
        f.FillCorrected("o1", "twice.02", "twice.01", "XAUUSD", "buy", 190_010, 4, 10),
        f.FillCorrected("o1", "twice.02", "twice.02", "XAUUSD", "buy", 190_020, 5, 11),
        f.CommissionCharged("o1", "twice.02", "XAUUSD", 2),
    ):
        change = ledger.correction(fact) if isinstance(fact, f.FillCorrected) else None
        change = ledger.change(fact) if isinstance(fact, f.OrderFilled) else change
        ledger.apply(fact)
        facts.append(fact)
        if change is not None:
            ledger.apply(change)
            facts.append(change)
    assert audited(database, facts) == ()
    (fill,) = database.rows(
        "SELECT execution, price, quantity, commission FROM v_fills WHERE execution IN ('twice.01', 'twice.02')"
    )
    assert tuple(fill) == ("twice.02", 190_020, 5, 13)
    (account,) = database.rows("SELECT costs, fills FROM v_account WHERE account = 'twice'")
    assert tuple(account) == (ledger.costs, 1) == (13, 1)


def test_an_execution_that_is_corrected_and_was_never_booked_is_a_difference(database: Database) -> None:
    correction = f.FillCorrected("o1", "twice.02", "twice.01", "XAUUSD", "buy", 190_010, 4, 10)
    found = audited(database, [f.OrderIntended("o1", *TERMS), f.OrderSent("o1"), correction])
    assert any("was never booked, so it cannot be corrected" in each for each in found)
