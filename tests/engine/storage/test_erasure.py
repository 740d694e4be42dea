"""What is personal goes for good, the chain stays whole, and facts change in no other way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import StoreError, UserError
from engine.domain.facts import IntentReceived, parse
from engine.services.databases import copy, downgrade, upgrade
from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.database import Database, open_books
from engine.storage.erasure import erase
from engine.storage.journal import SqlJournal, export_lines
from engine.storage.lock import holding_all
from engine.storage.personal import ERASED, committed, erased_of, salted
from engine.storage.verification import verify
from tests.engine.storage.sessions import facts_of, finish, history, play
from tests.engine.storage.tampering import FACTS, KEY, PERSONAL, kept, tamper

KEYS = pytest.mark.parametrize("key", [None, KEY], ids=["without a key", "with a key"])
WORDS = ("U1234567", "my wife", "W\\u00fcrzburg")


@pytest.fixture
def own_books(url: str) -> Iterator[Database]:
    """Books that a test may spoil."""
    with open_books(url) as opened:
        yield opened


@KEYS
def test_what_is_personal_is_gone_and_the_chain_is_whole(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    before = verify(database, book.id, key)
    assert any(word in line for line in export_lines(database, book.id) for word in WORDS)
    assert erase(database, book, 99, "asked for").facts == PERSONAL
    after = verify(database, book.id, key, before.head)
    assert after.is_clean
    assert (after.head, after.erased) == (before.head, PERSONAL)
    lines = list(export_lines(database, book.id))
    assert not any(word in line for line in lines for word in WORDS)
    assert [parse(line).seq for line in lines] == list(range(1, len(FACTS) + 1))
    assert audit_books(database, book.id).is_clean


def test_what_is_not_personal_stays(database: Database) -> None:
    book = kept(database, None)
    before = list(export_lines(database, book.id))
    erase(database, book, 99, "asked for")
    after = list(export_lines(database, book.id))
    same = [number for number, (one, other) in enumerate(zip(before, after, strict=True), 1) if one == other]
    assert same == [number for number in range(1, len(FACTS) + 1) if number not in PERSONAL]
    intent = json.loads(json.loads(after[1])["intent"])
    assert (intent["kind"], intent["signal"]) == ("VetoCard", "s1")
    assert intent["reason"].startswith(ERASED)


def test_the_books_row_keeps_neither_the_name_nor_what_it_was_hashed_from(database: Database) -> None:
    book = kept(database, None)
    Books(database).finish(book, '{"equity_end":"1","facts_sha256":"aa"}')
    erase(database, Books(database).get(book.id) or book, 99, "asked for")
    after = Books(database).get(book.id)
    assert after is not None
    assert (after.account, after.description, after.summary) == ("erased", "{}", '{"equity_end": "1"}')
    assert after.is_finished
    assert Books(database).find(book.run_id) is None


def test_an_erasure_is_recorded_and_may_be_done_again(database: Database) -> None:
    book = kept(database, None)
    erase(database, book, 99, "asked for")
    again = Books(database).get(book.id) or book
    assert erase(database, again, 100, "asked twice").facts == ()
    records = database.rows("SELECT seq, at, reason FROM erasures WHERE book_id = ? ORDER BY seq", (book.id,))
    assert records == [(seq, 99, "asked for") for seq in PERSONAL]
    assert verify(database, book.id, None).erased == PERSONAL


@KEYS
def test_an_erased_value_that_is_edited_is_found(database: Database, key: bytes | None) -> None:
    book = kept(database, key)
    erase(database, book, 99, "asked for")
    tamper(database, "UPDATE facts SET fact = replace(fact, 'erased:', 'Erased:') WHERE book_id = ? AND seq = 3", (book.id,))
    assert verify(database, book.id, key).broken == 3


def test_an_erasure_that_nobody_recorded_is_found(database: Database) -> None:
    book = kept(database, KEY)
    line, salts = database.rows("SELECT fact, salts FROM facts WHERE book_id = ? AND seq = 3", (book.id,))[0]
    tamper(database, "UPDATE facts SET fact = ?, salts = NULL WHERE book_id = ? AND seq = 3", (committed(line, salts), book.id))
    found = verify(database, book.id, KEY)
    assert (found.broken, found.sentence) == (3, "fact 3 was erased, and no record says so")


def test_a_fact_that_was_edited_is_not_erased(database: Database) -> None:
    book = kept(database, None)
    tamper(database, "UPDATE facts SET salts = '{}' WHERE book_id = ? AND seq = 3", (book.id,))
    with pytest.raises(StoreError, match="fact 3 was edited; nothing was erased"):
        erase(database, book, 99, "asked for")
    assert database.rows("SELECT count(*) FROM erasures WHERE book_id = ?", (book.id,)) == [(0,)]


def test_nothing_is_erased_under_a_running_session(database: Database) -> None:
    book = kept(database, None)
    with holding_all(database, [book.id]), pytest.raises(UserError, match="open in another program"):
        erase(database, book, 99, "asked for")


def test_no_byte_of_what_was_erased_stays_in_the_file(tmp_path: Path) -> None:
    with open_books(f"{tmp_path}/books.db") as database:
        book = kept(database, None)
        erase(database, book, 99, "asked for")
        left = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"asked for" in left
    assert b"U1234567" not in left
    assert b"my wife" not in left


def test_a_run_begins_anew_after_its_book_was_erased(url: str, tmp_path: Path) -> None:
    file = history(tmp_path)
    play(url, file, 600)
    with open_books(url) as database:
        erase(database, Books(database).list()[0], 99, "asked for")
    finish(url, file)
    with open_books(url) as database:
        assert [book.run_id.startswith(ERASED) for book in Books(database).list()] == [True, False]
        assert all(verify(database, number, None).is_clean for number in (1, 2))
        assert audit_books(database, 1).is_clean
    assert facts_of(url, 1) != facts_of(url, 2)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE facts SET fact = '{{}}' WHERE book_id = {book} AND seq = 4",
        "UPDATE facts SET fact = '{{}}', salts = NULL WHERE book_id = {book} AND seq = 3",
        "UPDATE facts SET seq = 99 WHERE book_id = {book} AND seq = 4",
        "UPDATE facts SET link = NULL WHERE book_id = {book} AND seq = 4",
        "DELETE FROM facts WHERE book_id = {book} AND seq = 8",
        "DELETE FROM facts WHERE book_id = {book}",
    ],
)
def test_facts_are_neither_changed_nor_removed(database: Database, sql: str) -> None:
    book = kept(database, None)
    with pytest.raises(StoreError, match="append-only"):
        database.rows(sql.format(book=book.id))
    assert verify(database, book.id, None).is_clean


@pytest.mark.parametrize("sql", ["UPDATE erasures SET reason = ''", "DELETE FROM erasures"])
def test_records_of_erasures_are_neither_changed_nor_removed(database: Database, sql: str) -> None:
    erase(database, kept(database, None), 99, "asked for")
    with pytest.raises(StoreError, match="append-only"):
        database.rows(sql)


@pytest.mark.parametrize("what", ["kind = 'ModeChanged'", "link = NULL", "at = 7", "step = 7", "seq = 99", "book_id = 0"])
def test_a_recorded_erasure_changes_nothing_but_the_line(database: Database, what: str) -> None:
    book = kept(database, None)
    database.rows("INSERT INTO erasures (book_id, seq, at, reason) VALUES (?, 3, 99, 'asked for')", (book.id,))
    with pytest.raises(StoreError, match="append-only"):
        database.rows(f"UPDATE facts SET fact = '{{}}', salts = NULL, {what} WHERE book_id = ? AND seq = 3", (book.id,))
    with pytest.raises(StoreError, match="append-only"):
        database.rows("UPDATE facts SET fact = '{}' WHERE book_id = ? AND seq = 3", (book.id,))


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_a_fact_is_not_replaced_by_one_with_its_number(tmp_path: Path, verb: str) -> None:
    with open_books(f"{tmp_path}/books.db") as database:
        book = kept(database, None)
        with pytest.raises(StoreError, match="append-only"):
            database.rows(f"{verb} facts (book_id, seq, step, at, kind, fact) VALUES (?, 4, 2, 3, 'x', '{{}}')", (book.id,))
        assert verify(database, book.id, None).is_clean


def test_books_of_before_are_chained_when_they_are_migrated(url: str, tmp_path: Path) -> None:
    file = history(tmp_path)
    play(url, file, 600)
    with open_books(url) as database:
        kept(database, None)
    downgrade(url, "books:0002", force=False)
    upgrade(url, None)
    with open_books(url) as database:
        assert [verify(database, number, None).is_clean for number in (1, 2)] == [True, True]
        assert erase(database, Books(database).list()[1], 99, "asked for").facts == PERSONAL
        assert verify(database, 2, None).erased == PERSONAL
    whole = finish(url, file)
    with open_books(url) as database:
        assert verify(database, 1, None).is_clean
    assert whole == finish(f"sqlite:///{tmp_path}/other.db", file)


def test_books_are_copied_with_their_chain_and_their_erasures(url: str, tmp_path: Path) -> None:
    with open_books(url) as database:
        kept(database, KEY)
        erase(database, kept(database, KEY), 99, "asked for")
    copied = copy(url, f"sqlite:///{tmp_path}/copy.db", lambda *_: None)
    assert copied.is_clean
    with open_books(f"sqlite:///{tmp_path}/copy.db") as database:
        assert [verify(database, number, KEY).erased for number in (1, 2)] == [(), PERSONAL]
        assert all(verify(database, number, KEY).is_clean for number in (1, 2))
        with pytest.raises(StoreError, match="append-only"):
            database.rows("DELETE FROM facts")


TEXT = st.text(max_size=60)


@given(TEXT, TEXT, st.binary(min_size=16, max_size=16))
def test_a_commitment_does_not_show_its_value_and_fits_no_other(value: str, other: str, salt: bytes) -> None:
    line = json.dumps({"account": value, "kind": "AccountOpened"}, sort_keys=True, separators=(",", ":"))
    salts = salted("AccountOpened", line, lambda _: salt)
    assert (salts is None) == (not value)
    if salts is None:
        assert committed(line, salts) == line
        return
    chained = committed(line, salts)
    assert erased_of("AccountOpened", chained) == ("account",)
    if other and other != value:
        lied = json.dumps({"account": other, "kind": "AccountOpened"}, sort_keys=True, separators=(",", ":"))
        assert committed(lied, salts) != chained


@pytest.mark.parametrize(
    "intent", ["not json", "[]", '{"kind": "Halt", "reason": "spaced"}', '{"kind":"Halt","reason":7}', '"x"']
)
def test_an_intent_that_is_not_ours_is_chained_as_it_is(intent: str) -> None:
    line = json.dumps({"by": "api", "intent": intent, "kind": "IntentReceived"}, separators=(",", ":"))
    assert salted("IntentReceived", line, bytes) is None


def test_a_book_goes_on_being_written_when_an_intent_is_not_ours(own_books: Database) -> None:
    book = kept(own_books, None)
    with closing(SqlJournal(own_books, book.id)) as journal:
        journal.append(9, 9, IntentReceived("not json", "api"))
        journal.commit(9, 9)
    assert verify(own_books, book.id, None).is_clean
