"""A session without a window, watched on a live console."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from threading import Event

from app.console import Console
from app.headless import interruptible, pace_of
from engine.domain.facts import Record
from engine.domain.intents import SetMode
from engine.picture import paint
from engine.request import Mode, Request
from engine.session import Session, open_session
from widgets.tables.sentences import sentence

PACE = 60.0
REST_S = 0.05


def watch(request: Request, speed: str | None) -> int:
    """Runs the session at a pace until its end or Ctrl+C.

    Nobody can answer cards here, so signals are traded (AUTO) until it is left; then the mode is again what it was.
    """
    pace = PACE if speed is None else pace_of(speed)
    with interruptible() as wanted:
        _watch(replace(request, progress=partial(_tell, wanted)), pace, wanted)
    return 0


def _watch(request: Request, pace: float | None, wanted: Event) -> None:
    session = open_session(request)
    if session.unkeyed and not session.resumed:
        print(f"the book is chained without a key: {session.unkeyed}", file=sys.stderr)
    for doubt in session.doubts:
        print(f"warning: {doubt}", file=sys.stderr)
    lines: list[str] = []
    session.pipeline.subscribers.append(lambda record: lines.append(_line(record)))
    badges = ("PAPER", "REPLAY" if request.replay is not None else "SIMULATED")
    console = Console(badges, instruments=session.pipeline.instruments)
    mode = session.pipeline.desk.mode
    if not session.is_over and mode is not Mode.AUTO:
        print(f"nobody can answer signal cards here: they are traded (AUTO) until you leave, then the mode is {mode.value}")
        session.pipeline.on_intent(SetMode(Mode.AUTO.value), "console")
    console.start()
    try:
        for _ in _slices(session, pace, wanted):
            fresh, lines[:] = lines[:], []
            console.update(paint(session.pipeline), fresh)
        _leave(session, mode)
    finally:
        console.stop()
        session.close()


def _leave(session: Session, mode: Mode) -> None:
    """Finishes a run that is at its end; leaves any other as it was found, but for what was traded."""
    if session.is_over:
        session.finish()
        return
    if session.pipeline.desk.mode is not mode:
        session.pipeline.on_intent(SetMode(mode.value), "console")
    session.keep_place()
    print("left; the same command goes on from here", file=sys.stderr)


def _slices(session: Session, pace: float | None, wanted: Event) -> Iterator[None]:
    """Plays to the end, or until it is wanted, a slice at a time; at a pace, a weekend is jumped over instead of shown."""
    market, wall = session.player.at, time.monotonic_ns()
    while not session.is_over and not wanted.is_set():
        if pace is None:
            session.play(most=4_096)
        else:
            due = market + int((time.monotonic_ns() - wall) * pace)
            if session.player.at > due and session.player.at - session.pipeline.now > 60_000_000_000:
                market, wall = session.player.at, time.monotonic_ns()
            session.play(until=due + 1)
            time.sleep(REST_S)
        yield


def _tell(wanted: Event, share: float, words: str) -> None:
    """How far the opening is. Ctrl+C ends it here; once the session is open, it is left in order."""
    if wanted.is_set():
        raise KeyboardInterrupt
    print(f"{100 * share:3.0f} %  {words}", file=sys.stderr)


def _line(record: Record) -> str:
    return sentence(record.fact)
