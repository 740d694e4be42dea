"""An instrument's timetable over a whole file at once: which times are open, and how much open time lies between two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.clock import WEEK, Nanos
from engine.domain.market import Ints
from engine.domain.sessions import Sessions
from engine.market.formats.digits import Mask


@dataclass(frozen=True, slots=True)
class OpenTimes:
    """The sessions of a period as `edges` (ns UTC: open, close, open, ...) and the open time before each edge (ns)."""

    edges: Ints
    before: Ints
    always: bool

    @classmethod
    def of(cls, sessions: Sessions, first: Nanos, last: Nanos) -> OpenTimes:
        """The timetable from a week before `first` to a week after `last` (ns UTC)."""
        if not sessions.periods:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), True)
        edges: list[Nanos] = []
        at = sessions.next_open(first - WEEK)
        while at < last + WEEK:
            close = sessions.next_close(at)
            edges += (at, close)
            at = sessions.next_open(close)
        found = np.array(edges, np.int64)
        lengths = np.diff(found, prepend=found[:1])
        lengths[::2] = 0
        return cls(found, np.cumsum(lengths), False)

    def is_open(self, at: Ints) -> Mask:
        """Whether each moment lies in a session."""
        if self.always:
            return np.ones(len(at), np.bool_)
        return (np.searchsorted(self.edges, at, side="right") & 1).astype(np.bool_)

    def open_before(self, at: Ints) -> Ints:
        """Open time from the period's beginning to each moment, ns; differences give the open time between two moments."""
        if self.always:
            return at
        passed = np.searchsorted(self.edges, at, side="right")
        edge = np.maximum(passed - 1, 0)
        return np.where(passed & 1, self.before[edge] + at - self.edges[edge], self.before[edge])
