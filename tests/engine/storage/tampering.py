"""Changing books past the program, as somebody could who may do anything to the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from engine.domain import facts as f
from engine.domain.facts import Fact
from engine.storage.books import BookRow, Books
from engine.storage.database import Database
from engine.storage.journal import SqlJournal
from engine.storage.link import Link

KEY = bytes(range(32))
FACTS: tuple[Fact, ...] = (
    f.AccountOpened("U1234567", "USD", 10**10),
    f.IntentReceived('{"kind":"VetoCard","reason":"my wife says no","signal":"s1"}', "window"),
    f.CardDecided("s1", "vetoed", "my wife says no", 0),
    f.DayStarted(10**10, 10**10),
    f.TradingStateChanged("HALTED", "owner", "I am off to Würzburg"),
    f.TradingStateChanged("ACTIVE", "day loss", "the day's loss is 2 %"),
    f.ModeChanged("AUTO"),
    f.DayStarted(10**10, 10**10),
)
PERSONAL = (1, 2, 3, 5)
"""Which of them hold what is personal."""

_numbers = iter(range(1, 10**6))


def kept(database: Database, key: bytes | None, facts: Sequence[Fact] = FACTS) -> BookRow:
    """A book with these facts, two a step."""
    books = Books(database)
    number = next(_numbers)
    book = books.open(f"run {number}", "U1234567", "live", '{"account":"U1234567"}', number)
    with closing(SqlJournal(database, book.id, key)) as journal:
        for place, fact in enumerate(facts):
            journal.append(place // 2 + 1, place, fact)
            if place % 2:
                journal.commit(place // 2 + 1, place)
        journal.commit(len(facts), len(facts))
    found = books.get(book.id)
    assert found is not None
    return found


@contextmanager
def unguarded(database: Database) -> Iterator[Link]:
    """A connection past the triggers; they stand again afterwards."""
    link = database.link()
    guards = []
    if database.is_sqlite:
        guards = link.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    try:
        for name, _ in guards:
            link.rows(f"DROP TRIGGER {name}")
        if not database.is_sqlite:
            link.rows("SET session_replication_role = replica")
        yield link
        for _, sql in guards:
            link.rows(sql)
    finally:
        link.close()


def tamper(database: Database, sql: str, values: Sequence[Any] = ()) -> None:
    """Runs a statement past the triggers."""
    with unguarded(database) as link:
        link.rows(sql, values)
