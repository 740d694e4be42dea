"""The journal: whole steps, in order, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256

import psycopg
import pytest

from engine.core.errors import StoreError
from engine.domain.facts import DayStarted, ModeChanged, OrderSent, SignalExplained, canonical
from engine.ports.journal import Journal
from engine.storage.books import BookRow, Books
from engine.storage.database import Database, open_books
from engine.storage.journal import SqlJournal, export_lines, facts_sha256

EXPLAINED = SignalExplained("s1", -0.25, (("rsi", 71.5, 0.125), ("atr", 2.0, -0.5)))


def test_the_facts_of_a_step_are_read_back_as_they_were_given(journal: SqlJournal) -> None:
    port: Journal = journal
    given = [port.append(3, 1_600_000_000_000_000_001, fact) for fact in (DayStarted(2**62), EXPLAINED)]
    port.commit(3, 1_600_000_000_000_000_001)
    assert list(port.records()) == given
    assert [record.seq for record in given] == [1, 2]
    assert port.cursor() == 3


def test_facts_of_an_open_step_are_not_in_the_books(journal: SqlJournal, database: Database, book: BookRow) -> None:
    journal.append(1, 10, DayStarted(1))
    assert list(journal.records()) == []
    assert (journal.last_seq(), journal.cursor()) == (1, 0)


def test_a_step_without_facts_does_not_move_the_cursor(journal: SqlJournal, database: Database, book: BookRow) -> None:
    journal.commit(7, 70)
    assert journal.cursor() == 0
    assert Books(database).get(book.id) == book


def test_the_cursor_of_the_book_moves_with_its_facts(journal: SqlJournal, database: Database, book: BookRow) -> None:
    journal.append(7, 70, DayStarted(1))
    journal.commit(7, 70)
    moved = Books(database).get(book.id)
    assert moved is not None
    assert (moved.cursor, moved.cursor_at, moved.facts) == (7, 70, 1)


def test_a_reopened_journal_goes_on_where_the_last_one_ended(journal: SqlJournal, database: Database, book: BookRow) -> None:
    journal.append(1, 10, DayStarted(1))
    journal.commit(1, 10)
    journal.append(2, 20, DayStarted(2))
    journal.close()
    with closing(SqlJournal(database, book.id)) as again:
        assert (again.last_seq(), again.cursor()) == (1, 1)
        again.append(2, 20, DayStarted(3))
        again.commit(2, 20)
        assert [record.fact for record in again.records()] == [DayStarted(1), DayStarted(3)]


def test_books_do_not_see_each_others_facts(journal: SqlJournal, database: Database, book: BookRow) -> None:
    journal.append(1, 10, DayStarted(1))
    journal.commit(1, 10)
    other = Books(database).open("other", "paper", "replay", "{}", 1)
    with closing(SqlJournal(database, other.id)) as theirs:
        assert list(theirs.records()) == []


def test_the_hash_is_that_of_the_exported_lines(journal: SqlJournal, database: Database, book: BookRow) -> None:
    records = [journal.append(step, step * 10, DayStarted(step)) for step in range(1, 5000)]
    journal.commit(4999, 49_990)
    lines = [canonical(record) for record in records]
    assert list(export_lines(database, book.id)) == lines
    assert facts_sha256(database, book.id) == sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_the_hash_of_an_empty_book_is_that_of_nothing(database: Database, book: BookRow) -> None:
    assert facts_sha256(database, book.id) == sha256(b"").hexdigest()


@pytest.mark.parametrize("statement", ["UPDATE facts SET fact = '{}'", "DELETE FROM facts"])
def test_facts_cannot_be_changed_or_removed(journal: SqlJournal, database: Database, statement: str) -> None:
    record = journal.append(1, 10, DayStarted(1))
    journal.commit(1, 10)
    with pytest.raises(StoreError, match="append-only"):
        database.rows(statement)
    assert list(journal.records()) == [record]


def test_facts_of_no_book_are_refused(database: Database) -> None:
    with pytest.raises(StoreError, match="no book 12345678"):
        SqlJournal(database, 12_345_678)


def test_a_number_that_json_cannot_hold_is_refused_and_takes_no_place(journal: SqlJournal) -> None:
    with pytest.raises(ValueError, match="JSON"):
        journal.append(1, 10, SignalExplained("s1", float("nan"), ()))
    assert journal.append(1, 10, ModeChanged("AUTO")).seq == 1


def test_a_second_writer_of_the_same_book_is_refused_and_the_first_goes_on(
    journal: SqlJournal, database: Database, book: BookRow
) -> None:
    with closing(SqlJournal(database, book.id)) as second:
        journal.append(1, 10, DayStarted(1))
        second.append(1, 10, DayStarted(2))
        journal.commit(1, 10)
        for _ in range(2):
            with pytest.raises(StoreError, match="another program"):
                second.commit(1, 10)
    journal.append(2, 20, DayStarted(3))
    journal.commit(2, 20)
    assert [record.fact for record in journal.records()] == [DayStarted(1), DayStarted(3)]


@contextmanager
def locked(database: Database, book: BookRow) -> Iterator[None]:
    """Another program holds what the writer needs."""
    link = database.link()
    with closing(link), link.transaction():
        link.rows("UPDATE books SET summary = 'x' WHERE id = ?", (book.id,))
        yield
        link.rows("UPDATE books SET summary = NULL WHERE id = ?", (book.id,))


def test_a_locked_database_keeps_the_facts_waiting(url: str) -> None:
    with open_books(url, wait_s=0.05) as database:
        book = Books(database).open("run", "paper", "replay", "{}", 1)
        with closing(SqlJournal(database, book.id)) as journal:
            journal.append(1, 10, DayStarted(1))
            with locked(database, book), pytest.raises(StoreError, match=r"step 1 could not be written: .*lock"):
                journal.commit(1, 10)
            assert list(journal.records()) == []
            journal.append(2, 20, DayStarted(2))
            journal.commit(2, 20)
            assert [record.fact for record in journal.records()] == [DayStarted(1), DayStarted(2)]
            assert journal.cursor() == 2


def test_a_full_disk_keeps_the_facts_waiting_and_writes_nothing_by_half(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_books(f"{tmp_path_factory.mktemp('full')}/books.db") as database:
        book = Books(database).open("run", "paper", "replay", "{}", 1)
        with closing(SqlJournal(database, book.id)) as journal:
            raw = journal._ready()._raw  # type: ignore[attr-defined]  # both kinds of writers have one
            pages = raw.execute("PRAGMA page_count").fetchone()[0]
            raw.execute(f"PRAGMA max_page_count = {pages}")
            for number in range(1000):
                journal.append(1, 10, OrderSent(f"order {number}"))
            with pytest.raises(StoreError, match="full"):
                journal.commit(1, 10)
            assert list(journal.records()) == []
            journal.commit(1, 10)
            assert len(list(journal.records())) == 1000


def test_a_commit_that_was_kept_although_its_answer_was_lost_is_not_written_twice(
    database: Database, book: BookRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqlJournal(database, book.id)) as journal:
        writer = journal._ready()
        write = writer.write

        def write_and_lose_the_answer(*args: object) -> None:
            write(*args)  # type: ignore[arg-type]  # passes on what it was given
            raise StoreError("the link was lost")

        monkeypatch.setattr(type(writer), "write", lambda self, *args: write_and_lose_the_answer(*args))
        journal.append(1, 10, DayStarted(1))
        with pytest.raises(StoreError, match="lost"):
            journal.commit(1, 10)
        monkeypatch.undo()
        journal.append(2, 20, DayStarted(2))
        journal.commit(2, 20)
        assert [record.fact for record in journal.records()] == [DayStarted(1), DayStarted(2)]
        assert journal.cursor() == 2


def test_commits_wait_for_a_server_that_went_away(server_books: Database, postgres_url: str) -> None:
    book = Books(server_books).open("run", "paper", "replay", "{}", 1)
    name = server_books.place.url.rpartition("/")[2]
    with closing(SqlJournal(server_books, book.id)) as journal, psycopg.connect(postgres_url, autocommit=True) as admin:
        journal.append(1, 10, DayStarted(1))
        journal.commit(1, 10)
        # psycopg wants a literal; the name is ours
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # type: ignore[arg-type]
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        journal.append(2, 20, DayStarted(2))
        with pytest.raises(StoreError, match="step 2 could not be written"):
            journal.commit(2, 20)
        with pytest.raises(StoreError, match="cannot open the database"):
            journal.commit(2, 20)
        # psycopg wants a literal; the name is ours
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")  # type: ignore[arg-type]
        journal.commit(2, 20)
        assert [record.seq for record in journal.records()] == [1, 2]


def test_thousands_of_commits_do_not_let_the_log_grow_without_bound(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("growth")
    with open_books(f"{folder}/books.db") as database:
        book = Books(database).open("run", "paper", "replay", "{}", 1)
        with closing(SqlJournal(database, book.id)) as journal:
            for step in range(1, 8001):
                journal.append(step, step, DayStarted(step))
                journal.commit(step, step)
        log = folder / "books.db-wal"
        assert not log.exists() or log.stat().st_size < 24_000_000
