"""How the terminal opens: with a window where there can be one, else with a console, after a line that says so."""

from __future__ import annotations

import sys

from app.preflight import qt_problem
from engine.request import Request


def open_terminal(request: Request, speed: str | None = None) -> int:
    """Opens the window, or runs the same session on a console where Qt could not; the exit code."""
    problem = qt_problem()
    if problem is not None:
        print(problem.sentence, file=sys.stderr)
        from app.watch import watch

        return watch(request, speed)
    from app.headless import pace_of
    from app.run import run_window
    from engine.host import MAX_SPEED

    pace = None if speed is None else pace_of(speed) or MAX_SPEED
    return run_window(request, pace)
