"""Where keys are kept, as the command line sees it."""

from __future__ import annotations

from pathlib import Path

from engine.brokers import secrets
from engine.brokers.vault import Vault
from engine.core.errors import UserError


def has_keyring() -> bool:
    """Whether the desktop has a keyring that keeps secrets encrypted."""
    return secrets.has_keyring()


def leave_keyring_alone() -> None:
    """Nothing is read from a keyring or kept in one by this process from now on."""
    secrets.leave_alone()


def make_audit_key() -> None:
    """Makes the key of the books' chains where it is not there yet. UserError where nothing takes it."""
    found = secrets.audit_key(make=True)
    if found.key is None:
        raise UserError(found.why)


def use_vault(path: Path, passphrase: str) -> None:
    """Keys are read from and kept in this file from now on. UserError as of `Vault`."""
    secrets.use(Vault(path, passphrase))
