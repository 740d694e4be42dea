"""The kill switch from the command line: every running live session of this user, or one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.live.control import ask, sessions


def kill_sessions(folder: Path, book: int | None, flatten: bool, drill: bool) -> list[dict[str, Any]]:
    """Throws it in each running session, in all at once; what each came to. UserError where none runs.

    A session that does not answer is told of with `refused`, and holds up no other.
    """
    running = [told for told in sessions(folder) if book is None or told["book"] == book]
    if not running:
        which = "no live session" if book is None else f"no live session with book {book}"
        raise UserError(f"{which} is running here; what works at the broker has to be cancelled there, or by a session of it")
    with ThreadPoolExecutor(len(running)) as askers:
        return list(askers.map(partial(_killed, {"flatten": flatten, "drill": drill}), running))


def _killed(how: dict[str, bool], told: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"book": told["book"], **ask(told, "POST", "/v1/kill", how)}
    except UserError as error:
        return {"book": told["book"], "refused": str(error)}
