"""A session without a window: as fast as it goes, or at a pace, with a live console or plain lines."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.errors import UserError
from engine.core.memory import long_lived
from engine.request import Request
from engine.session import Session, open_session

SLICE = 4_096
"""Quotes played between two looks at the keyboard and the console."""


def run_headless(request: Request, speed: str, as_json: bool) -> int:
    """Runs the request to its end and prints the summary; an endless market runs until it is interrupted or `--until`."""
    pace = pace_of(speed)
    session = open_session(request)
    try:
        with long_lived(), interruptible() as wanted:
            _announce(session)
            _play(session, pace, wanted)
        summary = session.finish() if session.is_over else session.summary()
        session.keep_place()
    finally:
        session.close()
    for name, value in summary.items():
        if not as_json:
            print(f"{name:>16}  {value}")
    if as_json:
        print(json.dumps(summary))
    return 0


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl+C sets, so that a step under way is finished first; a second Ctrl+C ends the process."""
    wanted = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: object) -> None:
        wanted.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield wanted
    finally:
        signal.signal(signal.SIGINT, before)


def _play(session: Session, pace: float | None, wanted: threading.Event) -> None:
    """To the end of the tape, at `pace` times real time or as fast as it goes, or until the end is wanted."""
    if pace is not None:
        _paced(session, pace, wanted)
        return
    while not session.is_over and not wanted.is_set():
        session.play(most=SLICE)


def _announce(session: Session) -> None:
    resumed = f", going on after {session.book.facts} facts" if session.resumed else ""
    print(f"book {session.book.id} ({session.kind}, PAPER){resumed}", file=sys.stderr)
    if session.unkeyed and not session.resumed:
        print(f"the book is chained without a key: {session.unkeyed}", file=sys.stderr)
    if session.played_share is None and not session.request.until and not session.is_over:
        print("this market is endless: Ctrl+C stops the run and prints its summary, --until TIME ends it there", file=sys.stderr)
    for doubt in session.doubts:
        print(f"warning: {doubt}", file=sys.stderr)


def _paced(session: Session, pace: float, wanted: threading.Event) -> None:
    """Market time runs `pace` times as fast as the wall's."""
    market, wall = session.player.at, time.monotonic_ns()
    while not session.is_over and not wanted.is_set():
        session.play(until=market + int((time.monotonic_ns() - wall) * pace) + 1)
        time.sleep(0.02)


def pace_of(speed: str) -> float | None:
    """None for "max", else how many times real time. UserError for anything else."""
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = 0.0
    if not 0 < pace <= 1e9:
        raise UserError(f"--speed {speed!r} is neither max nor a number above zero")
    return pace
