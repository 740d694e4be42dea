"""Running an import so that it can be watched and given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from engine.core.errors import NiceGoldError
from engine.core.workers import run_apart

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

T = TypeVar("T")


class Cancelled(NiceGoldError):
    """The owner gave it up."""


def silent(_share: float, _words: str) -> None:
    """A progress nobody watches."""


def never() -> bool:
    """Nobody gives up."""
    return False


def watching(progress: Progress, cancel: Cancel) -> Progress:
    """`progress` that raises Cancelled once `cancel` says so."""

    def told(share: float, words: str) -> None:
        if cancel():
            raise Cancelled("cancelled; nothing was stored")
        progress(share, words)

    return told


def settling(progress: Progress, cancel: Cancel) -> Progress:
    """As `watching`, until a share of 1: from there on the work is being committed, and giving it up comes too late."""
    watched = watching(progress, cancel)

    def told(share: float, words: str) -> None:
        (watched if share < 1.0 else progress)(share, words)

    return told


def apart(work: Callable[..., T], *arguments: Any, progress: Progress = silent, cancel: Cancel = never) -> T:
    """`work(*arguments, progress)` in a process of its own: the caller's threads do not feel it, and `cancel` ends it at
    once, unless it has told a share of 1.

    Raises what it raised, and Cancelled. What a database had not committed by then did not happen; `done_of` says whether it had.
    """
    result: T = run_apart(work, arguments, settling(progress, cancel))
    return result
