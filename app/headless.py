"""A session without a window: as fast as it goes, or at a pace, with a live console or plain lines."""

from __future__ import annotations

import json
import sys
import time

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
        _announce(session)
        with long_lived():
            _play(session, pace)
        summary = session.finish()
    except KeyboardInterrupt:
        summary = session.summary()
    finally:
        session.close()
    for name, value in summary.items():
        if not as_json:
            print(f"{name:>16}  {value}")
    if as_json:
        print(json.dumps(summary))
    return 0


def _play(session: Session, pace: float | None) -> None:
    """To the end of the tape, at `pace` times real time or as fast as it goes."""
    if pace is not None:
        _paced(session, pace)
        return
    while not session.is_over:
        session.play(most=SLICE)


def _announce(session: Session) -> None:
    resumed = f", going on after {session.book.facts} facts" if session.resumed else ""
    print(f"book {session.book.id} ({session.kind}, PAPER){resumed}", file=sys.stderr)


def _paced(session: Session, pace: float) -> None:
    """Market time runs `pace` times as fast as the wall's."""
    market, wall = session.player.at, time.monotonic_ns()
    while not session.is_over:
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
