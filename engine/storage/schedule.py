"""Backups on a schedule, beside a live session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from engine.core.clock import HOUR, MINUTE, SECOND, Clock, Nanos
from engine.core.errors import NiceGoldError
from engine.core.workers import run_apart
from engine.storage.backup import Kept, make_backup
from engine.storage.database import locate
from engine.storage.retention import backups, made_at

EVERY: Nanos = 6 * HOUR
KEEP = 28
"""A week of them."""

PAUSE: Nanos = 5 * MINUTE
"""How long after the session's start, or after a backup that failed, the next one is tried at the earliest."""


async def keep_backups(
    url: str,
    folder: Path,
    clock: Clock,
    told: Callable[[str], None],
    every: Nanos = EVERY,
    keep: int = KEEP,
    pause: Nanos = PAUSE,
) -> None:
    """Makes a backup of the books whenever the newest is `every` old, until it is cancelled; `told` hears a sentence of each.

    In a process of its own, so that a live session does not feel it. Market data are left out. One that fails is said, and
    tried again.
    """
    await asyncio.sleep(pause / SECOND)
    while True:
        try:
            wait = min(_due(url, folder, every) - clock.now(), every)  # a clock that was set back must not stop them
            await asyncio.sleep(wait / SECOND)
            kept = await _apart(url, folder, clock.now(), keep)
        except (NiceGoldError, OSError) as error:
            told(f"no backup could be made: {error}")
            await asyncio.sleep(pause / SECOND)
        else:
            told(f"backed up to {kept.backup.line()}")


def _due(url: str, folder: Path, every: Nanos) -> Nanos:
    found = backups(locate(url), folder)
    return made_at(found[0]) + every if found else 0


async def _apart(url: str, folder: Path, at: Nanos, keep: int) -> Kept:
    left = False

    def progress(_share: float, _words: str) -> None:
        if left:
            raise NiceGoldError("the session ended while a backup was being made")

    try:
        made: Kept = await asyncio.to_thread(run_apart, make_backup, (url, folder, at, keep, False), progress)
        return made
    finally:
        left = True
