"""The days a market stays shut or shuts early, by the name of an exchange's calendar.

Exchange calendars are computed once, by a library that takes most of a second to load, and then read from beside the compiled
kernels.
"""

from __future__ import annotations

import json
import os
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any, NamedTuple

from engine.core.cache import prepare_numba_cache
from engine.core.errors import UserError

FIRST_YEAR, LAST_YEAR = 1970, 2060
"""The years whose holidays are computed; outside them every day is a usual one."""

_FIRST_DAY, _LAST_DAY = f"{FIRST_YEAR}-01-01", f"{LAST_YEAR}-12-31"
_REAL = "2024-01-02", "2024-01-31"


class Closure(NamedTuple):
    """A trading day that is not a usual one: `close` is the local minute it shuts at, None for a day without trading."""

    close: int | None
    name: str


@dataclass(frozen=True, slots=True)
class EarlyClose:
    """When a shortened day ends: `minute` local, for days from `since` until before `until`.

    `on` says which days: "holiday" (the half-day calendar's holidays), "after" (the day after one), "eve" (other short days of
    the calendar), or a date as MM-DD, which is short in every year.
    """

    on: str
    minute: int
    since: date = date.min
    until: date = date.max


@dataclass(frozen=True, slots=True)
class Holidays:
    """Which days are shut. `calendar` is the exchange whose full holidays and short days are kept ("" for none), `half_days` the
    exchange whose other holidays are short days here, `closed` further closed dates as MM-DD. Of `early`, the last that fits a
    day decides; a short day none fits is a usual one."""

    calendar: str = ""
    half_days: str = ""
    closed: tuple[str, ...] = ()
    early: tuple[EarlyClose, ...] = ()

    def __hash__(self) -> int:
        """Short, because a timetable is looked up by it at every decision."""
        return hash((self.calendar, self.half_days, self.closed, len(self.early)))

    def of(self, year: int) -> dict[date, Closure]:
        """The unusual trading days of `year`, by date. UserError for a calendar that does not exist."""
        return _days(self, year)

    def is_business(self, day: date) -> bool:
        """Whether accounts are settled on `day`: a weekday that is no holiday of either exchange."""
        shut = (calendar_days(name).closed for name in (self.calendar, self.half_days) if name)
        return day.weekday() < 5 and f"{day:%m-%d}" not in self.closed and not any(day in days for days in shut)


@lru_cache(maxsize=512)
def _days(holidays: Holidays, year: int) -> dict[date, Closure]:
    main = calendar_days(holidays.calendar) if holidays.calendar else Days({}, {})
    other = calendar_days(holidays.half_days).closed if holidays.half_days else {}
    found = {day: Closure(None, name) for day, name in main.closed.items() if day.year == year}
    fixed = {date.fromisoformat(f"{year}-{day}"): day for day in holidays.closed}
    found |= {day: Closure(None, _FIXED.get(name, "holiday")) for day, name in fixed.items()}
    short = {day: name for day, name in main.short.items() if day.year == year}
    short |= {day: name for day, name in other.items() if day.year == year}
    short |= {date.fromisoformat(f"{year}-{rule.on}"): "" for rule in holidays.early if _is_date(rule.on)}
    for day, name in short.items():
        kind = _kind(day, main, other)
        minute = None if day in found or day.weekday() > 4 else _minute(holidays, day, kind)
        if minute is not None:
            found[day] = Closure(minute, name or _FIXED.get(f"{day:%m-%d}", "short day"))
    return dict(sorted(found.items()))


_FIXED = {"01-01": "New Year's Day", "12-24": "Christmas Eve", "12-25": "Christmas", "12-31": "New Year's Eve"}


def _kind(day: date, main: Days, other: dict[date, str]) -> str:
    if day in other:
        return "holiday"
    if day not in main.short:
        return ""
    yesterday = day - timedelta(days=1)
    return "after" if yesterday in main.closed or yesterday in other else "eve"


def _minute(holidays: Holidays, day: date, kind: str) -> int | None:
    fits = [rule.minute for rule in holidays.early if rule.on in (kind, f"{day:%m-%d}") and rule.since <= day < rule.until]
    return fits[-1] if fits else None


def _is_date(on: str) -> bool:
    return on[:1].isdigit()


class Days(NamedTuple):
    """An exchange's calendar: its holidays and its days with an early close, by date, with what they are called.

    Only those that return by rule. Single days of one exchange (mourning, storms) were no holes in recorded gold: it traded on
    2018-12-05 and 2025-01-09, when the stock exchanges stayed shut.
    """

    closed: dict[date, str]
    short: dict[date, str]


@lru_cache(maxsize=8)
def calendar_days(name: str) -> Days:
    """The calendar of the exchange `name` (as exchange_calendars calls it). UserError when there is none."""
    from importlib.metadata import version

    file = prepare_numba_cache() / f"holidays-{name.replace('/', '-')}-{version('exchange_calendars')}-{LAST_YEAR}-2.json"
    try:
        known = json.loads(file.read_text("ascii"))
        return Days(*({date.fromisoformat(day): what for day, what in known[part].items()} for part in Days._fields))
    except (OSError, ValueError, KeyError, TypeError):
        found = _computed(name)
    with suppress(OSError):
        _write(file, found)
    return found


def _write(file: Path, days: Days) -> None:
    fresh = file.with_suffix(f".{os.getpid()}.json")
    table = {part: {day.isoformat(): what for day, what in found.items()} for part, found in days._asdict().items()}
    fresh.write_text(json.dumps(table), "ascii")
    os.replace(fresh, file)


def _computed(name: str) -> Days:
    library = import_module("exchange_calendars")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pandas, about the library's own use of it
            return _days_of(library.get_calendar(name, *_REAL))
    except library.errors.InvalidCalendarName:
        raise UserError(f"{name!r} is no exchange calendar; use for example CMES (CME Globex) or XNYS (New York)") from None
    except Exception as error:  # some calendars of the library end short of the years that are computed, each in its own way
        raise UserError(f"calendar {name} cannot be used: {_said(error)}; use another, or name its dates as closed") from error


def _said(error: Exception) -> str:
    return shorten(str(error), 120, placeholder=" …").rstrip(". ") or type(error).__name__


def _days_of(calendar: Any) -> Days:
    short: dict[date, str] = {}
    for _, rules in calendar.special_closes:
        short |= _named(rules)
    return Days(_weekdays(_named(calendar.regular_holidays)), _weekdays(short))


def _named(rules: Any) -> dict[date, str]:
    """Days by what they are called; none where the library lists no rules, or a weekday's number instead."""
    if rules is None or isinstance(rules, int):
        return {}
    return {moment.date(): str(name) for moment, name in rules.holidays(_FIRST_DAY, _LAST_DAY, return_name=True).items()}


def _weekdays(days: dict[date, str]) -> dict[date, str]:
    return {day: name for day, name in sorted(days.items()) if day.weekday() < 5}
