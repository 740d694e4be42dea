"""The list of mutants fits the code, so that it cannot rot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.live.opening import _prefix
from engine.storage.books import Books
from engine.storage.database import open_books
from tests.mutants.mutants import MUTANTS, Mutant
from tests.mutants.trial import faults, tried


def test_every_mutant_changes_a_text_that_stands_once_and_names_tests_that_are_there() -> None:
    assert faults(MUTANTS) == []
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
    assert all(mutant.old != mutant.new and mutant.nodes for mutant in MUTANTS)


def test_a_text_that_is_gone_and_a_test_that_is_gone_are_said() -> None:
    mutant = replace(MUTANTS[0], old="this stands nowhere", nodes=("tests/live/test_kill.py::test_that_never_was",))
    assert len(faults([mutant])) == 2


def test_a_mutant_is_killed_by_a_test_that_fails_and_survives_one_that_does_not(tmp_path: Path) -> None:
    source, test = tmp_path / "two.py", tmp_path / "test_two.py"
    source.write_text("TWO = 2\n")
    test.write_text("from two import TWO\n\n\ndef test_two():\n    assert TWO == 2\n\n\ndef test_kind():\n    assert TWO\n")
    mutant = Mutant("two is three", "two.py", "TWO = 2", "TWO = 3", ("test_two.py::test_two",))
    killed = tried(mutant, tmp_path)
    assert (killed.outcome, killed.by) == ("killed", "test_two.py::test_two")
    assert tried(replace(mutant, nodes=("test_two.py::test_kind",)), tmp_path).outcome == "survived"
    assert tried(replace(mutant, nodes=("test_two.py::test_none",)), tmp_path).outcome == "error"
    assert source.read_text() == "TWO = 2\n"


def test_two_books_name_their_orders_differently(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        with open_books(f"sqlite:///{(tmp_path / name).as_posix()}.db") as database:
            made.append(_prefix(Books(database).open("run", "account", "data", "{}", 1_000 + len(made)), 2_000))
    assert made[0] != made[1]
    assert all(prefix.startswith("NG") and len(prefix) == 11 for prefix in made)
