"""How long to wait before trying again: longer each time up to a cap, and never in step with others."""

from __future__ import annotations

from random import Random


class Backoff:
    """`first` and `cap` in seconds; each wait lies between half of its length and all of it."""

    def __init__(self, random: Random, first: float = 0.5, cap: float = 30.0) -> None:
        self._random = random
        self._first = first
        self._cap = cap
        self._failures = 0

    def reset(self) -> None:
        """It worked: the next wait is short again."""
        self._failures = 0

    def next(self) -> float:
        """The seconds to wait after one more failure."""
        length: float = min(self._cap, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return length * self._random.uniform(0.5, 1.0)
