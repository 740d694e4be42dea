"""The key of the books' chains lies in the keyring and nowhere else."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from keyring.errors import KeyringLocked

from app.cli import run
from engine.brokers import secrets
from engine.brokers.secrets import audit_key, chain_key
from engine.core.errors import UserError
from engine.services.proving import simulated_request
from engine.session import open_session
from engine.storage.database import open_books
from tests.engine.storage.tampering import KEY, kept
from tests.keyrings import Chain, Desktop, PlainFile, hanging, keep_in

Out = pytest.CaptureFixture[str]


def test_a_key_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop({}), monkeypatch)
    assert audit_key(make=False).key is None
    made = audit_key(make=True)
    assert made.key is not None
    assert len(made.key) == 32
    assert audit_key(make=True).key == audit_key(make=False).key == made.key
    assert made.key.hex() not in repr(made)


@pytest.mark.parametrize("vault", [PlainFile({}), Chain(Desktop({}), PlainFile({}))], ids=["a plain file", "one of several"])
def test_no_key_is_kept_where_it_is_not_encrypted(monkeypatch: pytest.MonkeyPatch, vault: Any) -> None:
    keep_in(vault, monkeypatch)
    found = audit_key(make=True)
    assert found.key is None
    assert "no keyring that keeps secrets encrypted" in found.why
    assert vault.get_password("nicegold", "audit-key") is None


def test_a_locked_keyring_is_said_to_be_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop({}, KeyringLocked("locked")), monkeypatch)
    assert "locked" in audit_key(make=True).why


@pytest.mark.parametrize("text", ["short", "00ff", "zz" * 32])
def test_what_is_no_key_is_not_used_as_one(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    keep_in(Desktop({"audit-key": text}), monkeypatch)
    with pytest.raises(UserError, match="is no key of the books' chains"):
        audit_key(make=True)


def test_a_book_with_a_key_is_verified_with_it_and_with_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    url = f"{tmp_path}/books.db"
    with open_books(url) as database:
        kept(database, KEY)
    keep_in(Desktop({"audit-key": KEY.hex()}), monkeypatch)
    assert run(["audit", "verify", "--db", url, "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["keyed"], verdict["note"]) == (True, "")
    keep_in(Desktop({"audit-key": "ab" * 32}), monkeypatch)
    assert run(["audit", "verify", "--db", url]) == 1
    assert "is chained with the key" in capsys.readouterr().out


@pytest.mark.parametrize("vault", [PlainFile({}), Desktop({}), Desktop({}, KeyringLocked("locked"))])
def test_a_book_with_a_key_is_not_verified_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out, vault: Any
) -> None:
    url = f"{tmp_path}/books.db"
    with open_books(url) as database:
        kept(database, KEY)
    keep_in(vault, monkeypatch)
    assert run(["audit", "verify", "--db", url]) == 2
    assert "book 1 is chained with a key of the keyring: " in capsys.readouterr().err


def test_a_keyring_that_hangs_is_not_waited_for_long_and_the_waiting_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secrets, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(secrets, "_SLOW_S", 0.05)
    said: list[str] = []
    monkeypatch.setattr(secrets, "_say_slow", lambda: said.append("slow"))
    with hanging() as ring:
        keep_in(ring, monkeypatch)
        assert "has not answered for 0.2 s" in audit_key(make=True).why
        with pytest.raises(UserError, match="has not answered"):
            chain_key(7, True)
        assert said == ["slow", "slow"]


def replayed(tmp_path: Path, out: Out) -> tuple[dict[str, Any], str]:
    """The figures of a short simulated run in a book of its own, and what was said beside."""
    words = [
        "run",
        "--headless",
        "--until",
        "2026-03-02T12:00",
        "--policy",
        "sma_cross",
        "--db",
        f"{tmp_path}/books.db",
        "--json",
        "--new",
    ]
    assert run(words) == 0
    told = out.readouterr()
    return json.loads(told.out.splitlines()[-1]), told.err


def test_a_run_is_chained_with_the_key_of_the_keyring_where_there_is_one_and_its_facts_are_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    plain, said = replayed(home, capsys)
    assert "the book is chained without a key: there is no keyring" in said
    assert run(["audit", "verify", "--db", f"{home}/books.db", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["keyed"] is False
    keep_in(Desktop({}), monkeypatch)
    keyed, said = replayed(home, capsys)
    assert "without a key" not in said
    assert run(["audit", "verify", "--db", f"{home}/books.db", "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["keyed"], verdict["clean"]) == (True, True)
    assert (keyed["facts"], keyed["facts_sha256"]) == (plain["facts"], plain["facts_sha256"])


def test_a_book_that_was_begun_with_a_key_goes_on_with_it_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = Desktop({})
    keep_in(ring, monkeypatch)
    request = replace(simulated_request(home), policy="sma_cross")
    with closing(open_session(request)) as begun:
        begun.play(most=1_000)
    keep_in(PlainFile({}), monkeypatch)
    with pytest.raises(UserError, match="book 1 is chained with a key of the keyring: there is no keyring"):
        open_session(request)
    keep_in(ring, monkeypatch)
    with closing(open_session(request)) as again:
        assert (again.resumed, again.journal.is_keyed, again.unkeyed) == (True, True, "")
