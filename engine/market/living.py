"""The tape of a market that lives: there is none to walk."""

from __future__ import annotations

from collections.abc import Iterator

from engine.domain.market import Symbol
from engine.market.tape import Reel


class LivingTape:
    """A `Tape` without reels: quotes come from a feed instead."""

    quotes: int | None = None

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol

    def reels(self) -> Iterator[Reel]:
        """None: nothing was recorded."""
        return iter(())
