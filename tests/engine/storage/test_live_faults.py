"""Databases that are locked, full, slow or gone under a live journal: nothing is lost, nothing is written twice."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, current_thread
from typing import Any

import psycopg
import pytest

from engine.core.errors import StoreError, UserError
from engine.storage import link
from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.database import Database, open_books
from engine.storage.lock import BookLock, hold
from engine.storage.spool import Spool, SpooledStep, read_spool
from engine.storage.verification import verify
from engine.storage.writers import PostgresWriter, SqliteWriter
from tests.engine.storage.live import Desk, desk, locked, opened
from tests.postgres import Server, server

ROOT = Path(__file__).parents[3]


@pytest.fixture
def live(database: Database, tmp_path: Path) -> Iterator[Desk]:
    with desk(database, tmp_path) as made:
        yield made


@pytest.fixture
def own_file(tmp_path: Path) -> Iterator[Database]:
    """SQLite books of this test only."""
    with open_books(f"{tmp_path}/books.db") as database:
        yield database


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be restarted under nobody else's feet."""
    with server() as started:
        yield started


def whole(desk: Desk, facts: int) -> bool:
    """The book has exactly the facts 1 to `facts`, once each, its chain is whole, and it adds up."""
    assert verify(desk.database, desk.book.id, None).sentence == ""
    report = audit_books(desk.database, desk.book.id)
    assert report.differences == ()
    return report.facts == facts and len(desk.stored()) == facts


# --- locked -----------------------------------------------------------------------------------------------------------


def test_fault_46_an_entry_is_refused_while_the_database_is_locked_and_stored_after(live: Desk) -> None:
    with locked(live.database, live.book):
        live.step(1)
        live.ask("entry")
        name, sentence = live.answered(1)[0]
        assert name == "entry"
        assert "book" in sentence
        assert "could not be written" in sentence
        assert "lock" in sentence
        assert live.journal.trouble == sentence
    live.step(2)
    live.until(lambda: not live.journal.trouble)
    live.ask("next entry")
    assert live.answered(2)[1] == ("next entry", "")
    assert whole(live, 2)


def test_fault_46_a_protective_order_leaves_by_the_spool_while_the_database_is_locked(live: Desk) -> None:
    with locked(live.database, live.book):
        live.step(1, 2)
        live.step(2)
        live.ask("stop", safety=True)
        assert live.answered(1) == [("stop", "")]
        assert [len(step.facts) for step in read_spool(live.path).steps] == [2, 1]
        assert live.stored() == []
        live.until(lambda: bool(live.journal.trouble))
        live.step(3)
        live.ask("second stop", safety=True)
        assert live.answered(2)[1] == ("second stop", "")
        assert len(read_spool(live.path).steps) == 3
    live.until(lambda: len(live.stored()) == 4)
    live.until(lambda: read_spool(live.path).steps == ())
    assert live.close() == ""
    assert not live.path.exists()
    assert whole(live, 4)


def test_while_the_database_is_locked_stops_leave_at_once_and_all_else_is_refused_in_its_order(live: Desk) -> None:
    with locked(live.database, live.book):
        for number in range(1, 10):
            live.step(number)
            live.ask(f"{number}", safety=number % 2 == 0)
        assert [answer for answer in live.answers if not answer[1]] == [(name, "") for name in "2468"]
        answers = live.answered(9)
    assert [name for name, sentence in answers if sentence] == list("13579")


def test_a_step_that_both_threads_spool_after_a_failed_write_is_taken_in_once(
    live: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, spooler_chose, engine_wrote, failed = Spool.write, Event(), Event(), []

    def racing(spool: Spool, steps: Sequence[SpooledStep], last: int) -> None:
        if not failed:
            failed.append(last)
            raise StoreError("the disk had a moment of its own")
        if current_thread().name == "spool":
            spooler_chose.set()
            engine_wrote.wait(30)
        write(spool, steps, last)

    monkeypatch.setattr(Spool, "write", racing)
    with locked(live.database, live.book):
        live.step(1, 2)
        live.ask("stop", safety=True)
        assert spooler_chose.wait(30)
        live.step(2)
        live.ask("another stop", safety=True)
        engine_wrote.set()
        assert sorted(live.answered(2)) == [("another stop", ""), ("stop", "")]
        assert "wait in" in live.close(0.1)
    assert [len(step.facts) for step in read_spool(live.path).steps] == [2, 1]
    with opened(database, live.book, live.folder) as again:
        assert again.journal.found == (f"facts 1 to 3 of book {live.book.id} were taken in from {live.path.name}",)


def test_closing_while_the_database_is_locked_spools_everything_and_says_so(live: Desk, database: Database) -> None:
    with locked(live.database, live.book):
        live.step(1, 2)
        live.step(2)
        live.ask("entry")
        live.answered(1)
        said = live.close(0.1)
    assert said.startswith(f"3 facts of book {live.book.id} wait in {live.path}, and are stored when it is opened again")
    assert "lock" in said
    with opened(database, live.book, live.folder) as again:
        assert again.journal.found == (f"facts 1 to 3 of book {live.book.id} were taken in from {live.path.name}",)
        again.step(3)
        again.ask("goes on")
        again.answered(1)
        assert whole(again, 4)


# --- a disk that is full ----------------------------------------------------------------------------------------------


class Disk:
    """SQLite connections that find no room: as many pages as there are, and no more."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        connect = link.connect_sqlite

        def connecting(path: Path, full: bool, wait_s: float) -> sqlite3.Connection:
            raw = connect(path, full, wait_s)
            if self.is_full:
                pages = raw.execute("PRAGMA page_count").fetchone()[0]
                raw.execute(f"PRAGMA max_page_count = {pages}")
            return raw

        monkeypatch.setattr(link, "connect_sqlite", connecting)


def test_fault_46_a_full_disk_refuses_entries_spools_stops_and_loses_nothing(
    own_file: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    disk.is_full = True
    with desk(own_file, tmp_path) as live:
        live.step(1, 1000)
        live.ask("entry")
        assert "database or disk is full" in live.answered(1)[0][1]
        live.step(2)
        live.ask("stop", safety=True)
        assert live.answered(2)[1] == ("stop", "")
        assert live.stored() == []
        disk.is_full = False
        live.until(lambda: len(live.stored()) == 1001)
        assert whole(live, 1001)


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """The system refuses every byte past `size` in any file, as a full disk does."""
    resource = pytest.importorskip("resource")  # not on Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_fault_46_the_spool_has_its_room_before_the_disk_is_full_and_says_when_that_is_used_up(
    own_file: Database, tmp_path: Path
) -> None:
    with desk(own_file, tmp_path) as live:
        room = live.path.stat().st_size
        with no_file_grows_beyond(room), locked(own_file, live.book):
            live.step(1)
            live.ask("stop", safety=True)
            assert live.answered(1) == [("stop", "")]
            live.step(2, 20_000)
            live.ask("another stop", safety=True)
            assert f"{live.path} could not be written: File too large" in live.answered(2)[1][1]
        live.until(lambda: len(live.stored()) == 20_001)
        assert whole(live, 20_001)


def test_closing_when_neither_database_nor_spool_take_them_says_how_many_facts_are_lost(
    own_file: Database, tmp_path: Path
) -> None:
    with desk(own_file, tmp_path) as live:
        with no_file_grows_beyond(live.path.stat().st_size), locked(own_file, live.book):
            live.step(1, 20_000)
            live.ask("entry")
            live.answered(1)
            said = live.close(0.1)
        assert said.startswith(f"20,000 facts of book {live.book.id} are lost: ")
        assert "lock" in said
        assert "File too large" in said


# --- a database that does not answer ----------------------------------------------------------------------------------


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Writers that wait for this event before they write."""
    goes_on = Event()
    for kind in (SqliteWriter, PostgresWriter):
        monkeypatch.setattr(kind, "write", after(goes_on, kind.write))
    yield goes_on
    goes_on.set()


def after(event: Event, write: Callable[..., None]) -> Callable[..., None]:
    def waiting(*given: Any) -> None:
        event.wait(30)
        write(*given)

    return waiting


def test_a_stop_does_not_wait_for_a_database_that_does_not_answer(live: Desk, stuck: Event) -> None:
    live.step(1)
    live.ask("stop", safety=True)
    live.ask("entry")
    assert live.answered(2) == [("stop", ""), ("entry", "the database does not answer")]
    assert live.stored() == []
    stuck.set()
    live.until(lambda: len(live.stored()) == 1)
    assert live.close() == ""
    assert live.journal.trouble == ""


def test_a_stop_does_not_wait_behind_an_entry_that_waits_for_the_database(live: Desk, stuck: Event) -> None:
    live.step(1)
    live.ask("entry")
    live.step(2)
    live.ask("stop", safety=True)
    assert live.answered(2) == [("stop", ""), ("entry", "the database does not answer")]
    assert [len(step.facts) for step in read_spool(live.path).steps] == [1, 1]
    stuck.set()
    live.until(lambda: len(live.stored()) == 2)


def test_closing_beside_a_database_that_does_not_answer_spools_what_waits(live: Desk, stuck: Event, database: Database) -> None:
    live.step(1)
    assert "the database did not answer in time" in live.close(0.05)
    stuck.set()
    with opened(database, live.book, live.folder) as again:
        again.step(2)
        again.ask("goes on")
        assert again.answered(1) == [("goes on", "")]
        assert whole(again, 2)


def test_a_mistake_of_ours_in_the_writer_is_shown_and_the_steps_wait(live: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake")

    with monkeypatch.context() as patch:
        for kind in (SqliteWriter, PostgresWriter):
            patch.setattr(kind, "write", broken)
        live.step(1)
        live.ask("entry")
        assert live.answered(1) == [("entry", "a mistake")]
    live.until(lambda: len(live.stored()) == 1)


# --- a link lost in the middle of a commit ----------------------------------------------------------------------------


@pytest.mark.parametrize("after_write", [True, False], ids=["kept", "not kept"])
def test_fault_49_a_commit_whose_answer_is_lost_is_asked_for_before_it_is_written_again(
    live: Desk, monkeypatch: pytest.MonkeyPatch, after_write: bool
) -> None:
    lost: list[int] = []
    for kind in (SqliteWriter, PostgresWriter):
        monkeypatch.setattr(kind, "write", losing_the_link(lost, after_write, kind.write))
    live.step(1, 2)
    live.ask("entry")
    assert live.answered(1) == [("entry", "the link was lost")]
    live.step(2)
    live.step(3)
    live.until(lambda: len(live.stored()) == 4)
    assert lost == [1]
    assert whole(live, 4)


def losing_the_link(lost: list[int], after_write: bool, write: Callable[..., None]) -> Callable[..., None]:
    def writing(self: Any, rows: Any, step: int, at: int) -> None:
        is_first = not lost
        if after_write or not is_first:
            write(self, rows, step, at)
        if is_first:
            lost.append(step)
            raise StoreError("the link was lost")

    return writing


@pytest.fixture
def remote(own: Server, tmp_path: Path) -> Iterator[Desk]:
    """A live journal on a server that may be restarted."""
    with open_books(own.url) as database, desk(database, tmp_path) as made:
        yield made


@pytest.fixture
def admin(own: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(own.url, autocommit=True) as connection:
        yield connection


def ended(admin: psycopg.Connection[Any], waiting_for: str = "%") -> int:
    """Ends the links of all writers, or of those that wait for this, and says how many there were."""
    rows = admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND query LIKE '%%INSERT INTO facts%%' AND coalesce(wait_event, '') LIKE %s",
        (waiting_for,),
    ).fetchall()
    return len(rows)


@pytest.mark.xdist_group("postgres")
def test_fault_49_a_link_that_ends_after_its_commit_was_kept_writes_nothing_twice(
    remote: Desk, admin: psycopg.Connection[Any]
) -> None:
    """The commit waits for a standby that never comes: it is in the server's log, and its answer never arrives."""
    remote.step(1)
    remote.ask("before")
    remote.answered(1)
    with a_standby_that_never_comes(admin):
        remote.step(2, 3)
        remote.until(lambda: ended(admin, "SyncRep"))
        stored = remote.journal.last_seq()
        remote.until(lambda: len(remote.stored()) == stored)
    remote.step(3)
    remote.until(lambda: len(remote.stored()) == stored + 1)
    remote.ask("after")
    assert remote.answered(2)[1] == ("after", "")
    assert whole(remote, stored + 1)


@contextmanager
def a_standby_that_never_comes(admin: psycopg.Connection[Any]) -> Iterator[None]:
    """Every commit waits for it, from the first line in here on."""
    wait_for_a_standby(admin)
    try:
        yield
    finally:
        wait_for_nobody(admin)


def wait_for_a_standby(admin: psycopg.Connection[Any]) -> None:
    """Returns once a commit of our own was made to wait: a server takes its time to heed what it is told."""
    admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    admin.execute("SELECT pg_reload_conf()")
    with psycopg.connect(admin.info.dsn, autocommit=True) as other:
        while not is_waiting(admin):
            other.pgconn.consume_input()
            if not other.pgconn.is_busy():
                _finished(other)
                other.pgconn.send_query(b"SELECT pg_logical_emit_message(true, 'heeded', '')")
        admin.execute("SELECT pg_cancel_backend(%s)", (other.pgconn.backend_pid,))
        _finished(other)


def wait_for_nobody(admin: psycopg.Connection[Any]) -> None:
    admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
    admin.execute("SELECT pg_reload_conf()")


def _finished(connection: psycopg.Connection[Any]) -> None:
    while connection.pgconn.get_result() is not None:
        pass


def is_waiting(admin: psycopg.Connection[Any]) -> bool:
    return bool(admin.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchall())


@pytest.mark.xdist_group("postgres")
def test_fault_49_links_that_are_ended_all_the_time_lose_no_step_and_write_none_twice(
    remote: Desk, admin: psycopg.Connection[Any]
) -> None:
    step = 0
    for _ in range(8):
        for _ in range(20):
            step += 1
            remote.step(step, 2)
        remote.until(lambda: ended(admin) == 1)
    remote.until(lambda: len(remote.stored()) == 320)
    assert whole(remote, 320)


@pytest.mark.xdist_group("postgres")
def test_fault_49_a_server_that_restarts_finds_the_steps_waiting(remote: Desk, own: Server) -> None:
    remote.step(1)
    remote.ask("before")
    remote.answered(1)
    own.restart()
    remote.step(2)
    remote.ask("stop", safety=True)
    assert remote.answered(2)[1] == ("stop", "")
    remote.until(lambda: len(remote.stored_again()) == 2)
    assert remote.close() == ""
    remote.database.close()
    assert whole(remote, 2)


@contextmanager
def held(own: Server, tmp_path: Path) -> Iterator[tuple[Desk, BookLock]]:
    """A live journal of a book that is held."""
    with open_books(own.url) as database:
        book = Books(database).open("held", "live", "live", "{}", 1)
        lock = hold(database, book.id)
        with closing(Desk(database, book, tmp_path, lock)) as made:
            made.step(1)
            made.ask("before")
            made.answered(1)
            yield made, lock
        lock.release()


@pytest.mark.xdist_group("postgres")
def test_fault_50_a_book_is_held_again_after_its_server_restarted(own: Server, tmp_path: Path) -> None:
    with held(own, tmp_path) as (live, _), open_books(own.url) as theirs:
        own.restart()
        live.step(2)
        live.until(lambda: len(live.stored_again()) == 2)
        theirs.close()
        with pytest.raises(UserError, match="is open in another program"):
            hold(theirs, live.book.id)
        live.database.close()
        assert whole(live, 2)


@pytest.mark.xdist_group("postgres")
def test_fault_50_a_book_that_another_program_took_while_the_server_was_away_is_not_written(own: Server, tmp_path: Path) -> None:
    with held(own, tmp_path) as (live, _), open_books(own.url) as theirs:
        own.restart()
        theirs.close()
        other = hold(theirs, live.book.id)
        live.step(2)
        live.until(lambda: "was opened by another program while the database was away" in live.journal.trouble)
        live.ask("entry")
        assert "end one of them" in live.answered(2)[1][1]
        assert len(live.stored()) == 1
        other.release()
        live.until(lambda: len(live.stored_again()) == 2)
        live.database.close()
        assert whole(live, 2)


# --- killed -----------------------------------------------------------------------------------------------------------

BUSY = """
import asyncio, sys
from pathlib import Path
from engine.domain.facts import DayStarted
from engine.storage.books import Books
from engine.storage.database import Database, locate
from engine.storage.live_journal import LiveJournal

database = Database(locate(sys.argv[1]))
book = Books(database).find("run")

async def trade():
    loop = asyncio.get_running_loop()
    journal = LiveJournal(database, book.id, loop, Path(sys.argv[2]))
    for step in range(journal.cursor() + 1, 100_000):
        for _ in range(2):
            journal.append(step, step, DayStarted(step))
        journal.commit(step, step)
        told = loop.create_future()
        journal.when_durable(told.set_result, True)
        if not await told:
            print(journal.last_seq(), flush=True)

asyncio.run(trade())
"""
"""Says the number of the last fact whenever something may leave on it."""


KILLED = """
import asyncio, sys
from pathlib import Path
from engine.domain.facts import DayStarted
from engine.storage.books import Books
from engine.storage.database import Database, locate
from engine.storage.live_journal import LiveJournal
from engine.storage.lock import BookLock, hold

database = Database(locate(sys.argv[1]))
book = Books(database).find("run")
lock = hold(database, book.id)
loop = asyncio.new_event_loop()
journal = LiveJournal(database, book.id, loop, Path(sys.argv[2]))
for step in (1, 2):
    journal.append(step, step, DayStarted(step))
    journal.commit(step, step)
journal.when_durable(lambda sentence: print("on the disk" + sentence, flush=True), True)
loop.run_forever()
"""


@contextmanager
def another_program(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A live journal in a program of its own, once its two steps are where they may leave from; killed in the end."""
    words = [sys.executable, "-c", KILLED, url, str(folder)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "on the disk\n"
            yield program
        finally:
            program.kill()


def test_what_a_killed_program_had_spooled_is_in_the_book_when_it_is_opened_again(url: str, tmp_path: Path) -> None:
    with open_books(url) as database:
        book = Books(database).open("run", "live", "live", "{}", 1)
        with locked(database, book), another_program(url, tmp_path):
            assert Books(database).get(book.id) == book
        with opened(database, book, tmp_path) as again:
            assert database.place.path is None or f"facts 1 to 2 of book {book.id} were taken in" in again.journal.found[0]
            again.step(3)
            again.ask("goes on")
            assert again.answered(1) == [("goes on", "")]
            assert whole(again, 3)


def test_fault_50_a_second_live_program_is_refused_until_the_first_one_dies(url: str, tmp_path: Path) -> None:
    with open_books(url) as database:
        book = Books(database).open("run", "live", "live", "{}", 1)
        with another_program(url, tmp_path), pytest.raises(UserError, match="is open in another program"):
            hold(database, book.id)
        hold(database, book.id).release()
        with opened(database, book, tmp_path) as again:
            assert whole(again, 2)


@pytest.mark.parametrize("kill_at", [1, 40])
def test_nothing_that_was_said_to_be_on_the_disk_is_missing_after_a_kill(url: str, tmp_path: Path, kill_at: int) -> None:
    """Killed three times, beside a database that is locked in the middle of each life."""
    said = 0
    with open_books(url) as database:
        book = Books(database).open("run", "live", "live", "{}", 1)
        for _ in range(3):
            words = [sys.executable, "-c", BUSY, url, str(tmp_path)]
            with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
                assert program.stdout is not None
                said = int(program.stdout.readline())
                with locked(database, book):
                    lines = [program.stdout.readline() for _ in range(kill_at)]
                    program.kill()
                lines += program.stdout.readlines()
            said = int([line for line in lines if line.endswith("\n")][-1])
            with opened(database, book, tmp_path) as again:
                stored = again.journal.last_seq()
                assert stored >= said
                assert stored % 2 == 0
                assert whole(again, stored)
        assert said > 6 * kill_at
