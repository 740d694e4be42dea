"""Whether a market is open and whether news keep it quiet, told at once: both are asked for with every order.

What is remembered is the timetable, which does not change; the moment is always that of the question.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.core.clock import WEEK, Nanos
from engine.domain.news import NewsCalendar
from engine.domain.sessions import Sessions


class Hours:
    """A market's sessions, of which the one found last is remembered."""

    __slots__ = ("_closes", "_known", "_sessions")

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: Nanos = 0
        self._closes: Nanos = 0

    def is_open(self, at: Nanos) -> bool:
        """True when `at` (ns UTC) lies in a session."""
        if self._known <= at < self._closes:
            return True
        if not self._sessions.is_open(at):
            return False
        self._known, self._closes = at, min(self._sessions.next_close(at), (at // WEEK + 1) * WEEK)
        return True


class QuietTimes:
    """The blackouts of a calendar as the times that any of them covers."""

    __slots__ = ("_edges",)

    def __init__(self, news: NewsCalendar) -> None:
        edges: list[Nanos] = []
        for each in news.blackouts:
            if each.ends <= each.begins:
                continue
            if edges and each.begins <= edges[-1]:
                edges[-1] = max(edges[-1], each.ends)
            else:
                edges += (each.begins, each.ends)
        self._edges = edges

    def holds(self, at: Nanos) -> bool:
        """True when `at` (ns UTC) lies in a blackout."""
        return bool(self._edges) and bool(bisect_right(self._edges, at) & 1)
