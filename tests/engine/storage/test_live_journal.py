"""The journal of a live session: it never makes the engine wait, and what it says is on the disk is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.core.errors import StoreError
from engine.domain.facts import DayStarted, SignalExplained, canonical
from engine.ports.journal import DurableJournal
from engine.storage import live_journal
from engine.storage.backlog import Backlog, Handed
from engine.storage.books import Books
from engine.storage.database import Database
from engine.storage.journal import SqlJournal, facts_sha256
from engine.storage.live_journal import LiveJournal
from engine.storage.spool import read_spool
from engine.storage.writers import PostgresWriter, SqliteWriter
from tests.engine.storage.live import PATIENCE_S, Desk, desk, locked, opened


@pytest.fixture
def live(database: Database, tmp_path: Path) -> Iterator[Desk]:
    with desk(database, tmp_path) as made:
        yield made


def test_a_step_is_on_the_disk_when_its_answer_comes(live: Desk) -> None:
    port: DurableJournal = live.journal
    live.step(1, 3)
    live.ask("first")
    assert live.answered(1) == [("first", "")]
    assert len(live.stored()) == 3
    assert (port.last_seq(), port.cursor(), port.trouble) == (3, 1, "")


def test_nothing_to_wait_for_is_answered_too(live: Desk) -> None:
    live.ask("new book")
    assert live.answered(1) == [("new book", "")]


def test_answers_come_on_the_loop_in_the_order_of_their_questions(live: Desk) -> None:
    for number in range(1, 60):
        live.step(number)
        live.ask(f"{number}")
    assert live.answers == []
    assert live.answered(59) == [(f"{number}", "") for number in range(1, 60)]


def test_what_leaves_for_safety_is_on_a_disk_at_once_with_all_that_came_before_it(live: Desk) -> None:
    live.step(1, 2)
    live.step(2)
    live.ask("stop", safety=True)
    assert live.answers == [("stop", "")]
    live.until(lambda: len(live.stored()) == 3)
    assert live.close() == ""


def test_beside_a_thread_that_keeps_the_interpreter_the_spool_has_it_at_once_and_the_database_when_it_is_asked_for(
    live: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "is_held_up", lambda _loop: True)
    live.step(1, 2)
    live.step(2)
    spooled = [line for step in read_spool(live.path).steps for line in step.facts]
    assert spooled == [canonical(record) for record in live.journal.records()]
    assert live.stored() == []
    live.ask("entry")
    assert live.answered(1) == [("entry", "")]
    assert len(live.stored()) == 3
    live.step(3)
    assert len(live.stored()) == 3
    monkeypatch.setattr(live_journal, "is_held_up", lambda _loop: False)
    live.until(lambda: len(live.stored()) == 4)


def test_who_waits_for_an_answer_is_not_made_to_wait_longer_by_steps_that_can_wait() -> None:
    answers: list[str] = []
    backlog = Backlog(lambda then, sentence: then(sentence), 0)
    backlog.add(handed(1), at_once=False)
    backlog.ask(1, answers.append, safety=False)
    backlog.add(handed(2), at_once=False)
    with ThreadPoolExecutor(1) as writer:
        batch = writer.submit(backlog.batch)
        try:
            assert [step.last for step in batch.result(PATIENCE_S)] == [1, 2]
            backlog.kept(2)
        finally:
            backlog.close()
    assert answers == [""]


def handed(number: int) -> Handed:
    """A step of one fact."""
    return Handed(((1, number, number, number, "DayStarted", "{}"),), number, number)


def test_a_burst_of_steps_keeps_each_steps_place_and_is_written_in_few_transactions(
    live: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    for kind in (SqliteWriter, PostgresWriter):
        write = kind.write
        monkeypatch.setattr(kind, "write", noting(writes, write))
    with locked(live.database, live.book):
        for number in range(1, 501):
            live.step(number, 2)
    live.ask("all")
    assert live.answered(1) == [("all", "")]
    live.close()
    with closing(SqlJournal(live.database, live.book.id)) as journal:
        assert [record.step for record in journal.records()] == [number for number in range(1, 501) for _ in range(2)]
        assert (journal.cursor(), journal.last_seq()) == (500, 1000)
    assert len(writes) < 50
    assert writes[-1] == 500


def noting(writes: list[int], write: Callable[..., None]) -> Callable[..., None]:
    def noted(self: object, rows: object, step: int, at: int) -> None:
        writes.append(step)
        write(self, rows, step, at)

    return noted


def test_facts_of_an_open_step_are_not_in_the_books(live: Desk) -> None:
    live.journal.append(1, 10, DayStarted(1))
    assert live.journal.is_waiting
    assert live.close() == ""
    assert live.stored() == []


def test_steps_on_their_way_are_among_the_records(live: Desk) -> None:
    live.step(1)
    live.until(lambda: len(live.stored()) == 1)
    with locked(live.database, live.book):
        live.step(2, 2)
        assert live.seqs() == [1, 2, 3]
        assert len(live.stored()) == 1


def test_a_number_that_json_cannot_hold_is_refused_and_takes_no_place(live: Desk) -> None:
    with pytest.raises(ValueError, match="JSON"):
        live.journal.append(1, 10, SignalExplained("s1", float("nan"), ()))
    assert live.journal.append(1, 10, DayStarted(1)).seq == 1


def test_a_live_book_has_the_facts_and_the_hash_of_a_replayed_one(live: Desk, database: Database) -> None:
    other = Books(database).open("other", "paper", "replay", "{}", 1)
    replayed = SqlJournal(database, other.id)
    for number in range(1, 20):
        live.step(number, 2)
        for each in range(2):
            replayed.append(number, number * 10, DayStarted(number * 1000 + each))
        replayed.commit(number, number * 10)
    replayed.close()
    assert live.close() == ""
    assert facts_sha256(database, live.book.id) == facts_sha256(database, other.id)


def test_a_reopened_live_journal_goes_on_where_the_last_one_ended(live: Desk, database: Database, tmp_path: Path) -> None:
    live.step(4, 2)
    assert live.close() == ""
    assert not live.path.exists()
    with opened(database, live.book, tmp_path) as again:
        assert (again.journal.last_seq(), again.journal.cursor(), again.journal.found) == (2, 4, ())
        again.step(5)
        assert again.seqs() == [1, 2, 3]


def test_closing_writes_what_waits(live: Desk) -> None:
    for number in range(1, 200):
        live.step(number)
    assert live.close() == ""
    assert len(live.stored()) == 199


def test_nothing_leaves_once_a_journal_is_being_closed(live: Desk) -> None:
    with locked(live.database, live.book):
        live.step(1)
        live.journal._backlog.close()
        live.ask("stop", safety=True)
    live.ask("entry")
    assert live.close() == ""
    assert live.answers == []
    assert len(live.stored()) == 1


def test_facts_after_the_close_are_not_stored_and_the_log_says_so(live: Desk) -> None:
    live.step(1)
    assert live.close() == ""
    with capture_logs() as said:
        live.step(2, 3)
    assert len(live.stored()) == 1
    assert [(line["event"], line["facts"]) for line in said] == [("facts came after their book was closed and are not stored", 3)]


def test_another_writer_of_the_book_is_noticed_and_nothing_of_it_is_overwritten(live: Desk, database: Database) -> None:
    with closing(SqlJournal(database, live.book.id)) as intruder:
        intruder.append(1, 10, DayStarted(77))
        intruder.commit(1, 10)
    live.step(1)
    live.ask("entry")
    assert "written to by another program" in live.answered(1)[0][1]
    assert "written to by another program" in live.journal.trouble
    assert "wait in" in live.close(0.1)
    assert len(live.stored()) == 1


def test_a_book_that_is_not_there_is_refused(database: Database, tmp_path: Path) -> None:
    with closing(asyncio.new_event_loop()) as loop, pytest.raises(StoreError, match="no book 12345678"):
        LiveJournal(database, 12_345_678, loop, tmp_path)
