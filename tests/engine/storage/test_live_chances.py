"""A live journal beside a database that fails at any moment in any way: each fact once, in order, and no false word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import StoreError
from engine.storage import writing
from engine.storage.audit import audit_books
from engine.storage.database import open_books
from engine.storage.verification import verify
from engine.storage.writers import SqliteWriter
from tests.engine.storage.conftest import new_book
from tests.engine.storage.live import Desk

FATES = ("kept", "kept, its answer lost", "not kept", "not kept, twice")
"""What becomes of a write."""

MOVES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["", "entry", "safety", "reopen"])), min_size=1, max_size=12)


@contextmanager
def fated(fates: list[str]) -> Iterator[None]:
    """Writes end as `fates` say one after the other, then well; refused ones are tried again at once."""
    to_come = [fate for each in fates for fate in ([each.partition(",")[0]] * 2 if each.endswith("twice") else [each])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteWriter, "write", ending(to_come, SqliteWriter.write))
        patch.setattr(writing, "PAUSES_S", (0.0,))
        yield


def ending(to_come: list[str], write: Callable[..., None]) -> Callable[..., None]:
    def writing(self: Any, rows: Any, step: int, at: int) -> None:
        fate = to_come.pop(0) if to_come else "kept"
        if fate.startswith("kept"):
            write(self, rows, step, at)
        if fate != "kept":
            raise StoreError(fate)

    return writing


@settings(max_examples=30)
@given(moves=MOVES, fates=st.lists(st.sampled_from(FATES), max_size=12))
def test_every_fact_is_stored_once_whatever_becomes_of_the_writes(
    moves: list[tuple[int, str]], fates: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("chances")
    facts = 0
    with open_books(f"{folder}/books.db") as database, fated(fates):
        live = Desk(database, new_book(database), folder)
        for step, (count, what) in enumerate(moves, start=1):
            live.step(step, count)
            facts += count
            if what == "reopen":
                assert live.close() == ""
                live = Desk(database, live.book, folder)
                assert live.journal.cursor() == step
            elif what:
                before = len(live.answers)
                live.ask(what, safety=what == "safety")
                live.answered(before + 1)
        assert live.close() == ""
        assert [sentence for name, sentence in live.answers if name == "safety" and sentence] == []
        assert len(live.stored()) == facts == audit_books(database, live.book.id).facts
        assert verify(database, live.book.id, None).sentence == ""
