"""Keys in an encrypted file: opened by its passphrase only, changed by nobody unnoticed, and never in plain text."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from engine.brokers import secrets
from engine.brokers import vault as vaults
from engine.brokers.vault import Vault
from engine.core.errors import UserError

PHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vaults, "_COST", 1 << 14)


def test_what_was_kept_is_there_again_and_stands_nowhere_in_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "keys.vault"
    Vault(path, PHRASE).set_password("nicegold", "binance-secret", "canary-5e1f")
    assert Vault(path, PHRASE).get_password("nicegold", "binance-secret") == "canary-5e1f"
    assert b"canary" not in path.read_bytes()
    assert b"binance" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.vault"
    Vault(path, PHRASE).set_password("nicegold", "binance-key", "abc")
    with pytest.raises(UserError, match="does not open"):
        Vault(path, PHRASE + "!")


@pytest.mark.parametrize("place", ["salt", "nonce", "sealed"])
def test_a_changed_file_is_refused(tmp_path: Path, place: str) -> None:
    import json

    path = tmp_path / "keys.vault"
    Vault(path, PHRASE).set_password("nicegold", "binance-key", "abc")
    held = json.loads(path.read_text())
    held[place] = ("B" if held[place][0] == "A" else "A") + held[place][1:]
    path.write_text(json.dumps(held))
    with pytest.raises(UserError, match="does not open"):
        Vault(path, PHRASE)


def test_a_file_that_is_no_vault_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "keys.vault"
    path.write_text("key = abc")
    with pytest.raises(UserError, match="no vault"):
        Vault(path, PHRASE)


def test_a_short_passphrase_begins_no_vault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too short"):
        Vault(tmp_path / "keys.vault", "short")
    assert not (tmp_path / "keys.vault").exists()


def test_no_book_is_chained_with_a_key_that_could_not_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "later"
    monkeypatch.setattr(secrets, "_vault", [Vault(folder / "keys.vault", PHRASE)])
    for _ in range(2):
        assert secrets.audit_key(make=True).key is None
    folder.mkdir()
    key = secrets.audit_key(make=True).key
    assert key is not None
    monkeypatch.setattr(secrets, "_vault", [Vault(folder / "keys.vault", PHRASE)])
    assert secrets.audit_key(make=False).key == key
