"""How the terminal opens: with a window where there can be one, else with a console, after a line that says so."""

from __future__ import annotations

import sys

from app.preflight import qt_problem
from engine.request import Request


def open_terminal(request: Request, speed: str | None = None, arm: str = "", as_json: bool = False) -> int:
    """Opens the window, or runs the same session on a console where Qt could not; the exit code.

    On a console `arm` and `as_json` are those of a live session there.
    """
    problem = qt_problem()
    if problem is not None:
        print(problem.sentence, file=sys.stderr, flush=True)
        if request.feed:
            return live_on_console(request, as_json, arm)
        from app.watch import watch

        return watch(request, speed)
    from app.headless import pace_of
    from app.run import run_window
    from engine.host import MAX_SPEED

    pace = None if speed is None else pace_of(speed) or MAX_SPEED
    return run_window(request, pace)


def live_on_console(request: Request, as_json: bool, arm: str) -> int:
    """Runs a live session without a window; the exit code."""
    from app.waiting import Waiting

    with Waiting("loading what trades at a venue", as_json) as waiting:
        from app.headless_live import run_live

        return run_live(request, as_json, arm, waiting)
