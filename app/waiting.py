"""What a command waits for, said on a terminal once it has taken a while: one line, gone when the answer is there."""

from __future__ import annotations

import sys
from threading import Lock, Timer
from typing import TextIO

AFTER_S = 1.0
_CLEAR = "\r\x1b[K"


class Waiting:
    """Says its last words after a second, and newer ones as they come, until `end`. Nothing is said where nobody looks: without a
    terminal, or to a program that reads JSON. Callable as a `Progress`, from any thread."""

    def __init__(self, words: str, is_quiet: bool = False, after_s: float = AFTER_S) -> None:
        self._words = words
        self._to: TextIO | None = sys.stderr if not is_quiet and sys.stderr.isatty() else None
        self._turn = Lock()
        self._is_shown = self._is_over = False
        self._timer = Timer(after_s, self._show)
        self._timer.daemon = True
        if self._to is not None:
            self._timer.start()

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __call__(self, _share: float, words: str) -> None:
        with self._turn:
            self._words = words
            if self._is_shown:
                self._write(f"{_CLEAR}{words} …")

    def end(self) -> None:
        """The line is gone, and no more is said."""
        self._timer.cancel()
        with self._turn:
            if self._is_shown:
                self._write(_CLEAR)
            self._is_shown, self._is_over = False, True
        if self._timer.is_alive():
            self._timer.join()

    def _show(self) -> None:
        with self._turn:
            if not self._is_over:
                self._is_shown = True
                self._write(f"{self._words} …")

    def _write(self, text: str) -> None:
        assert self._to is not None
        self._to.write(text)
        self._to.flush()
