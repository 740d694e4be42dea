"""Backups as their owner sees them: made by hand or on a schedule, only so many kept, put back in their place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.core.clock import MINUTE, SECOND, Clock, Nanos
from engine.core.errors import NiceGoldError
from engine.core.workers import Progress, run_apart
from engine.services.audits import key_of
from engine.storage.backup import Backup, back_up, backups, made_at, retain
from engine.storage.database import locate
from engine.storage.restore import Restored, restore

RETRY: Nanos = 5 * MINUTE
"""How long after a backup that failed the next one is tried."""


class Kept(NamedTuple):
    """A backup that was made, and the older ones that were removed for it."""

    backup: Backup
    removed: tuple[Path, ...]


def folder_of(url: str, data: Path) -> Path:
    """Where backups lie when no folder is named: beside a SQLite file, below `data` for a server's database."""
    path = locate(url).path
    return (path.parent if path is not None else data) / "backups"


def make_backup(url: str, folder: Path, at: Nanos, keep: int | None, with_market: bool, progress: Progress) -> Kept:
    """Makes a backup, and removes all but the newest `keep` once it is there. Raises as `back_up`."""
    made = back_up(url, folder, at, with_market, progress)
    removed = retain(locate(url), folder, keep) if keep is not None else []
    return Kept(made, tuple(removed))


def put_back(file: Path, url: str, at: Nanos, progress: Progress) -> Restored:
    """Puts a backup in the place that `url` names, once it is found whole. Raises as `restore`."""
    return restore(file, url, at, key_of, progress)


async def keep_backups(url: str, folder: Path, every: Nanos, keep: int, clock: Clock, told: Callable[[str], None]) -> None:
    """Makes a backup of the books whenever the newest is `every` old, until it is cancelled; `told` hears a sentence of each.

    In a process of its own, so that a live session does not feel it. Market data are left out. One that fails is said, and
    tried again.
    """
    pause: Nanos = 0
    while True:
        wait = max(pause, min(_due(url, folder, every) - clock.now(), every))  # a clock that was set back must not stop them
        await asyncio.sleep(wait / SECOND)
        try:
            kept = await _apart(url, folder, clock.now(), keep)
        except NiceGoldError as error:
            pause = RETRY
            told(f"no backup could be made: {error}")
        else:
            pause = 0
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
