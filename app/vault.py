"""The encrypted file of keys, where there is no keyring: asked for by its owner, opened by a passphrase."""

from __future__ import annotations

import sys

from app.asked import NotAsked, asked
from app.paths import data_dir
from engine.core.errors import UserError
from engine.profile import load_profile
from engine.request import Request

FILE = "keys.vault"


def unlock(*, begin: bool = False) -> None:
    """Opens the vault for this process where there is one and no keyring can be trusted; with `begin` one is begun if need be.

    The passphrase is asked for as in `app.asked`. UserError where it is wrong, and for beginning one beside a keyring.
    """
    from engine.services.keys import has_keyring, use_vault

    path = data_dir() / FILE
    if not (path.exists() or begin):
        return
    if has_keyring():
        if begin:
            raise UserError("this system has a keyring that keeps secrets encrypted, which is used; leave --vault out")
        return
    passphrase = asked("passphrase", "Passphrase of the keys: ")
    if not path.exists() and sys.stdin.isatty() and asked("passphrase", "The same once more: ") != passphrase:
        raise UserError("the two passphrases differ; nothing was stored")
    use_vault(path, passphrase)


def unlock_for(request: Request) -> None:
    """As `unlock`, for a live session at a venue. Where nobody can be asked, one without money goes on without the vault.

    NotAsked for an account with money.
    """
    if request.broker == "paper":
        return
    try:
        unlock()
    except NotAsked as error:
        if load_profile(request.profile).venue(request.broker).live:
            raise
        print(f"the vault stays closed: {error}", file=sys.stderr)
