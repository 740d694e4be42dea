"""What a life needs of a venue that misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Protocol

from tests.catalogue.rig import Desk
from tests.peers.faults import Faults, Rule


class Stage(Protocol):
    """A venue of which everything that goes wrong is decided by `chance`."""

    chance: Random
    lots: tuple[int, int]

    def session(self, folder: Path) -> AbstractAsyncContextManager[Desk]:
        """A session at the venue, in the books of `folder`, watched by a spy."""

    def watch(self, desk: Desk) -> Rule:
        """Has the desk's wire told of every new order that comes in, whatever becomes of it."""

    async def move(self) -> None:
        """The market moves a little."""

    async def mischief(self) -> str:
        """One more thing goes wrong; what it is called."""

    async def calm(self) -> None:
        """Nothing goes wrong any more, and the market stands still."""

    def position(self) -> int:
        """What the venue says is held, in lot steps."""

    def twins(self) -> list[str]:
        """Our ids under which the venue has more orders than it should, by its own books."""


def settle(faults: Faults, spies: Callable[[Rule], bool]) -> None:
    """Ends what was to go wrong with messages, and lets through what was held; the spies stay."""
    rules, faults.rules = faults.rules, [rule for rule in faults.rules if spies(rule)]
    faults.cut_received = faults.cut_sent = faults.chunk = None
    faults.thaw()
    for rule in rules:
        if rule not in faults.rules:
            rule.release()
