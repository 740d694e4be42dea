"""Ctrl+C and the system's request to end: they close the window in order, as its own close button does."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier


class Quitter(QObject):
    """Hears SIGINT and SIGTERM while Qt waits, for Python only sees a signal when its own code runs.

    The first signal calls `leave`; after it the signals end the process at once, for a close that does not come to an end.
    """

    def __init__(self, leave: Callable[[], None]) -> None:
        super().__init__()
        self._leave = leave
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        for end in (self._ours, theirs):
            end.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, self._caught) for number in (signal.SIGINT, signal.SIGTERM)}
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        """The byte in the socket says it; a handler only has to be there."""

    def _woken(self) -> None:
        numbers = self._ours.recv(64)
        if any(number in self._handlers for number in numbers):
            for number in self._handlers:
                signal.signal(number, signal.SIG_DFL)
            self._leave()

    def stop(self) -> None:
        """Gives the signals back to whoever had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._ours.close()
        self._theirs.close()
