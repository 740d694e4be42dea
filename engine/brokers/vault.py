"""Secrets in an encrypted file, for machines without a keyring: only where its owner asks for it, and opened by a passphrase.

The file is JSON: scrypt's salt and cost (RFC 7914), a nonce, and AES-256-GCM over the secrets. It has the two calls of a keyring.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from engine.core.errors import UserError

SHORTEST = 12
_COST = 1 << 16
_SALT, _NONCE, _KEY = 16, 12, 32
_ABOUT = b"nicegold vault 1"


class Vault:
    """The secrets of one file. Each change is written whole, to a new file that takes the old one's place."""

    def __init__(self, path: Path, passphrase: str) -> None:
        """Opens the file, or begins one where there is none. UserError for a wrong passphrase, a damaged file or a short one."""
        self._path = path
        self._passphrase = passphrase
        self._secrets: dict[str, str] = {}
        if path.exists():
            self._secrets = self._read()
        elif len(passphrase) < SHORTEST:
            raise UserError(f"a passphrase of {len(passphrase)} characters is too short; take {SHORTEST} or more")

    def get_password(self, service: str, name: str) -> str | None:
        """The secret, None where there is none."""
        return self._secrets.get(f"{service}/{name}")

    def set_password(self, service: str, name: str, value: str) -> None:
        """Keeps the secret; where the file does not take it, it is nowhere."""
        secrets = {**self._secrets, f"{service}/{name}": value}
        self._write(secrets)
        self._secrets = secrets

    def _read(self) -> dict[str, str]:
        from cryptography.exceptions import InvalidTag

        try:
            held: dict[str, Any] = json.loads(self._path.read_text("ascii"))
            salt, nonce, sealed = (b64decode(held[name]) for name in ("salt", "nonce", "sealed"))
            text = _cipher(self._passphrase, salt, int(held["cost"])).decrypt(nonce, sealed, _ABOUT)
            found: dict[str, str] = json.loads(text)
        except InvalidTag:
            raise UserError(f"the passphrase does not open {self._path}, or the file was changed; nothing was read") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._path} is no vault of this program; move it away and store the keys again") from error
        return found

    def _write(self, secrets: dict[str, str]) -> None:
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        sealed = _cipher(self._passphrase, salt, _COST).encrypt(nonce, json.dumps(secrets).encode(), _ABOUT)
        held = {name: b64encode(value).decode() for name, value in (("salt", salt), ("nonce", nonce), ("sealed", sealed))}
        with NamedTemporaryFile("w", dir=self._path.parent, delete=False, encoding="ascii") as file:  # made for its owner only
            json.dump({**held, "cost": _COST}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, self._path)


def _cipher(passphrase: str, salt: bytes, cost: int) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    if not 1 << 14 <= cost <= 1 << 20:
        raise ValueError("no cost that this program would have chosen")
    return AESGCM(Scrypt(salt, _KEY, cost, 8, 1).derive(passphrase.encode()))
