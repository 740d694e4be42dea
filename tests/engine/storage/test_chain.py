"""The chain of facts: whatever is changed past the program is found, and the first fact that does not fit is named."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import StoreError, UserError
from engine.domain import facts as f
from engine.storage.books import BookRow
from engine.storage.chain import Chain, scheme
from engine.storage.database import Database
from engine.storage.journal import SqlJournal, facts_sha256
from engine.storage.link import Link
from engine.storage.verification import Verified, verify
from tests.engine.storage.conftest import new_book
from tests.engine.storage.tampering import FACTS, KEY, kept, tamper, unguarded

KEYS = pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
OTHER = b"another key of thirty-two bytes."


@KEYS
def test_a_book_that_nobody_touched_is_whole(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    found = verify(database, book.id, key)
    assert (found.sentence, found.broken, found.erased) == ("", None, ())
    assert (found.head.seq, found.head.keyed) == (len(FACTS), key is not None)


def test_an_empty_book_is_whole(database: Database) -> None:
    found = verify(database, new_book(database).id, None)
    assert found.is_clean
    assert (found.head.seq, found.head.link) == (0, "")


def test_a_book_that_is_not_there_is_said(database: Database) -> None:
    with pytest.raises(StoreError, match="no book 12345678"):
        verify(database, 12_345_678, None)


@KEYS
def test_a_book_goes_on_where_its_chain_ended(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    with closing(SqlJournal(database, book.id, key)) as journal:
        assert journal.is_keyed == (key is not None)
        journal.append(9, 9, f.DayStarted(1))
        journal.commit(9, 9)
    assert verify(database, book.id, key).is_clean


def test_a_book_begun_without_a_key_goes_on_without_one(database: Database) -> None:
    book = kept(database, None)
    with closing(SqlJournal(database, book.id, KEY)) as journal:
        assert not journal.is_keyed
        journal.append(9, 9, f.DayStarted(1))
        journal.commit(9, 9)
    assert verify(database, book.id, KEY).is_clean


def test_a_book_begun_with_a_key_is_not_gone_on_with_without_it(database: Database) -> None:
    book = kept(database, KEY)
    with pytest.raises(UserError, match="chained with a key of the keyring, which is not at hand"):
        SqlJournal(database, book.id)
    with pytest.raises(UserError, match="the keyring holds"):
        SqlJournal(database, book.id, OTHER)
    with pytest.raises(UserError, match="not at hand"):
        verify(database, book.id, None)


def test_a_book_that_was_changed_at_its_end_is_not_gone_on_with(database: Database) -> None:
    book = kept(database, None)
    tamper(database, "DELETE FROM facts WHERE book_id = ? AND seq = 8", (book.id,))
    with pytest.raises(UserError, match="fact 8 is not the one it was sealed with"):
        SqlJournal(database, book.id)


def test_the_chain_leaves_the_lines_as_they_are(database: Database) -> None:
    plain, keyed = kept(database, None), kept(database, KEY)
    assert facts_sha256(database, plain.id) == facts_sha256(database, keyed.id)


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_keyed_link_is_hmac_sha256(key: bytes, data: bytes) -> None:
    assert scheme(key).digest(data) == hmac.digest(key, data, "sha256")


Attack = Callable[[Database, BookRow], None]


def edited(column: str, value: object) -> Attack:
    def attack(database: Database, book: BookRow) -> None:
        tamper(database, f"UPDATE facts SET {column} = ? WHERE book_id = ? AND seq = 4", (value, book.id))

    return attack


def edited_in_line(database: Database, book: BookRow) -> None:
    """Somebody would like to have been richer."""
    line = "UPDATE facts SET fact = replace(fact, '10000000000', '20000000000') WHERE book_id = ? AND seq = 4"
    tamper(database, line, (book.id,))


def edited_name(database: Database, book: BookRow) -> None:
    line = "UPDATE facts SET fact = replace(fact, 'U1234567', 'U7654321') WHERE book_id = ? AND seq = 1"
    tamper(database, line, (book.id,))


def deleted(database: Database, book: BookRow) -> None:
    tamper(database, "DELETE FROM facts WHERE book_id = ? AND seq IN (3, 4)", (book.id,))


def deleted_and_closed_up(database: Database, book: BookRow) -> None:
    with unguarded(database) as link:
        link.rows("DELETE FROM facts WHERE book_id = ? AND seq = 4", (book.id,))
        for seq in range(5, 9):
            link.rows("UPDATE facts SET seq = ? WHERE book_id = ? AND seq = ?", (seq - 1, book.id, seq))
        link.rows("UPDATE books SET facts = 7 WHERE id = ?", (book.id,))


def reordered(database: Database, book: BookRow) -> None:
    with unguarded(database) as link:
        for before, after in ((4, 99), (5, 4), (99, 5)):
            link.rows("UPDATE facts SET seq = ? WHERE book_id = ? AND seq = ?", (after, book.id, before))


def inserted(database: Database, book: BookRow) -> None:
    """With a link that fits, as anybody can compute it for a book without a key; what came before moves up."""
    with unguarded(database) as link:
        for seq in range(8, 3, -1):
            link.rows("UPDATE facts SET seq = ? WHERE book_id = ? AND seq = ?", (seq + 1, book.id, seq))
        line = '{"at":3,"equity":1,"kind":"DayStarted","peak":1,"seq":4,"step":2}'
        _add(link, book, 4, line)
        link.rows("UPDATE books SET facts = 9 WHERE id = ?", (book.id,))


def appended(database: Database, book: BookRow) -> None:
    with unguarded(database) as link:
        _add(link, book, 9, '{"at":3,"equity":1,"kind":"DayStarted","peak":1,"seq":9,"step":2}')


def put_before_the_first(database: Database, book: BookRow) -> None:
    with unguarded(database) as link:
        _add(link, book, 0, '{"at":3,"equity":1,"kind":"DayStarted","peak":1,"seq":0,"step":2}')


def tail_cut(database: Database, book: BookRow) -> None:
    tamper(database, "DELETE FROM facts WHERE book_id = ? AND seq > 6", (book.id,))


def tail_cut_and_book_moved_back(database: Database, book: BookRow) -> None:
    with unguarded(database) as link:
        link.rows("DELETE FROM facts WHERE book_id = ? AND seq > 6", (book.id,))
        link.rows("UPDATE books SET facts = 6, cursor = 3 WHERE id = ?", (book.id,))


def book_edited(change: str) -> Attack:
    return lambda database, book: tamper(database, f"UPDATE books SET {change} WHERE id = ?", (book.id,))


def _add(link: Link, book: BookRow, seq: int, line: str) -> None:
    before = link.rows("SELECT link FROM facts WHERE book_id = ? AND seq = ?", (book.id, seq - 1))
    chained = Chain(scheme(None), bytes(before[0][0]) if before else b"").lengthen([(book.id, seq, 2, 3, "DayStarted", line)])
    link.rows(
        "INSERT INTO facts (book_id, seq, step, at, kind, fact, salts, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", chained.rows[0]
    )


EDITED = "fact 4 was edited, or put in"
UNREADABLE = "fact 4 was edited: it cannot be read"
COLUMNS = "fact 4 was edited: its columns and its line disagree"
MOVED = "fact 4 was moved here, or written over: its line says it is fact 5"
ATTACKS: dict[str, tuple[Attack, int | None, str]] = {
    "a number in a line": (edited_in_line, 4, EDITED),
    "a name that is committed to": (edited_name, 1, "fact 1 was edited, or put in"),
    "no line": (edited("fact", "nonsense"), 4, UNREADABLE),
    "no object": (edited("fact", "[]"), 4, UNREADABLE),
    "its kind": (edited("kind", "ModeChanged"), 4, COLUMNS),
    "its time": (edited("at", 7), 4, COLUMNS),
    "its step": (edited("step", 7), 4, COLUMNS),
    "its link": (edited("link", b"0" * 32), 4, EDITED),
    "no link": (edited("link", None), 4, "fact 4 was inserted past this program"),
    "salts of nothing": (edited("salts", '{"peak":"00"}'), 4, UNREADABLE),
    "two deleted": (deleted, 3, "facts 3 to 4 were deleted: fact 5 comes after fact 2"),
    "deleted and closed up": (deleted_and_closed_up, 4, MOVED),
    "reordered": (reordered, 4, MOVED),
    "appended": (appended, 9, "fact 9 was"),
    "before the first": (put_before_the_first, 0, "fact 0 was inserted: the first fact of a book is fact 1"),
    "tail cut": (tail_cut, 7, "facts 7 to 8 were cut off the end"),
    "tail cut and book moved back": (tail_cut_and_book_moved_back, 6, "the book's seal does not fit fact 6"),
    "a longer book": (book_edited("facts = 9"), 9, "fact 9 was cut off the end"),
    "a shorter book": (book_edited("facts = 7"), 8, "fact 8 was added past this program"),
    "no seal": (book_edited("seal = NULL"), 8, "the book's seal does not fit fact 8"),
    "another seal": (book_edited("seal = 'nothing'"), None, "the seal of book"),
    "another book": (book_edited("created_at = created_at + 1"), 1, "fact 1 was edited, or put in"),
}


@KEYS
@pytest.mark.parametrize("name", ATTACKS)
def test_fault_52_what_was_done_to_the_books_is_found_and_placed(database: Database, key: bytes | None, name: str) -> None:
    attack, broken, said = ATTACKS[name]
    book = kept(database, key)
    attack(database, book)
    found = verify(database, book.id, key)
    assert said in found.sentence
    assert found.broken == broken


@KEYS
def test_fault_52_a_fact_put_in_between_is_found_where_the_chain_stops_fitting(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    inserted(database, book)
    found = verify(database, book.id, key)
    assert found.broken == (5 if key is None else 4)
    assert "fact" in found.sentence


def test_fault_52_with_another_key_nothing_is_taken_for_whole(database: Database) -> None:
    book = kept(database, KEY)
    found = verify(database, book.id, OTHER)
    assert "the keyring holds" in found.sentence
    forged = str(book.seal).replace(scheme(KEY).name, scheme(OTHER).name)
    tamper(database, "UPDATE books SET seal = ? WHERE id = ?", (forged, book.id))
    assert verify(database, book.id, OTHER).broken == 1


def anew(database: Database, book: BookRow, facts: int) -> None:
    """The whole chain computed again without a key, over the first facts only, with one of them changed."""
    plain = scheme(None)
    chain = Chain(plain, plain.first(book.id, book.created_at))
    with unguarded(database) as link:
        link.rows("DELETE FROM facts WHERE book_id = ? AND seq > ?", (book.id, facts))
        link.rows("UPDATE facts SET fact = replace(fact, 'USD', 'EUR') WHERE book_id = ? AND seq = 1", (book.id,))
        rows = link.rows("SELECT book_id, seq, step, at, kind, fact FROM facts WHERE book_id = ? ORDER BY seq", (book.id,))
        longer = chain.lengthen(rows)  # type: ignore[arg-type]  # rows as read are tuples
        for row in longer.rows:
            link.rows("UPDATE facts SET salts = ?, link = ? WHERE book_id = ? AND seq = ?", (row[6], row[7], book.id, row[1]))
        link.rows("UPDATE books SET facts = ?, seal = ? WHERE id = ?", (facts, longer.seal, book.id))


def test_fault_52_a_book_without_a_key_that_was_written_anew_shows_against_its_head(database: Database) -> None:
    book = kept(database, None)
    head = verify(database, book.id, None).head
    anew(database, book, 6)
    assert verify(database, book.id, None).is_clean
    found = verify(database, book.id, None, head)
    assert (found.broken, found.sentence) == (7, "facts 7 to 8 were cut off the end: the head kept elsewhere has them")
    anew(database, book, 6)
    found = verify(database, book.id, None, head._replace(seq=6))
    assert "were written anew" in found.sentence


def test_fault_52_a_book_with_a_key_that_was_written_anew_says_that_it_has_none_now(database: Database) -> None:
    book = kept(database, KEY)
    head = verify(database, book.id, KEY).head
    anew(database, book, 8)
    found = verify(database, book.id, KEY)
    assert (found.is_clean, found.head.keyed) == (True, False)
    assert not verify(database, book.id, KEY, head).is_clean


def test_fault_52_no_book_passes_for_another(database: Database) -> None:
    first, second = kept(database, KEY), kept(database, KEY)
    with unguarded(database) as link:
        link.rows("DELETE FROM facts WHERE book_id = ?", (second.id,))
        link.rows("UPDATE facts SET book_id = ? WHERE book_id = ?", (second.id, first.id))
        link.rows("UPDATE books SET seal = ? WHERE id = ?", (first.seal, second.id))
    assert verify(database, second.id, KEY).broken == 1


def test_a_head_kept_before_more_facts_came_still_fits(database: Database) -> None:
    book = kept(database, KEY)
    head = verify(database, book.id, KEY).head
    with closing(SqlJournal(database, book.id, KEY)) as journal:
        journal.append(9, 9, f.DayStarted(1))
        journal.commit(9, 9)
    assert verify(database, book.id, KEY, head).is_clean


ROW = ("seq", "step", "at", "kind", "fact", "salts", "link")


@pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_fault_52_any_byte_of_any_fact_that_is_changed_is_found(chained: Chained, key: bytes | None, data: st.DataObject) -> None:
    database, books = chained
    book = books[key]
    seq = data.draw(st.integers(1, len(FACTS)), "fact")
    column = data.draw(st.sampled_from(ROW), "column")
    with unguarded(database) as link:
        where = "WHERE book_id = ? AND seq = ?"
        before = link.rows(f"SELECT {column} FROM facts {where}", (book.id, seq))[0][0]
        after = data.draw(_another(before), "value")
        link.rows(f"UPDATE facts SET {column} = ? {where}", (after, book.id, seq))
        moved = after if column == "seq" else seq
        found = verify(database, book.id, key)
        link.rows(f"UPDATE facts SET {column} = ? {where}", (before, book.id, moved))
    assert_found(found, seq)
    assert verify(database, book.id, key).is_clean


def assert_found(found: Verified, seq: int) -> None:
    """At the fact itself, or before it where it was moved to the front."""
    assert not found.is_clean
    assert found.broken is not None
    assert found.broken <= seq


Chained = tuple[Database, dict[bytes | None, BookRow]]


@pytest.fixture(scope="module")
def chained(database: Database) -> Chained:
    return database, {key: kept(database, key) for key in (None, KEY)}


@st.composite
def _another(draw: st.DrawFn, before: object) -> object:
    """A value that differs in one byte; another number; something where nothing was."""
    if before is None:
        return draw(st.sampled_from(['{"account":"00"}', "{}", "", '{"seq":"00"}']))
    if isinstance(before, int):
        return draw(st.integers(100, 2**40) if draw(st.booleans()) else st.just(before + 100))
    # text or bytes, by the column
    data = bytearray(before.encode() if isinstance(before, str) else bytes(before))  # type: ignore[arg-type]
    place = draw(st.integers(0, len(data) - 1))
    data[place] = draw(st.integers(32, 126).filter(lambda byte: byte != data[place]))
    return data.decode("ascii") if isinstance(before, str) else bytes(data)


@KEYS
def test_fault_52_any_byte_of_the_seal_that_is_changed_is_found(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    seal = str(book.seal)
    for place in range(len(seal)):
        forged = seal[:place] + chr(ord(seal[place]) ^ 1) + seal[place + 1 :]
        tamper(database, "UPDATE books SET seal = ? WHERE id = ?", (forged, book.id))
        assert not verify(database, book.id, key).is_clean
