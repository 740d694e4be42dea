"""The spool: what must leave while the database cannot be written is on a disk, and reaches the book afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import StoreError, UserError
from engine.domain.facts import DayStarted, Record, canonical, parse
from engine.storage.books import BookRow, Books
from engine.storage.database import Database
from engine.storage.journal import SqlJournal, export_lines
from engine.storage.spool import Spool, SpooledStep, read_spool
from engine.storage.spooling import take_in
from tests.engine.storage.conftest import new_book

SOME = BookRow(7, "run", 1, "live", "live", "{}", "open", 0, 0, 0, None, 5, None)


def spooled(step: int, *seqs: int) -> SpooledStep:
    return SpooledStep(step, step * 10, tuple(canonical(Record(seq, step, step * 10, DayStarted(seq))) for seq in seqs))


def lines(*steps: SpooledStep) -> list[str]:
    return [fact for step in steps for fact in step.facts]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.db.book7.spool"


@pytest.fixture
def file(path: Path) -> Iterator[Spool]:
    spool = Spool(path, SOME)
    yield spool
    spool.close(10**9)


def left(path: Path, book: BookRow, *steps: SpooledStep) -> None:
    """A spool with these steps, as a crash leaves it."""
    spool = Spool(path, book)
    if steps:
        spool.write(steps, parse(steps[-1].facts[-1]).seq)
    spool.close(0)
    if not steps:
        path.write_bytes(b"")


def test_steps_are_read_back_as_they_were_written(file: Spool, path: Path) -> None:
    file.write([spooled(1, 1, 2)], 2)
    file.write([spooled(2, 3), spooled(5, 4)], 4)
    found = read_spool(path)
    assert found.steps == (spooled(1, 1, 2), spooled(2, 3), spooled(5, 4))
    assert (found.torn, file.last) == (0, 4)


def test_the_file_is_emptied_once_all_of_it_is_stored_and_not_before(file: Spool, path: Path) -> None:
    file.write([spooled(1, 1, 2)], 2)
    file.forget(1)
    assert read_spool(path).steps == (spooled(1, 1, 2),)
    file.forget(2)
    assert read_spool(path).steps == ()
    file.write([spooled(3, 3)], 3)
    assert read_spool(path).steps == (spooled(3, 3),)


def test_steps_that_two_threads_chose_are_in_the_file_once(file: Spool, path: Path) -> None:
    file.write([spooled(1, 1, 2), spooled(2, 3), spooled(3, 4)], 4)
    file.write([spooled(1, 1, 2), spooled(2, 3)], 3)
    file.write([spooled(2, 3), spooled(3, 4), spooled(4, 5, 6)], 6)
    assert read_spool(path).steps == (spooled(1, 1, 2), spooled(2, 3), spooled(3, 4), spooled(4, 5, 6))
    assert file.last == 6


@given(data=st.data())
def test_a_file_torn_anywhere_gives_whole_steps_only(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("torn") / "spool"
    steps = [spooled(1, 1, 2), spooled(2, 3), spooled(3, 4, 5, 6)]
    left(path, SOME, *steps)
    whole = path.read_bytes().partition(b"\0")[0]
    cut = data.draw(st.integers(0, len(whole)))
    rest = data.draw(st.sampled_from([b"", bytes(50), b"\xff" * 50, whole[:50]]))
    path.write_bytes(whole[:cut] + rest)
    found = read_spool(path).steps
    assert found == tuple(steps[: len(found)])
    assert cut < len(whole) or found == tuple(steps)


def test_a_closed_file_with_nothing_unstored_is_gone(file: Spool, path: Path) -> None:
    file.write([spooled(1, 1)], 1)
    file.close(1)
    assert not path.exists()
    with pytest.raises(StoreError, match="is closed"):
        file.write([spooled(2, 2)], 2)


def test_a_file_of_another_session_is_not_written_over(file: Spool, path: Path) -> None:
    with pytest.raises(UserError, match="cannot be made: File exists"):
        Spool(path, SOME)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"spool, for facts while the database cannot be written, cannot be made"):
        Spool(tmp_path / "file" / "spool", SOME)


def test_what_was_spooled_reaches_the_book_once(database: Database, path: Path) -> None:
    book = new_book(database)
    steps = [spooled(1, 1, 2), spooled(4, 3)]
    left(path, book, *steps)
    kept = path.read_bytes()
    assert take_in(database, book.id, path) == (f"facts 1 to 3 of book {book.id} were taken in from {path.name}",)
    assert not path.exists()
    path.write_bytes(kept)
    assert take_in(database, book.id, path) == ()
    assert list(export_lines(database, book.id)) == lines(*steps)
    with closing(SqlJournal(database, book.id)) as journal:
        assert (journal.cursor(), journal.last_seq()) == (4, 3)


def test_what_is_stored_already_is_skipped_and_the_rest_goes_on_from_it(database: Database, path: Path) -> None:
    book = new_book(database)
    left(path, book, spooled(1, 1, 2))
    take_in(database, book.id, path)
    left(path, book, spooled(1, 1, 2), spooled(2, 3))
    assert take_in(database, book.id, path) == (f"facts 3 to 3 of book {book.id} were taken in from {path.name}",)
    assert list(export_lines(database, book.id)) == lines(spooled(1, 1, 2), spooled(2, 3))


def doubled(path: Path, book: BookRow, *steps: SpooledStep) -> None:
    """A spool that was written by two threads that did not know of each other."""
    parts = []
    for step in steps:
        left(path, book, step)
        parts.append(path.read_bytes().partition(b"\0")[0].splitlines(keepends=True))
        path.unlink()
    path.write_bytes(b"".join([parts[0][0], *(part[1] for part in parts)]))


def test_steps_that_are_there_twice_are_taken_in_once(database: Database, path: Path) -> None:
    book = new_book(database)
    doubled(path, book, spooled(1, 1, 2), spooled(2, 3), spooled(1, 1, 2))
    assert take_in(database, book.id, path) == (f"facts 1 to 3 of book {book.id} were taken in from {path.name}",)
    assert list(export_lines(database, book.id)) == lines(spooled(1, 1, 2), spooled(2, 3))
    with closing(SqlJournal(database, book.id)) as journal:
        assert (journal.cursor(), journal.last_seq()) == (2, 3)


def test_a_spool_that_contradicts_itself_is_refused_and_kept(database: Database, path: Path) -> None:
    book = new_book(database)
    doubled(path, book, spooled(1, 1), SpooledStep(1, 10, (canonical(Record(1, 1, 10, DayStarted(99))),)))
    with pytest.raises(StoreError, match="say different things at fact 1"):
        take_in(database, book.id, path)
    assert path.exists()


def test_a_torn_end_is_ignored_and_said(database: Database, path: Path) -> None:
    book = new_book(database)
    left(path, book, spooled(1, 1), spooled(2, 2, 3))
    path.write_bytes(path.read_bytes().partition(b"\0")[0][:-9])
    said = take_in(database, book.id, path)
    assert "were cut off by a crash and are ignored; nothing was sent on them" in said[0]
    assert list(export_lines(database, book.id)) == lines(spooled(1, 1))


def test_a_file_that_was_never_begun_is_removed(database: Database, path: Path) -> None:
    book = new_book(database)
    left(path, book)
    assert take_in(database, book.id, path) == ()
    assert not path.exists()


def test_no_file_is_nothing_to_take_in(database: Database, path: Path) -> None:
    assert take_in(database, new_book(database).id, path) == ()


def test_a_spool_that_contradicts_the_book_is_refused_and_kept(database: Database, path: Path) -> None:
    book = new_book(database)
    left(path, book, spooled(1, 1))
    take_in(database, book.id, path)
    other = SpooledStep(1, 10, (canonical(Record(1, 1, 10, DayStarted(99))),))
    left(path, book, other, spooled(2, 2))
    with pytest.raises(StoreError, match=r"say different things at fact 1; nothing was taken in: restore the newest backup"):
        take_in(database, book.id, path)
    assert list(export_lines(database, book.id)) == lines(spooled(1, 1))
    assert path.exists()


def test_a_spool_that_does_not_follow_on_is_refused_and_kept(database: Database, path: Path) -> None:
    book = new_book(database)
    left(path, book, spooled(9, 5))
    with pytest.raises(StoreError, match=r"goes on with fact 5 and book \d+ ends with fact 0: facts are missing between"):
        take_in(database, book.id, path)
    assert path.exists()


def test_a_spool_of_another_book_with_the_same_number_is_put_aside(database: Database, path: Path) -> None:
    book, other = new_book(database), Books(database).open("other", "live", "live", "{}", 1)
    for number in (1, 2):
        left(path, other, spooled(1, 1))
        said = take_in(database, book.id, path)
        assert said == (
            f"{path.name} belongs to another book, book {other.id} run other attempt {other.attempt} opened 1; "
            f"it was put aside as {path.name}.{number}.aside",
        )
    assert list(export_lines(database, book.id)) == []


def test_a_spool_of_a_book_that_is_not_there_is_refused(database: Database, path: Path) -> None:
    left(path, SOME, spooled(1, 1))
    with pytest.raises(StoreError, match="no book 12345678"):
        take_in(database, 12_345_678, path)
