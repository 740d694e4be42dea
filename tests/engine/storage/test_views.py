"""The views say what replaying the facts says."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.domain.order import Order, State
from engine.storage.audit import audit_books
from engine.storage.database import Database
from engine.storage.journal import SqlJournal
from tests.engine.storage.conftest import new_book
from tests.engine.storage.money import Dealing, dealings
from tests.engine.storage.orders import Life, every_life, lives

shared = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

TERMS = ("XAUUSD", "buy", "limit", 5, "entry", 190_000, None, "GTC", None, False, "", "", "")


def written(database: Database, facts: Iterable[Fact]) -> int:
    """A new book with these facts, one a step; its number."""
    book = new_book(database)
    with closing(SqlJournal(database, book.id)) as journal:
        for step, fact in enumerate(facts, start=1):
            journal.append(step, step * 10, fact)
            journal.commit(step, step * 10)
    return book.id


def row(database: Database, view: str, book_id: int, *names: str) -> tuple[Any, ...]:
    (found,) = database.rows(f"SELECT {', '.join(names)} FROM {view} WHERE book_id = ?", (book_id,))
    return tuple(found)


def test_v_orders_agrees_with_the_state_table_on_every_sequence_of_five_facts(database: Database) -> None:
    lived = list(every_life(5))
    assert {life.order.state for life in lived} == set(State) - {State.DRAFT}
    book = new_book(database)
    with closing(SqlJournal(database, book.id)) as journal:
        for fact in (fact for life in lived for fact in life.facts):
            journal.append(1, 10, fact)
        journal.commit(1, 10)
    assert _shown(database, book.id) == {life.order.id: _told(life.order) for life in lived}


@shared
@given(data=st.data())
def test_v_orders_agrees_with_the_state_table_on_orders_whose_facts_mix(database: Database, data: st.DataObject) -> None:
    drawn: list[Life] = [data.draw(lives(f"order-{number}")) for number in range(data.draw(st.integers(1, 6)))]
    queue = [life.facts.copy() for life in drawn]
    facts: list[Fact] = []
    while any(queue):
        facts.append(data.draw(st.sampled_from([waiting for waiting in queue if waiting])).pop(0))
    book_id = written(database, facts)
    assert _shown(database, book_id) == {life.order.id: _told(life.order) for life in drawn}


def _shown(database: Database, book_id: int) -> dict[str, tuple[Any, ...]]:
    columns = "order_id, state, quantity, limit_price, stop_price, filled, filled_value, reason"
    rows = database.rows(f"SELECT {columns} FROM v_orders WHERE book_id = ?", (book_id,))
    return {name: tuple(values) for name, *values in rows}


def _told(order: Order) -> tuple[Any, ...]:
    return order.state.value, order.quantity, order.limit, order.stop, order.filled, order.filled_value, order.reason


def test_an_order_shows_its_terms_and_when_it_was_placed_and_changed(database: Database) -> None:
    terms = f.OrderIntended("o1", "XAUUSD", "sell", "stop", 5, "stop", None, 190_000, "GTC", None, True, "parent", "oco", "s1")
    book_id = written(database, [f.DayStarted(1), terms, f.OrderSent("o1")])
    names = ("order_id", "symbol", "side", "type", "role", "tif", "parent", "oco", "signal", "placed_at", "changed_at")
    assert row(database, "v_orders", book_id, *names) == (
        ("o1", "XAUUSD", "sell", "stop", "stop", "GTC", "parent", "oco", "s1", 20, 30)
    )  # fmt: skip


def test_a_fill_shows_its_commission_and_what_it_realised(database: Database) -> None:
    filled = f.OrderFilled("o1", "x1", "XAUUSD", "buy", 190_010, 5, 175_000)
    changed = f.PositionChanged("XAUUSD", "x1", 0, 0, -123_456_789_012, 4)
    book_id = written(database, [f.OrderIntended("o1", *TERMS), f.OrderSent("o1"), filled, changed])
    names = ("at", "order_id", "execution", "symbol", "side", "price", "quantity", "commission", "realised", "trade")
    assert row(database, "v_fills", book_id, *names) == (
        (30, "o1", "x1", "XAUUSD", "buy", 190_010, 5, 175_000, -123_456_789_012, 4)
    )  # fmt: skip


def test_a_position_shows_its_last_change_and_all_it_brought_and_cost(database: Database) -> None:
    facts: list[Fact] = [
        f.OrderFilled("o1", "x1", "XAUUSD", "buy", 190_010, 5, 100),
        f.PositionChanged("XAUUSD", "x1", 5, 950_050, 0, 1),
        f.FinancingCharged("XAUUSD", 5, 1, -30),
        f.OrderFilled("o2", "x2", "XAUUSD", "sell", 190_020, 2, 100),
        f.PositionChanged("XAUUSD", "x2", 3, 570_030, 20, 1),
    ]
    book_id = written(database, facts)
    names = ("symbol", "quantity", "basis", "realised", "costs")
    assert row(database, "v_positions", book_id, *names) == ("XAUUSD", 3, 570_030, 20, 170)


def test_the_account_adds_up_and_counts(database: Database) -> None:
    facts: list[Fact] = [
        f.AccountOpened("paper", "USD", 10**10),
        f.OrderDenied("o0", *TERMS, "too big", ("position",), 0),
        f.OrderIntended("o1", *TERMS),
        f.OrderSent("o1"),
        f.OrderFilled("o1", "x1", "XAUUSD", "buy", 190_010, 5, 100),
        f.PositionChanged("XAUUSD", "x1", 5, 950_050, 7, 1),
    ]
    book_id = written(database, facts)
    names = ("account", "currency", "opening", "realised", "costs", "cash", "orders", "denied", "fills")
    assert row(database, "v_account", book_id, *names) == ("paper", "USD", 10**10, 7, 100, 10**10 - 93, 1, 1, 1)


def test_a_book_without_facts_shows_nothing(database: Database) -> None:
    book = new_book(database)
    for view in ("v_orders", "v_fills", "v_positions", "v_account"):
        assert database.rows(f"SELECT * FROM {view} WHERE book_id = ?", (book.id,)) == []


@shared
@given(dealing=dealings())
def test_positions_and_account_agree_with_the_ledger_after_any_fills(database: Database, dealing: Dealing) -> None:
    book_id = written(database, dealing.facts)
    report = audit_books(database, book_id)
    assert report.differences == ()
    assert (report.facts, report.fills) == (len(dealing.facts), dealing.fills)
    names = ("realised", "costs", "cash")
    ledger = dealing.ledger
    assert row(database, "v_account", book_id, *names) == (ledger.realised, ledger.costs, ledger.cash)
    held = {
        symbol: (quantity, basis)
        for symbol, quantity, basis in database.rows(
            "SELECT symbol, quantity, basis FROM v_positions WHERE book_id = ?", (book_id,)
        )
    }
    assert held == {symbol: (holding.quantity, holding.basis) for symbol, holding in ledger.holdings.items()}
