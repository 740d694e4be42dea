"""Keyrings that stand in for the desktop's: one that can be trusted, ones that cannot, and one that never answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

import keyring
import pytest


class Ring:
    """A keyring backend that holds these; `trouble` is what it says instead."""

    def __init__(self, held: Mapping[str, str], trouble: Exception | None = None) -> None:
        self.held = dict(held)
        self._trouble = trouble

    def get_password(self, service: str, name: str) -> str | None:
        if self._trouble is not None:
            raise self._trouble
        return self.held.get(name) if service == "nicegold" else None

    def set_password(self, service: str, name: str, value: str) -> None:
        if self._trouble is not None:
            raise self._trouble
        self.held[name] = value if service == "nicegold" else ""


class Desktop(Ring):
    """The desktop's own, by the module it lies in."""

    __module__ = "keyring.backends.SecretService"


class PlainFile(Ring):
    """Keeps secrets for everybody to read."""

    __module__ = "keyrings.alt.file"


class Chain:
    """Asks one after the other."""

    __module__ = "keyring.backends.chainer"

    def __init__(self, *backends: Ring) -> None:
        self.backends = backends

    def get_password(self, service: str, name: str) -> str | None:
        return next((found for each in self.backends if (found := each.get_password(service, name))), None)


class Hanging(Desktop):
    """Its daemon does not answer before `over`."""

    __module__ = "keyring.backends.SecretService"

    def __init__(self, over: Event) -> None:
        super().__init__({})
        self._over = over

    def get_password(self, service: str, name: str) -> str | None:
        self._over.wait()
        return super().get_password(service, name)


def keep_in(ring: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """This is the system's keyring until the test ends."""
    monkeypatch.setattr(keyring, "get_keyring", lambda: ring)


@contextmanager
def hanging() -> Iterator[Hanging]:
    """A keyring that hangs as long as the context."""
    over = Event()
    try:
        yield Hanging(over)
    finally:
        over.set()
