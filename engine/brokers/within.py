"""Calls into what may never answer: made on a thread of their own, and given up after a while."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class NoAnswer(Exception):
    """The call has not come back in its time. Its thread is left to itself and keeps no program from ending."""


def within(patience_s: float, call: Callable[[], T], slow_s: float, when_slow: Callable[[], None]) -> T:
    """What `call` returns or raises; `when_slow` is called once where that takes longer than `slow_s`. Raises NoAnswer."""
    answer: Future[T] = Future()

    def answered() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:  # whatever it is, it belongs to who waits for the answer
            answer.set_exception(error)

    Thread(target=answered, name="nicegold-within", daemon=True).start()
    if not _waited(answer, slow_s):
        when_slow()
        if not _waited(answer, patience_s - slow_s):
            raise NoAnswer
    return answer.result()


def _waited(answer: Future[T], seconds: float) -> bool:
    return bool(wait([answer], max(0.0, seconds)).done)
