"""The audit: are the facts whole and in order, and do the views say what the facts add up to?"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import StoreError
from engine.domain.facts import Record, canonical, parse
from engine.domain.order import Order
from engine.storage.books import BookRow, Books
from engine.storage.database import Database
from engine.storage.one_book import question
from engine.storage.rebuild import Rebuilt

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was compared, and a sentence for everything that does not agree."""

    book: BookRow
    facts: int
    orders: int
    fills: int
    positions: int
    differences: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        return not self.differences


def audit_books(database: Database, book_id: int) -> AuditReport:
    """Rebuilds orders, positions and account of a book from its facts and compares them with the views."""
    book = Books(database).get(book_id)
    if book is None:
        raise StoreError(f"{database.place.name} has no book {book_id}")
    differences: list[str] = []
    state, facts = Rebuilt(), 0
    for record in _chain(database, book, differences):
        state.take(record)
        facts += 1
    state.finish()
    differences += state.contradictions
    for view, keys, expected in _expected(state):
        found = _view(database, book_id, view, keys, expected)
        differences += _compare(view, expected, found)
    return AuditReport(book, facts, len(state.orders), len(state.fills), len(state.positions), tuple(differences))


def _chain(database: Database, book: BookRow, differences: list[str]) -> Iterator[Record]:
    """The book's records; gaps, disorder and lines that are not canonical become differences."""
    seq, step = 0, 0
    columns = "SELECT seq, step, at, kind, fact FROM facts WHERE book_id = ? ORDER BY seq"
    for number, *place, kind, line in database.stream(columns, (book.id,)):
        try:
            record = parse(line)
        except (ValueError, KeyError, TypeError) as error:
            differences.append(f"fact {number} cannot be read: {error}")
            seq = number
            continue
        if number != seq + 1:
            differences.append(f"fact {number} follows fact {seq}")
        if [record.seq, record.step, record.at, type(record.fact).__name__] != [number, *place, kind]:
            differences.append(f"fact {number}: its columns and its line disagree")
        if canonical(record) != line:
            differences.append(f"fact {number}: its line is not the canonical one")
        if record.step < step:
            differences.append(f"fact {number}: step {record.step} comes after step {step}")
        seq, step = number, record.step
        yield record
    if seq != book.facts or step > book.cursor:  # the market may have been played past the last fact, never less far
        differences.append(f"the book stands at fact {book.facts}, step {book.cursor}; its facts end at fact {seq}, step {step}")


def _expected(state: Rebuilt) -> Iterator[tuple[str, tuple[str, ...], Mapping[Hashable, Values]]]:
    """For each view its key columns and, by key, what its rows should say."""
    yield "v_orders", ("order_id",), {(name,): _order(order, state.changed[name]) for name, order in state.orders.items()}
    yield "v_fills", ("symbol", "execution"), {
        key: {
            "at": fill.at,
            "order_id": fill.order,
            "side": fill.side,
            "price": fill.price,
            "quantity": fill.quantity,
            "commission": fill.commission,
            "realised": fill.realised,
        }
        for key, fill in state.fills.items()
    }  # fmt: skip
    yield (
        "v_positions",
        ("symbol",),
        {
            (symbol,): {"quantity": held.quantity, "basis": held.basis, "realised": held.realised, "costs": held.costs}
            for symbol, held in state.positions.items()
        },
    )
    yield "v_account", ("account",), _account(state)


def _order(order: Order, changed: int) -> Values:
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": order.quantity,
        "role": order.role.value,
        "limit_price": order.limit,
        "stop_price": order.stop,
        "tif": order.tif.value,
        "parent": order.parent,
        "oco": order.oco,
        "signal": order.signal,
        "state": order.state.value,
        "filled": order.filled,
        "filled_value": order.filled_value,
        "placed_at": order.placed,
        "changed_at": changed,
        "reason": order.reason,
    }


def _account(state: Rebuilt) -> Mapping[Hashable, Values]:
    if state.account is None:
        return {}
    realised = sum(held.realised for held in state.positions.values())
    costs = sum(held.costs for held in state.positions.values())
    opening = state.account.balance + state.adopted
    return {
        (state.account.account,): {
            "currency": state.account.currency,
            "opening": opening,
            "realised": realised,
            "costs": costs,
            "cash": opening + realised - costs,
            "orders": state.intended,
            "denied": state.denied,
            "fills": len(state.fills),
        }
    }


def _view(
    database: Database, book_id: int, view: str, keys: Sequence[str], expected: Mapping[Hashable, Values]
) -> dict[Hashable, Values]:
    """The view's rows by key, with the columns that are expected of it."""
    names = list(next(iter(expected.values()), {}))
    rows = database.rows(*question(database, view, [*keys, *names], book_id))
    return {row[: len(keys)]: dict(zip(names, row[len(keys) :], strict=True)) for row in rows}


def _compare(view: str, expected: Mapping[Hashable, Values], found: Mapping[Hashable, Values]) -> Iterator[str]:
    for key in sorted({*expected, *found}, key=str):
        name = f"{view} {key[-1] if isinstance(key, tuple) else key}"
        if key not in found:
            yield f"{name} is missing from the view"
        elif key not in expected:
            yield f"{name} has no fact behind it"
        else:
            for column, value in expected[key].items():
                if found[key][column] != value:
                    yield f"{name}: {column} is {found[key][column]!r}, the facts make it {value!r}"
