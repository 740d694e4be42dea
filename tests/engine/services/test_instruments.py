"""Listing, editing and checking instruments, at the command line as its users do."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

import pytest

from app.cli import run
from engine.core.clock import DAY, Nanos, SystemClock, from_iso
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS
from engine.domain.revision import changed, differences
from engine.domain.shipped import shipped_definition, shipped_keys
from engine.services.instruments import history, in_force, listed, next_closures, next_rolls, save, show
from engine.storage.database import open_books
from tests.engine.storage.conftest import BOTH, new_url
from tests.engine.storage.conftest import postgres_url as postgres_url
from tests.engine.storage.test_instruments import bought
from tests.engine.storage.test_views import written


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return new_url(request.param, request, tmp_path_factory)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = run(["instruments", *words])
    spoken = capsys.readouterr()
    return code, spoken.out, spoken.err


def test_an_edit_is_in_force_at_once_and_what_was_is_kept(url: str) -> None:
    gold = show("xauusd", url)
    assert (gold.version, gold.reason) == (0, "as shipped")
    saved = save(url, changed(gold.definition, {"financing.long": "-42.1"}), "the broker's new swap")
    assert in_force("XAUUSD", url).financing_long == 421_000
    assert in_force("XAUUSD", url).definition == saved.sha256 != gold.sha256
    assert [each.version for each in history("XAUUSD", url)] == [0, 1]
    save(url, gold.definition, "back to what it was")
    assert [each.sha256 for each in history("XAUUSD", url)] == [gold.sha256, saved.sha256, gold.sha256]
    assert [change.line() for change in differences(gold.definition, saved.definition)] == ["financing.long: -12 -> -42.1"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program keeps the books to itself."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_books_that_cannot_be_read_do_not_mean_shipped_terms(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    save(str(path), changed(show("XAUUSD", str(path)).definition, {"price.spread": "77"}), "the broker's spread")
    with locked(path), pytest.raises(UserError, match="cannot be used as a database: database is locked"):
        in_force("XAUUSD", str(path))
    assert in_force("XAUUSD", str(path)).spread == 77


def test_the_window_does_not_open_over_books_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "books.db"
    path.write_text("no database at all", "ascii")
    assert run(["--db", str(path)]) == 2
    assert "cannot be used as a database: file is not a database" in capsys.readouterr().err


def test_terms_in_books_that_are_not_there_yet_are_as_shipped(tmp_path: Path) -> None:
    assert in_force("XAUUSD", str(tmp_path / "none.db")).spread == 20


def in_days(count: int) -> Nanos:
    return SystemClock().now() + count * DAY


def test_an_edit_that_begins_later_is_not_in_force_yet(url: str) -> None:
    gold = show("XAUUSD", url).definition
    save(url, changed(gold, {"price.spread": "33"}), "from next year", in_days(365))
    assert show("XAUUSD", url).version == 0
    assert show("XAUUSD", url, 1).definition.price.spread == 33
    assert (in_force("XAUUSD", url).spread, listed(url)[0].definition.price.spread) == (20, 20)


def test_a_version_that_has_not_begun_is_in_nobody_s_way(url: str) -> None:
    gold = show("XAUUSD", url).definition
    save(url, changed(gold, {"price.spread": "33"}), "too far on", in_days(3_000))
    sooner = save(url, changed(gold, {"price.spread": "34"}), "sooner", in_days(30))
    with pytest.raises(UserError, match="is as its version 2 says already; nothing was changed"):
        save(url, sooner.definition, "later", in_days(40))
    save(url, sooner.definition, "at once")
    assert [each.version for each in history("XAUUSD", url)] == [0, 1, 2, 3]
    assert (show("XAUUSD", url).version, in_force("XAUUSD", url).spread) == (3, 34)


def test_a_version_does_not_begin_before_the_one_in_force(url: str) -> None:
    gold = show("XAUUSD", url).definition
    save(url, changed(gold, {"price.spread": "33"}), "theirs")
    with pytest.raises(UserError, match="XAUUSD version 1 began later, at 20"):
        save(url, changed(gold, {"price.spread": "34"}), "back in time", in_days(-1))


def test_an_instrument_that_has_not_begun_is_shown_and_may_begin_at_once(url: str) -> None:
    mine = shipped_definition("XAUUSD").model_copy(update={"symbol": "XPTUSD"})
    save(url, mine, "next month", in_days(30))
    assert show("XPTUSD", url).version == 1
    assert "XPTUSD" not in [each.key for each in listed(url)]
    save(url, mine, "now after all")
    assert listed(url)[-1].key == "XPTUSD"


def test_what_a_position_keeps_is_what_is_in_force(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/books.db"
    gold = show("XAUUSD", url).definition
    finer = save(url, changed(gold, {"size.contract": "10"}), "later", in_days(30)).definition
    with open_books(url) as database:
        written(database, bought(sold_again=False))
    with pytest.raises(UserError, match=r"size.contract cannot change from 100 to 10 while book 1 holds a position"):
        save(url, finer, "now")
    save(url, gold, "never")


@pytest.mark.parametrize("starts", ["0001-01-01", "1969-12-31", "2206-01-01", "9999-01-01"])
def test_a_version_begins_within_ten_years(tmp_path: Path, capsys: pytest.CaptureFixture[str], starts: str) -> None:
    books = ("--db", str(tmp_path / "books.db"))
    code, _, error = said(capsys, "set", "XAUUSD", "price.spread=30", "--starts", starts, "--reason", "x", *books)
    assert code == 2
    assert f"a version cannot begin at {starts}T00:00:00Z; name a time from 1970-01-01 until 20" in error


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"price.spread": "20"}, "is as its version 0 says already; nothing was changed"),
        ({"holidays.calendar": "NOPE"}, "'NOPE' is no exchange calendar"),
        ({"price.tick": "0.1"}, r"price.tick cannot change from 0.01 to 0.1 while book 1 holds a position in XAUUSD; close it"),
        ({"size.contract": "10"}, "size.contract cannot change"),
        ({"size.currency": "EUR"}, "size.currency cannot change"),
    ],
)
def test_what_may_not_change_is_refused_in_a_sentence(tmp_path: Path, values: dict[str, str], words: str) -> None:
    url = f"sqlite:///{tmp_path}/books.db"
    with open_books(url) as database:
        written(database, bought(sold_again=False))
    with pytest.raises(UserError, match=words):
        save(url, changed(show("XAUUSD", url).definition, values), "because")
    assert [each.version for each in history("XAUUSD", url)] == [0]
    save(url, changed(show("XAUUSD", url).definition, {"financing.long": "-1"}), "costs may change under a position")


def test_an_edit_that_began_from_an_older_version_is_refused(url: str) -> None:
    gold = show("XAUUSD", url).definition
    save(url, changed(gold, {"price.spread": "21"}), "theirs")
    with pytest.raises(UserError, match="XAUUSD was changed meanwhile"):
        save(url, changed(gold, {"price.spread": "22"}), "ours", follows=0)


def test_the_next_closures_are_named() -> None:
    lines = next_closures(shipped_definition("XAUUSD"), 3, from_iso("2024-11-20"))
    assert lines == [
        "Thu 2024-11-28: Thanksgiving, closes 14:30",
        "Fri 2024-11-29: Black Friday, closes 14:45",
        "Tue 2024-12-24: Christmas Eve, closes 13:45",
    ]


def test_the_contracts_in_front_and_their_last_days_are_named() -> None:
    at = from_iso("2025-11-20")
    assert next_rolls(shipped_definition("MGC"), 2, at) == [
        "MGCZ25: in front until Mon 2025-11-24",
        "MGCG26: in front until Tue 2026-01-27",
    ]
    assert next_rolls(shipped_definition("GC"), 1, at) == ["GCZ25: in front until Mon 2025-11-24 at the latest"]
    assert next_rolls(shipped_definition("XAUUSD"), 1, at) == []


def test_the_command_line_lists_sets_shows_and_tells_the_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = ("--db", str(tmp_path / "books.db"))
    code, out, _ = said(capsys, "list", *books, "--json")
    assert code == 0
    assert [each["key"] for each in json.loads(out.splitlines()[-1])["instruments"]] == list(shipped_keys())
    code, out, _ = said(capsys, "set", "xauusd@ib", "financing.long=-42.1", "financing.triple=Fri", "--reason", "swap", *books)
    assert code == 0
    assert "financing.triple: not said -> Fri" in out
    assert "XAUUSD@ib version 1" in out
    code, out, _ = said(capsys, "show", "XAUUSD@ib", *books)
    assert "  financing.long = -42.1\n" in out
    code, out, _ = said(capsys, "set", "XAUUSD@ib", "financing.triple=", "--reason", "none after all", *books)
    assert "financing.triple: Fri -> not said" in out
    code, out, _ = said(capsys, "set", "XAUUSD@ib", "--restore", "1", "--reason", "it was right", *books, "--json")
    assert json.loads(out.splitlines()[-1])["version"] == 3
    code, out, _ = said(capsys, "history", "XAUUSD@ib", *books, "--json")
    versions = json.loads(out.splitlines()[-1])["versions"]
    assert [each["reason"] for each in versions] == ["as shipped", "swap", "none after all", "it was right"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("set", "XAUUSD", "price.tick=0", "--reason", "x"), "XAUUSD: price.tick = 0 is not accepted"),
        (("set", "XAUUSD", "price.tick", "--reason", "x"), "'price.tick' is no value; write it as PATH=VALUE"),
        (("set", "XAUUSD", "price.plausible=[1,", "--reason", "x"), "'[1,' is no list as JSON writes it"),
        (("set", "XAUUSD", "name.first=x", "--reason", "x"), "there is no name.first"),
        (("set", "XAUUSD", "holidays.calendar=ASEX", "--reason", "x"), "calendar ASEX cannot be used: "),
        (("set", "XAUUSD", "price.spread=30"), "a change of an instrument needs a reason"),
        (("set", "XAUUSD", "--restore", "7", "--reason", "x"), "XAUUSD has no version 7; there are 0"),
        (("show", "XPTUSD"), "instrument 'XPTUSD' is not listed; use one of XAUUSD"),
    ],
)
def test_a_wrong_command_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    code, _, error = said(capsys, *words, "--db", str(tmp_path / "books.db"))
    assert code == 2
    assert sentence in error


def test_the_owner_s_own_instrument_is_checked_stored_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    books = ("--db", str(tmp_path / "books.db"))
    shipped = (resources.files("resources.instruments") / "XAGUSD.toml").read_text("utf-8")
    file = tmp_path / "platinum.toml"
    file.write_text(shipped.replace('symbol = "XAGUSD"', 'symbol = "XPTUSD"').replace("Silver", "Platinum"), "utf-8")
    code, out, _ = said(capsys, "check", str(file), "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["key"] == "XPTUSD"
    assert said(capsys, "set", "XAUUSD", "--file", str(file), "--reason", "mine", *books)[2].endswith("name that one\n")
    assert said(capsys, "set", "xptusd", "--file", str(file), "--reason", "mine", *books)[0] == 0
    code, out, _ = said(capsys, "list", *books)
    assert "XPTUSD          spot    Platinum spot / US dollar" in out
    assert in_force("XPTUSD", books[1]).name == "Platinum spot / US dollar"
    assert "XPTUSD" not in INSTRUMENTS
    assert said(capsys, "check", str(tmp_path / "none.toml"))[0] == 2
