"""Where keys are kept, as the command line sees it."""

from __future__ import annotations

from pathlib import Path

from engine.brokers import secrets
from engine.brokers.vault import Vault


def has_keyring() -> bool:
    """Whether the desktop has a keyring that keeps secrets encrypted."""
    return secrets.is_trusted(secrets.keyring_in_use())


def use_vault(path: Path, passphrase: str) -> None:
    """Keys are read from and kept in this file from now on. UserError as of `Vault`."""
    secrets.use(Vault(path, passphrase))
