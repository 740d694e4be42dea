"""The encrypted file of keys, where there is no keyring: asked for by its owner, opened by a passphrase."""

from __future__ import annotations

import sys
from getpass import getpass

from app.paths import data_dir
from engine.core.errors import UserError

FILE = "keys.vault"


def unlock(*, begin: bool = False) -> None:
    """Opens the vault for this process where there is one and no keyring can be trusted; with `begin` one is begun if need be.

    The passphrase is asked for on the terminal, or read as a line from a pipe. UserError where it is wrong.
    """
    from engine.services.keys import has_keyring, use_vault

    path = data_dir() / FILE
    if not (path.exists() or begin) or (has_keyring() and not begin):
        return
    passphrase = _asked("Passphrase of the keys: ")
    if not path.exists() and sys.stdin.isatty() and _asked("The same once more: ") != passphrase:
        raise UserError("the two passphrases differ; nothing was stored")
    use_vault(path, passphrase)


def _asked(question: str) -> str:
    return getpass(question) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
