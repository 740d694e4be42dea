"""The audit trail and the exports from the command line, on books of a whole run."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.cli import run
from engine.domain import facts as f
from engine.services.sheets import safe
from engine.storage.database import open_books
from tests.engine.storage.sessions import facts_of, finish, history, play
from tests.engine.storage.tampering import kept, tamper

Out = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path / "home"))


@pytest.fixture
def db(tmp_path: Path) -> str:
    """The books of a finished run."""
    url = f"sqlite:///{tmp_path}/books.db"
    finish(url, history(tmp_path))
    return url


def said(capsys: Out) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_whole_run_verifies_and_says_that_it_has_no_key(db: str, capsys: Out) -> None:
    assert run(["audit", "verify", "--db", db, "--json"]) == 0
    verdict = said(capsys)
    assert (verdict["clean"], verdict["keyed"], verdict["broken"], verdict["book"]) == (True, False, None, 1)
    assert verdict["facts"] > 50
    assert "chained without a key" in verdict["note"]
    assert run(["audit", "verify", "--db", db]) == 0
    assert "the chain is whole (chained without a key" in capsys.readouterr().out


def test_a_broken_book_is_named_with_its_first_broken_fact(db: str, capsys: Out) -> None:
    with open_books(db) as database:
        first = database.rows("SELECT min(seq) FROM facts WHERE kind = 'OrderFilled'")[0][0]
        tamper(database, "UPDATE facts SET fact = replace(fact, 'quantity', 'quantitx') WHERE kind = 'OrderFilled'")
    assert run(["audit", "verify", "--book", "1", "--db", db, "--json"]) == 1
    verdict = said(capsys)
    assert (verdict["clean"], verdict["broken"]) == (False, first)
    assert run(["audit", "verify", "--db", db]) == 1
    assert f"book 1 is broken: fact {first} was edited" in capsys.readouterr().out


def test_a_tail_cut_together_with_the_books_row_shows_against_a_head_kept_elsewhere(db: str, tmp_path: Path, capsys: Out) -> None:
    assert run(["audit", "head", "--db", db, "--json"]) == 0
    head = tmp_path / "head.json"
    head.write_text(capsys.readouterr().out)
    assert run(["audit", "verify", "--db", db, "--head", str(head)]) == 0
    with open_books(db) as database:
        tamper(database, "DELETE FROM facts")
        tamper(database, "UPDATE books SET facts = 0, seal = NULL, cursor = 0")
    assert run(["audit", "verify", "--db", db]) == 0
    assert run(["audit", "verify", "--db", db, "--head", str(head), "--json"]) == 1
    capsys.readouterr()
    with open_books(db) as database:
        tamper(database, "DELETE FROM books")
    assert run(["audit", "verify", "--db", db, "--head", str(head), "--json"]) == 1
    verdict = said(capsys)
    assert (verdict["broken"], verdict["sentence"][:27]) == (1, "the whole book 1 is gone, o")


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"book": 1}', '{"book":true,"created_at":1,"seq":1,"link":"","keyed":false}']
)
def test_a_file_that_is_no_head_is_refused(db: str, tmp_path: Path, capsys: Out, text: str) -> None:
    head = tmp_path / "head.json"
    head.write_text(text)
    assert run(["audit", "verify", "--db", db, "--head", str(head)]) == 2
    assert "holds no head of a book" in capsys.readouterr().err


def test_a_head_that_is_not_there_or_of_another_book_is_refused(db: str, tmp_path: Path, capsys: Out) -> None:
    head = tmp_path / "head.json"
    assert run(["audit", "verify", "--db", db, "--head", str(head)]) == 2
    assert "cannot read" in capsys.readouterr().err
    assert run(["audit", "head", "--db", db, "--json"]) == 0
    head.write_text(capsys.readouterr().out)
    assert run(["audit", "verify", "--db", db, "--head", str(head), "--book", "2"]) == 2
    assert "is the head of book 1, not of book 2" in capsys.readouterr().err


def test_a_broken_book_has_no_head(db: str, capsys: Out) -> None:
    with open_books(db) as database:
        tamper(database, "DELETE FROM facts WHERE seq = 7")
    assert run(["audit", "head", "--db", db]) == 2
    assert "fact 7 was deleted" in capsys.readouterr().err


def test_what_is_personal_is_erased_and_the_book_verifies_before_and_after(tmp_path: Path, capsys: Out) -> None:
    url = f"{tmp_path}/books.db"
    with open_books(url) as database:
        kept(database, None)
    assert run(["audit", "verify", "--db", url]) == 0
    assert run(["audit", "erase", "--db", url, "--book", "1", "--reason", "asked for", "--json"]) == 0
    assert said(capsys) == {"books": [{"book": 1, "facts": [1, 2, 3, 5]}]}
    assert run(["audit", "verify", "--db", url, "--json"]) == 0
    assert said(capsys)["erased"] == [1, 2, 3, 5]
    assert run(["audit", "books", "--db", url]) == 0
    assert run(["export", "facts", "--db", url]) == 0
    assert "U1234567" not in capsys.readouterr().out


def test_old_finished_books_are_erased_together_and_others_stay(db: str, tmp_path: Path, capsys: Out) -> None:
    play(db, history(tmp_path, 300), 100)
    assert run(["audit", "erase", "--db", db, "--before", "2100-01-01", "--reason", "kept long enough", "--json"]) == 0
    assert [each["book"] for each in said(capsys)["books"]] == [1]
    assert run(["audit", "erase", "--db", db, "--before", "2000-01-01", "--reason", "x", "--json"]) == 0
    assert said(capsys) == {"books": []}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--reason", "x"], "name what to erase from"),
        (["--reason", "x", "--book", "1", "--before", "2024-01-31"], "name what to erase from"),
        (["--reason", "x", "--before", "tomorrow"], "is not a time"),
        (["--reason", "", "--book", "1"], "give --reason"),
        (["--reason", "x", "--book", "9"], "no book 9"),
    ],
)
def test_an_erasure_that_is_not_clear_is_refused(db: str, capsys: Out, words: list[str], why: str) -> None:
    assert run(["audit", "erase", "--db", db, *words]) == 2
    assert why in capsys.readouterr().err


def sheet(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))


@pytest.mark.parametrize("table", ["facts", "orders", "fills", "positions"])
def test_tables_say_the_same_as_csv_and_as_parquet(db: str, tmp_path: Path, capsys: Out, table: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run(["export", table, f"{tmp_path}/it.csv", "--db", db, "--json"]) == 0
    done = said(capsys)
    assert run(["export", table, f"{tmp_path}/it.parquet", "--db", db]) == 0
    rows = sheet(tmp_path / "it.csv")
    same = parquet.read_table(f"{tmp_path}/it.parquet").to_pylist()
    assert len(rows) == len(same) == done["rows"] > 0
    assert list(rows[0]) == list(same[0])
    for one, other in zip(rows, same, strict=True):
        for name, value in other.items():
            if isinstance(value, Decimal):
                assert Decimal(one[name]) == value
            elif isinstance(value, str | int):
                assert one[name] == str(value)
            else:
                assert (one[name] == "") == (value is None)
    capsys.readouterr()
    assert run(["export", table, "--format", "csv", "--db", db]) == 0
    assert capsys.readouterr().out == (tmp_path / "it.csv").read_text(encoding="utf-8")


def test_money_and_prices_are_those_of_the_books(db: str, tmp_path: Path) -> None:
    for table in ("orders", "fills", "positions"):
        assert run(["export", table, f"{tmp_path}/{table}.csv", "--db", db]) == 0
    fills, (position,) = sheet(tmp_path / "fills.csv"), sheet(tmp_path / "positions.csv")
    assert sum(Decimal(fill["realised"]) for fill in fills) == Decimal(position["realised"])
    assert any(Decimal(fill["realised"]) < 0 for fill in fills)
    assert all(1000 < Decimal(fill["price"]) < 3000 for fill in fills)
    held = sum(Decimal(fill["lots"]) * (1 if fill["side"] == "buy" else -1) for fill in fills)
    assert held == Decimal(position["lots"])
    filled = {order["order_id"]: order for order in sheet(tmp_path / "orders.csv") if order["average_price"]}
    assert {fill["order_id"] for fill in fills} == set(filled)


def test_facts_are_printed_as_they_are_hashed(db: str, capsys: Out) -> None:
    from hashlib import sha256

    assert run(["export", "facts", "--db", db]) == 0
    assert sha256(capsys.readouterr().out.encode()).hexdigest() == facts_of(db)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["orders", "{folder}/it.xlsx"], "it.xlsx is neither csv nor parquet"),
        (["orders", "{folder}/it.csv", "--format", "xml"], "it.csv is neither csv nor parquet"),
        (["orders", "--format", "parquet"], "name the file to write"),
        (["orders", "--json"], "name the file to write"),
        (["orders", "{folder}/books.db", "--format", "csv"], "exists"),
    ],
)
def test_an_export_that_cannot_be_is_refused(db: str, tmp_path: Path, capsys: Out, words: list[str], why: str) -> None:
    assert run(["export", *(word.format(folder=tmp_path) for word in words), "--db", db]) == 2
    assert why in capsys.readouterr().err


FORMULAS = ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "\uff1d1+1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_fault_74_exported_text_is_no_formula(tmp_path: Path, text: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    url = f"{tmp_path}/books.db"
    order = f.OrderDenied(text, "XAUUSD", "buy", "limit", 1, "entry", 100, None, "GTC", None, False, "", "", "", text, (), 0)
    listed = f.InstrumentListed("XAUUSD", "0.01", "0.01", "100", "USD", 10_000)
    with open_books(url) as database:
        kept(database, None, [f.AccountOpened("paper", "USD", 1), listed, order])
    for file in ("it.csv", "it.parquet"):
        assert run(["export", "orders", f"{tmp_path}/{file}", "--db", url]) == 0
    (row,) = sheet(tmp_path / "it.csv")
    (same,) = parquet.read_table(f"{tmp_path}/it.parquet").to_pylist()
    assert (row["order_id"], row["reason"], row["limit_price"]) == (f"'{text}", f"'{text}", "1.00")
    assert (same["order_id"], same["reason"]) == (f"'{text}", f"'{text}")


@given(st.text())
@example("-5")
def test_fault_74_no_text_begins_as_a_formula_and_none_is_lost(text: str) -> None:
    cell = safe(text)
    assert cell in (text, f"'{text}")
    if not cell.startswith("'"):
        assert not cell or cell[0] not in "=+-@\t\r" or Decimal(cell) < 0 or Decimal(cell) == 0


@pytest.mark.parametrize("number", ["-5", "-0.25", "-1234567.000001"])
def test_fault_74_negative_numbers_stay_numbers(number: str) -> None:
    assert safe(number) == number
