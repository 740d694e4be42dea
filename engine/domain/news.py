"""A calendar of announcements around which nothing is opened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.core.clock import Nanos

EVERYTHING = "ALL"
IMPORTANCES = ("low", "medium", "high")


class Blackout(NamedTuple):
    """An announcement: from `begins` to `ends` (ns UTC) nothing is opened in what `currency` names.

    `currency` is a currency, an instrument's symbol, or ALL; `title` is what is announced at `at`.
    """

    at: Nanos
    begins: Nanos
    ends: Nanos
    currency: str
    importance: str
    title: str


@dataclass(frozen=True, slots=True)
class NewsCalendar:
    """Blackouts in the order they begin, and the hash of the file they came from."""

    blackouts: tuple[Blackout, ...] = ()
    sha256: str = ""

    def about(self, names: Iterable[str]) -> NewsCalendar:
        """Only what concerns these currencies and symbols."""
        wanted = {*names, EVERYTHING}
        return NewsCalendar(tuple(each for each in self.blackouts if each.currency in wanted), self.sha256)

    def at(self, at: Nanos) -> Blackout | None:
        """The announcement whose blackout `at` lies in; of several the one that ends last."""
        begun = bisect_right(self.blackouts, at, key=lambda each: each.begins)
        running = (each for each in self.blackouts[:begun] if at < each.ends)
        return max(running, key=lambda each: each.ends, default=None)


NO_NEWS = NewsCalendar()
