"""How often history may be asked for, so that TWS never has to say no (error 162)."""

from __future__ import annotations

from typing import NamedTuple

from engine.core.clock import MINUTE, SECOND, Clock, Nanos

SAME_AFTER: Nanos = 15 * SECOND
BURST, BURST_WITHIN = 5, 2 * SECOND
MOST, WITHIN = 60, 10 * MINUTE


class Asked(NamedTuple):
    """A request that was made. `contract` is its conId, `what` the kind of data, `terms` everything else of it."""

    at: Nanos
    contract: int
    what: str
    terms: tuple[str, ...]

    @property
    def weight(self) -> int:
        """How often it counts: bids and asks in one count twice."""
        return 2 if self.what == "BID_ASK" else 1


class Pacing:
    """The limits of IB: nothing identical within 15 s, fewer than six of a contract in 2 s, sixty in 10 minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked: list[Asked] = []

    def wait(self, contract: int, what: str, terms: tuple[str, ...]) -> Nanos:
        """How long to wait before the request may be made; 0 notes it as made now."""
        now = self._clock.now()
        request = Asked(now, contract, what, terms)
        self._asked = [each for each in self._asked if now - each.at < WITHIN]
        due = max(self._same(request), self._burst(request), self._total(request))
        if due > now:
            return due - now
        self._asked.append(request)
        return 0

    def _same(self, request: Asked) -> Nanos:
        return max((each.at + SAME_AFTER for each in self._asked if each[1:] == request[1:]), default=0)

    def _burst(self, request: Asked) -> Nanos:
        recent = [each.at for each in self._asked if each.contract == request.contract]
        return recent[-BURST] + BURST_WITHIN if len(recent) >= BURST else 0

    def _total(self, request: Asked) -> Nanos:
        """When enough of the oldest are ten minutes ago."""
        excess = sum(each.weight for each in self._asked) + request.weight - MOST
        due: Nanos = 0
        for each in self._asked:
            if excess <= 0:
                break
            excess -= each.weight
            due = each.at + WITHIN
        return due
