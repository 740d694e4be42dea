"""The key of the books' chains lies in the keyring and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.errors import KeyringLocked

from app.cli import run
from engine.brokers.secrets import audit_key
from engine.core.errors import UserError
from engine.storage.database import open_books
from tests.brokers.test_exchange_check import Chain, Desktop, PlainFile
from tests.engine.storage.tampering import KEY, kept

Out = pytest.CaptureFixture[str]


def keep_in(vault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: vault)


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
