"""Weekdays, times of day and trading periods as people write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_PERIOD = re.compile(r"(\w{3,9}) (\d\d?:\d\d) *[-–] *(\w{3,9}) (\d\d?:\d\d)")
_WEEK = 7 * 1440


@dataclass(frozen=True, slots=True)
class Period:
    """A trading period of the week. `opens` and `closes` are minutes from Monday 00:00 local; `closes` is the later one, so that
    a period over the weekend's midnight closes beyond 10,080. A Sunday's opening counts as the week's first, below zero."""

    opens: int
    closes: int

    @classmethod
    def of(cls, text: object) -> Period:
        """The period written as "Sun 18:00 - Mon 17:00"; ValueError for another writing."""
        if isinstance(text, cls):
            return text
        found = _PERIOD.fullmatch(str(text).strip())
        if not found:
            raise ValueError("a period is written as 'Sun 18:00 - Mon 17:00'")
        opens, closes = (as_weekday(found[part]) * 1440 + as_minute(found[part + 1]) for part in (1, 3))
        opens -= _WEEK if opens >= 6 * 1440 else 0
        while closes <= opens:
            closes += _WEEK
        if closes - opens > _WEEK:
            closes -= _WEEK
        return cls(opens, closes)

    def __str__(self) -> str:
        return f"{_shown(self.opens)} - {_shown(self.closes)}"

    @property
    def weekly(self) -> tuple[int, int, int, int]:
        """As engine.domain.sessions has it: opening weekday and minute, closing weekday and minute."""
        return self.opens // 1440 % 7, self.opens % 1440, self.closes // 1440 % 7, self.closes % 1440


def _shown(minutes: int) -> str:
    return f"{WEEKDAYS[minutes // 1440 % 7]} {minute_text(minutes % 1440)}"


def as_minute(value: object) -> int:
    """The minute of the day that "17:00" names; ValueError for another writing."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
        return value
    found = re.fullmatch(r"(\d\d?):(\d\d)", str(value))
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise ValueError("a time of day is written as '17:00'")
    return int(found[1]) * 60 + int(found[2])


def minute_text(minute: int) -> str:
    """The minute of the day as "17:00"."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def as_weekday(value: object) -> int:
    """The weekday (Monday = 0) that "Wed" or "Wednesday" names; ValueError for another word."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 7:
        return value
    word = str(value).strip().title()[:3]
    if word not in WEEKDAYS:
        raise ValueError(f"a weekday is one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(word)


def weekday_text(weekday: int) -> str:
    """The weekday as "Wed"."""
    return WEEKDAYS[weekday]


def as_month_day(value: object) -> str:
    """A date of every year as MM-DD; ValueError for another writing."""
    try:
        return f"{date.fromisoformat(f'2023-{value}'):%m-%d}"
    except ValueError:
        raise ValueError("a date of every year is written as '12-25'") from None


def as_short_day(value: object) -> str:
    """Which short days a rule is for; ValueError for another word."""
    try:
        return str(value) if value in ("holiday", "after", "eve") else as_month_day(value)
    except ValueError:
        raise ValueError("short days are 'holiday', 'after' (the day after one), 'eve', or a date such as '12-31'") from None


def known_zone(value: object) -> str:
    """The IANA time zone called so; ValueError when there is none.

    Only names that mean the same on every machine: `localtime` and its like are what a machine was set to.
    """
    name = str(value)
    if name not in _zones():
        raise ValueError("there is no such time zone; use an IANA name such as America/New_York")
    return name


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    names = resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    return frozenset(names) - {"Factory"}
