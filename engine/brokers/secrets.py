"""Credentials of brokers: from the desktop's keyring, or from the environment for a loopback host. Never from a plain file.

In the keyring they lie under the service `nicegold`, as `binance-key`, `binance-secret` and, where an exchange wants one,
`binance-password`; those of a test exchange as `binance-sandbox-key` and so on. The key of the books' chains is `audit-key`.
A keyring is asked on a thread of its own: its daemon may hang, or wait for its owner to type a password.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, TypeVar

from engine.brokers.exchange.keys import ApiKey
from engine.brokers.vault import Vault
from engine.brokers.within import NoAnswer, within
from engine.core.errors import UserError
from engine.core.log import keep_out, logger

T = TypeVar("T")

SERVICE = "nicegold"
KEY_VARIABLE, SECRET_VARIABLE = "NICEGOLD_API_KEY", "NICEGOLD_API_SECRET"
TRUSTED = ("SecretService", "libsecret", "kwallet", "macOS", "Windows")
"""Backends that keep secrets encrypted by the desktop; keyrings.alt, for one, falls back to plain text without a word."""

_AUDIT_KEY, _AUDIT_KEY_BYTES = "audit-key", 32
_PARTS = ("key", "secret", "password")
_PATIENCE_S, _SLOW_S = 10.0, 1.0
_NO_KEYRING = (
    "there is no keyring that keeps secrets encrypted; install gnome-keyring or KWallet and log in to a desktop session, "
    "or ask for an encrypted file with a passphrase: main.py broker key --broker NAME --vault"
)
_LOCKED = "the keyring is locked or does not answer; unlock it and try again"
_SLOW = "waiting for the keyring, which may be asking for its password; the program goes on without it after a while"


@dataclass(frozen=True, slots=True)
class Found:
    """A key, or one sentence that says why there is none."""

    key: ApiKey | None
    why: str = ""


def find_key(broker: str, environment: Mapping[str, str], *, loopback: bool, sandbox: bool = False) -> Found:
    """The broker's key: towards a loopback host from the environment, otherwise from the keyring.

    Raises UserError where only half of a key is there.
    """
    if loopback and (KEY_VARIABLE in environment or SECRET_VARIABLE in environment):
        key, secret = environment.get(KEY_VARIABLE, ""), environment.get(SECRET_VARIABLE, "")
        if not key or not secret:
            raise UserError(f"{KEY_VARIABLE} and {SECRET_VARIABLE} belong together, and one of them is empty; set both or none")
        return Found(ApiKey(key, secret, is_for_tests=True))
    return _in_keyring(broker, sandbox)


def store_key(broker: str, key: str, secret: str, password: str = "", *, sandbox: bool = False) -> None:
    """Keeps a broker's key in the keyring, in place of the one before.

    Raises UserError where key or secret is missing, and where no trusted keyring takes them; then they are kept nowhere.
    """
    if not key or not secret:
        raise UserError(f"a key for {broker} is a key and its secret, and one of them is empty; give both")

    def store(backend: Any) -> None:
        for part, value in zip(_PARTS, (key, secret, password), strict=True):
            if value:
                backend.set_password(SERVICE, _name(broker, part, sandbox), value)

    _asked(store)


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The key that books are chained with (32 bytes), or one sentence that says why there is none."""

    key: bytes | None = field(repr=False)
    why: str = ""


def audit_key(*, make: bool) -> AuditKey:
    """The key of the books' chains in the keyring, where it lies as `audit-key`; with `make` a new one where there is none.

    Raises UserError where what lies there is no key.
    """

    def find(backend: Any) -> str | None:
        text: str | None = backend.get_password(SERVICE, _AUDIT_KEY)
        if not text and make:
            backend.set_password(SERVICE, _AUDIT_KEY, token_hex(_AUDIT_KEY_BYTES))
            text = backend.get_password(SERVICE, _AUDIT_KEY)
        return text

    try:
        text = _asked(find)
    except NoKeyring as none:
        return AuditKey(None, str(none))
    if not text:
        return AuditKey(None, "the keyring holds no key for the books' chains; restore the one they were begun with")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _AUDIT_KEY_BYTES:
        raise UserError(f"{SERVICE}/{_AUDIT_KEY} in the keyring is no key of the books' chains; restore it or take it away")
    return AuditKey(key)


def chain_key(book: int, is_keyed: bool | None) -> AuditKey:
    """The key that book `book` is chained with: a new one, `is_keyed` None, gets that of the keyring, where there is one.

    Raises UserError where the book was begun with a key and it is not at hand.
    """
    if is_keyed is False:
        return AuditKey(None, "it was begun without one")
    found = audit_key(make=is_keyed is None)
    if found.key is None and is_keyed:
        raise UserError(f"book {book} is chained with a key of the keyring: {found.why}")
    return found


def is_trusted(backend: Any) -> bool:
    """Whether a keyring backend keeps secrets encrypted; one that asks others is as good as the worst it may ask."""
    if isinstance(backend, Vault):
        return True
    backends = list(getattr(backend, "backends", None) or [backend])
    return all(type(each).__module__ in {f"keyring.backends.{name}" for name in TRUSTED} for each in backends)


def _in_keyring(broker: str, sandbox: bool) -> Found:

    def find(backend: Any) -> list[str | None]:
        return [backend.get_password(SERVICE, _name(broker, part, sandbox)) for part in _PARTS]

    try:
        key, secret, password = _asked(find)
    except NoKeyring as none:
        return Found(None, str(none))
    store = f"main.py broker key --broker {broker}{' --sandbox' if sandbox else ''}"
    if not key and not secret:
        return Found(None, f"the keyring holds no key for {broker}; store one: {store}")
    if not key or not secret:
        raise UserError(f"the keyring holds only half of the key for {broker}; store it again: {store}")
    keep_out(key, secret, password or "")
    return Found(ApiKey(key, secret, password or ""))


class NoKeyring(UserError):
    """There is no keyring to be trusted, or it does not answer; the message says which, and what to do."""


def has_keyring() -> bool:
    """Whether there is a keyring that keeps secrets encrypted, or the vault was opened; a locked one is one."""
    try:
        return is_trusted(_patiently(keyring_in_use))
    except NoAnswer:
        return False


def _asked(question: Callable[[Any], T]) -> T:
    """What a trusted keyring answers. Raises NoKeyring."""

    def asked() -> T:
        backend = keyring_in_use()
        if not is_trusted(backend):
            raise NoKeyring(_NO_KEYRING)
        return question(backend)

    try:
        return _patiently(asked)
    except NoKeyring:
        raise
    except NoAnswer:
        raise NoKeyring(f"the keyring has not answered for {_PATIENCE_S:g} s; unlock it or restart it, and try again") from None
    except Exception as error:  # what lies below raises its own: of D-Bus, of the system's calls
        raise NoKeyring(_LOCKED) from error


def _patiently(call: Callable[[], T]) -> T:
    return within(_PATIENCE_S, call, _SLOW_S, _say_slow)


def _say_slow() -> None:
    logger("keys").warning(_SLOW)


_vault: list[Vault | None] = []


def use(vault: Vault) -> None:
    """The vault stands in for the keyring in this process: its owner asked for it."""
    _vault[:] = [vault]


def leave_alone() -> None:
    """No keyring is asked in this process: nothing that it does is to be kept."""
    _vault[:] = [None]


def keyring_in_use() -> Any:
    """The vault where one was opened, else the desktop's keyring."""
    import keyring

    return _vault[0] if _vault else keyring.get_keyring()


def _name(broker: str, part: str, sandbox: bool) -> str:
    return f"{broker}-sandbox-{part}" if sandbox else f"{broker}-{part}"
