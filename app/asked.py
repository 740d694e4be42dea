"""Secrets that the command line asks for: typed without being shown, or read as lines from a pipe."""

from __future__ import annotations

import sys

from engine.core.errors import UserError

NAMES = ("passphrase", "key", "secret", "password")
"""In a pipe each is a line: name=value, in any order; those without a name are taken in this order, by what is asked for."""

_set_aside: dict[str, str] = {}
"""Lines that were named and not asked for yet."""


class NotAsked(UserError):
    """There is nobody to ask: neither a terminal, nor a pipe that says it."""


def asked(name: str, question: str) -> str:
    """The secret of this name. NotAsked where the pipe ends before it comes, and where there is neither terminal nor pipe."""
    if sys.stdin is None:
        raise NotAsked(f"there is no terminal to ask for the {name} on; start the program in one, or give it as a line of a pipe")
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass(question)
    return _of_pipe(name)


def _of_pipe(name: str) -> str:
    while name not in _set_aside:
        line = sys.stdin.readline()
        if not line:
            raise NotAsked(f"the {name} was asked for and the input ended; give it as the line {name}=… of a pipe")
        said, named, value = line.rstrip("\r\n").partition("=")
        if not named or said not in NAMES:
            return line.rstrip("\r\n")
        _set_aside[said] = value
    return _set_aside.pop(name)
