"""What a broker outside says, kept in its order until the session takes it in between two steps."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from engine.ports.broker import Report


class Ear:
    """A `ReportSink`. To be made inside the running loop; what is said before there is a listener waits for it."""

    def __init__(self) -> None:
        self.heard: deque[Report] = deque()
        self.listener: Callable[[], None] = lambda: None
        self._loop = asyncio.get_running_loop()
        self._is_told = False

    def __call__(self, report: Report) -> None:
        self.heard.append(report)
        if not self._is_told:
            self._is_told = True
            self._loop.call_soon(self._tell)

    def _tell(self) -> None:
        self._is_told = False
        self.listener()
