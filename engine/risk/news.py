"""Reads a calendar of announcements: a CSV or a TOML file of time, currency, importance, minutes before and after."""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.core.clock import MINUTE, Nanos, from_datetime, from_iso
from engine.core.errors import ConfigError
from engine.domain.news import IMPORTANCES, Blackout, NewsCalendar

COLUMNS = ("time", "currency", "importance", "before", "after", "title")
_NEEDED = ("time", "currency")
_LONGEST = 7 * 24 * 60
"""Minutes; a blackout longer than a week on one side is a slip."""


def load_news(path: Path, least: str = "medium", before: int = 5, after: int = 15) -> NewsCalendar:
    """The announcements of at least the importance `least`; `before` and `after` are minutes where the file says none.

    A CSV has a heading with time, currency and any of importance, before, after, title; a TOML file has a table [[event]] for
    each. Times are ISO 8601, UTC where they have no offset. ConfigError names the file, the line and what is wrong with it.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"news calendar {path} does not exist; give an existing CSV or TOML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"news calendar {path} cannot be read as text: {error}") from error
    rows = _of_toml(path, text) if path.suffix.lower() == ".toml" else _of_csv(path, text)
    usual = {"importance": "high", "before": before, "after": after, "title": ""}
    wanted = IMPORTANCES[IMPORTANCES.index(least) :]
    events = [_blackout(where, {**usual, **row}) for where, row in rows]
    kept = sorted((event for event in events if event.importance in wanted), key=lambda event: event.begins)
    return NewsCalendar(tuple(kept), hashlib.sha256(raw).hexdigest())


def _of_csv(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text))
    heads = [name.strip().lower() for name in next(reader, [])]
    _check_names(f"{path} line 1", heads)
    for row in reader:
        if not any(value.strip() for value in row):
            continue
        where = f"{path} line {reader.line_num}"
        if len(row) != len(heads):
            counts = f"{len(row)} values where the heading names {len(heads)}"
            raise ConfigError(f"{where}: {counts}; quote a title that holds a comma")
        yield where, {name: value.strip() for name, value in zip(heads, row, strict=True) if value.strip()}


def _of_toml(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"news calendar {path} cannot be read as TOML: {error}") from error
    events = values.get("event", [])
    if set(values) - {"event"} or not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ConfigError(f"news calendar {path}: it holds tables [[event]] and nothing else")
    for number, event in enumerate(events, 1):
        _check_names(f"{path} event {number}", event)
        yield f"{path} event {number}", event


def _check_names(where: str, names: Iterable[str]) -> None:
    given = list(names)
    if strange := [name for name in given if name not in COLUMNS]:
        raise ConfigError(f"{where}: {strange[0]!r} is not known; use {', '.join(COLUMNS)}")
    if missing := [name for name in _NEEDED if name not in given]:
        raise ConfigError(f"{where}: {missing[0]!r} is missing; every announcement has a time and a currency")


def _blackout(where: str, row: Mapping[str, Any]) -> Blackout:
    for name in _NEEDED:
        if name not in row:
            raise ConfigError(f"{where}: the {name} is missing")
    at = _time(where, row["time"])
    importance = str(row["importance"]).lower()
    if importance not in IMPORTANCES:
        raise ConfigError(f"{where}: importance {row['importance']!r} is not known; use {', '.join(IMPORTANCES)}")
    before, after = (_minutes(where, name, row[name]) for name in ("before", "after"))
    currency = str(row["currency"]).upper()
    return Blackout(at, at - before * MINUTE, at + after * MINUTE, currency, importance, str(row["title"]))


def _time(where: str, value: Any) -> Nanos:
    try:
        if isinstance(value, datetime):
            return from_iso(value.isoformat()) if value.tzinfo is None else from_datetime(value)
        return from_iso(str(value))
    except ValueError:
        raise ConfigError(f"{where}: time {str(value)!r} is no ISO 8601 time such as 2026-11-20T13:30:00Z") from None


def _minutes(where: str, name: str, value: Any) -> int:
    try:
        minutes = int(str(value))
    except ValueError:
        raise ConfigError(f"{where}: {name} = {str(value)!r} is not a whole number of minutes") from None
    if not 0 <= minutes <= _LONGEST:
        raise ConfigError(f"{where}: {name} = {minutes} minutes; give 0 to {_LONGEST}")
    return minutes
