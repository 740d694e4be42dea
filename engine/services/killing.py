"""The kill switch from the command line: every running live session of this user, or one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.core.errors import UserError
from engine.live.control import ask, sessions


async def kill_sessions(folder: Path, book: int | None, flatten: bool, drill: bool) -> list[dict[str, Any]]:
    """Throws it in each running session, one after another; what each came to. UserError where none runs.

    A session that does not answer is told of with `refused`, and the others are still asked.
    """
    running = [told for told in sessions(folder) if book is None or told["book"] == book]
    if not running:
        which = "no live session" if book is None else f"no live session with book {book}"
        raise UserError(f"{which} is running here; what works at the broker has to be cancelled there, or by a session of it")
    return [await _killed(told, flatten, drill) for told in running]


async def _killed(told: dict[str, Any], flatten: bool, drill: bool) -> dict[str, Any]:
    try:
        return {"book": told["book"], **await ask(told, {"do": "kill", "flatten": flatten, "drill": drill})}
    except UserError as error:
        return {"book": told["book"], "refused": str(error)}
