"""Long writes that somebody watches, and may stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Watch = Callable[[float], None]
"""Told how much of a write is done (0 to 1), on the writer's thread; what it raises ends the write, and nothing is stored."""

T = TypeVar("T")


def unwatched(_share: float) -> None:
    """A write nobody watches."""


def watched(parts: Sequence[T], watch: Watch) -> Iterator[T]:
    """The parts one by one, after the watcher was told."""
    for number, part in enumerate(parts):
        watch(number / len(parts))
        yield part
