"""A session without a window, watched on a live console."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from app.console import Console
from app.headless import pace_of
from engine.domain.facts import Record
from engine.picture import paint
from engine.request import Request, mode_of
from engine.session import Session, open_session
from widgets.tables.sentences import sentence

PACE = 60.0
REST_S = 0.05


def watch(request: Request, speed: str | None) -> int:
    """Runs the session at a pace until its end or Ctrl+C. Nobody can answer cards here, so signals are traded (AUTO)."""
    pace = PACE if speed is None else pace_of(speed)
    try:
        _watch(replace(request, mode=mode_of("auto"), progress=_tell), pace)
    except KeyboardInterrupt:
        print("left; the same command goes on from here", file=sys.stderr)
    return 0


def _watch(request: Request, pace: float | None) -> None:
    session = open_session(request)
    lines: list[str] = []
    session.pipeline.subscribers.append(lambda record: lines.append(_line(record)))
    badges = ("PAPER", "REPLAY" if request.replay is not None else "SIMULATED")
    console = Console(badges, instruments=session.pipeline.instruments)
    console.start()
    try:
        for _ in _slices(session, pace):
            fresh, lines[:] = lines[:], []
            console.update(paint(session.pipeline), fresh)
        session.finish()
    finally:
        console.stop()
        session.close()


def _slices(session: Session, pace: float | None) -> Iterator[None]:
    """Plays to the end, a slice at a time; at a pace, a weekend is jumped over instead of shown."""
    market, wall = session.player.at, time.monotonic_ns()
    while not session.is_over:
        if pace is None:
            session.play(most=4_096)
        else:
            due = market + int((time.monotonic_ns() - wall) * pace)
            if session.player.at > due and session.player.at - session.pipeline.now > 60_000_000_000:
                market, wall = session.player.at, time.monotonic_ns()
            session.play(until=due + 1)
            time.sleep(REST_S)
        yield


def _tell(share: float, words: str) -> None:
    print(f"{100 * share:3.0f} %  {words}", file=sys.stderr)


def _line(record: Record) -> str:
    return sentence(record.fact)
