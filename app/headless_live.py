"""A live session without a window: facts as lines while it runs, its summary when it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import replace

from app.paths import log_dir
from app.waiting import Waiting
from engine.core.clock import SECOND, from_iso
from engine.core.errors import BrokerError, FeedError, UserError
from engine.core.log import crash_log
from engine.domain.facts import Record
from engine.domain.intents import Arm
from engine.live.opening import Opened, live_session
from engine.request import Mode, Request
from widgets.tables.sentences import sentence


def run_live(request: Request, as_json: bool, arm: str, waiting: Waiting) -> int:
    """Runs the request until Ctrl+C, or until its time; `arm` is the live account's name as its owner typed it.

    `waiting` is told what is done until the session is open.
    """
    try:
        return asyncio.run(_run(request, as_json, arm, waiting))
    except (BrokerError, FeedError) as error:
        raise UserError(str(error)) from error


async def _run(request: Request, as_json: bool, arm: str, waiting: Waiting) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with live_session(replace(request, progress=waiting), lambda error: _told(error)) as opened:
        waiting.end()
        _announce(opened)
        opened.session.pipeline.subscribers.append(_line)
        if arm:
            opened.session.do(Arm(arm), "command line")
        if request.until:
            left = (from_iso(request.until) - opened.session.clock.now()) / SECOND
            loop.call_later(max(0.0, left), stop.set)
        await opened.session.run(stop)
        summary = await opened.finish()
    for name, value in summary.items():
        if not as_json:
            print(f"{name:>16}  {value}")
    if as_json:
        print(json.dumps(summary))
    return 0


def _announce(opened: Opened) -> None:
    session = opened.session
    money = "LIVE" if session.broker.is_live else "PAPER"
    resumed = f", going on after {opened.book.facts} facts" if opened.resumed else ""
    mode = session.pipeline.desk.mode
    place = f"{session.feed.kind} prices, {session.broker.name}, {money}, {mode.value}"
    print(f"book {opened.book.id} ({place}){resumed}", file=sys.stderr)
    if mode is Mode.CONFIRM:
        print("signals wait for their owner: main.py session signal answers them", file=sys.stderr)
    if opened.unkeyed and not opened.resumed:
        print(f"the book is chained without a key: {opened.unkeyed}", file=sys.stderr)
    for line in session.keeper.found.lines:
        print(f"  {line}", file=sys.stderr)
    if session.trouble:
        print(f"not trading yet: {session.trouble}", file=sys.stderr)
    print("Ctrl+C ends it and leaves every order at the venue as it is", file=sys.stderr, flush=True)


def _line(record: Record) -> None:
    print(sentence(record.fact), file=sys.stderr, flush=True)


def _told(error: Exception) -> None:
    print(f"a fault in the program: {error}; the report is in {crash_log(log_dir(), error)}", file=sys.stderr)
