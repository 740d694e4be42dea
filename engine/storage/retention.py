"""Backups by their names: where they lie, how old they are, which of them are kept, and when one is needed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from engine.core.clock import Nanos, from_datetime, to_datetime, to_iso
from engine.core.errors import UserError
from engine.storage.database import Place, locate
from engine.storage.integrity import damage
from engine.storage.market import place_of
from engine.storage.migrate import MARKET

STAMP = "%Y%m%dT%H%M%S%fZ"

_STAMPED = r"-\d{8}T\d{12}Z\.db"


def folder_of(url: str, data: Path) -> Path:
    """Where backups lie when no folder is named: beside a SQLite file, below `data` for a server's database."""
    path = locate(url).path
    return (path.parent if path is not None else data) / "backups"


def name_of(place: Place, folder: Path, at: Nanos) -> Path:
    """The file of a backup that is begun at `at`."""
    return folder / f"{_stem_of(place)}-{to_datetime(at).strftime(STAMP)}.db"


def backups(place: Place, folder: Path) -> list[Path]:
    """The backups of a database in `folder`, the newest first."""
    return sorted(_named(place, folder, ""), reverse=True)


def made_at(backup: Path) -> Nanos:
    """When a backup was begun, by its name."""
    return from_datetime(datetime.strptime(backup.stem.rpartition("-")[2], STAMP).replace(tzinfo=UTC))


def retain(place: Place, folder: Path, keep: int) -> list[Path]:
    """Removes all backups but the newest `keep`, of which the last one stays in any case; what was removed."""
    removed = backups(place, folder)[max(1, keep) :]
    for path in removed:
        market_beside(path).unlink(missing_ok=True)
        path.unlink()
    return removed


def clear(place: Place, folder: Path, before: Nanos) -> None:
    """Removes what backups that were killed left behind; one that is being made by another program is younger."""
    for path in _named(place, folder, r"\.part.*"):
        if made_at(Path(path.name.partition(".")[0] + ".db")) < before:
            path.unlink(missing_ok=True)


def refuse_damaged(url: str, folder: Path) -> None:
    """Raises UserError, which names the newest backup in `folder`, where a SQLite file is not whole. Changes nothing of it."""
    path = locate(url).path
    if path is None or not path.exists():
        return
    wrong = damage(path)
    if not wrong:
        return
    found = backups(locate(url), folder)
    remedy = (
        f"main.py db restore {found[0]} --db {path} puts the backup of {to_iso(made_at(found[0]))} in its place"
        if found
        else f"{folder} has no backup of it; if there is one elsewhere, main.py db restore FILE --db {path} puts it in its place"
    )
    raise UserError(f"{path} is damaged ({wrong}) and was left as it is; {remedy}")


def market_beside(path: Path) -> Path:
    """Where the market data of a SQLite database lie."""
    beside = place_of(f"sqlite:///{path}", MARKET).path
    assert beside is not None
    return beside


def _named(place: Place, folder: Path, rest: str) -> list[Path]:
    pattern = re.compile(re.escape(_stem_of(place)) + _STAMPED + rest)
    return [path for path in folder.iterdir() if pattern.fullmatch(path.name)] if folder.is_dir() else []


def _stem_of(place: Place) -> str:
    """What the names of a database's backups begin with."""
    return place.path.stem if place.path is not None else urlsplit(place.url).path.strip("/") or "books"
