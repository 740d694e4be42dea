"""Time of day and week as features, by integer arithmetic on the bar's open time."""

from __future__ import annotations

import numpy as np

from engine.core.cache import part
from engine.domain.market import Floats
from engine.features.state import DAY, LONDON, MINUTE, NEW_YORK
from engine.features.windows import put

_HOUR_SIN = np.sin(np.arange(1440) * (2.0 * np.pi / 1440.0))
_HOUR_COS = np.cos(np.arange(1440) * (2.0 * np.pi / 1440.0))
_WEEK_SIN = np.sin(np.arange(7) * (2.0 * np.pi / 7.0))
_WEEK_COS = np.cos(np.arange(7) * (2.0 * np.pi / 7.0))
_LONGEST_PAUSE = 72 * 60
_HOURS = 1.0 / 60.0


@part
def year_of(day: int) -> int:
    """The civil year (Gregorian) that epoch day `day` lies in."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    return year + era * 400 + (1 if of_year >= 306 else 0)


@part
def sunday_from(year: int, march_day: int) -> int:
    """Epoch day of the first Sunday on or after the day `march_day` days after the first of March of `year`."""
    era = year // 400
    of_era = year - era * 400
    day = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 - 719_468 + march_day
    return day + (6 - (day + 3) % 7) % 7


@part
def new_york_offset(day: int) -> int:
    """Minutes that New York's clock is ahead of UTC on epoch day `day`: summer from March 8+ to November 1+ (Sundays)."""
    year = year_of(day)
    return -240 if sunday_from(year, 7) <= day < sunday_from(year, 245) else -300


@part
def london_offset(day: int) -> int:
    """Minutes that London's clock is ahead of UTC on epoch day `day`: summer from March 25+ to October 25+ (Sundays)."""
    year = year_of(day)
    return 60 if sunday_from(year, 24) <= day < sunday_from(year, 238) else 0


@part
def calendar(state: Floats, at: int, first: bool, out: Floats, column: int) -> None:
    """Writes the ten calendar features from `column` on and moves the state's clock to `at` (ns UTC)."""
    epoch_minute = at // 60_000_000_000
    day = epoch_minute // 1_440
    minute = epoch_minute - day * 1_440
    if day != int(state[DAY]):
        state[DAY] = day
        state[NEW_YORK] = new_york_offset(day)
        state[LONDON] = london_offset(day)
    london = minute + int(state[LONDON])
    new_york = minute + int(state[NEW_YORK])
    new_york += 1_440 if new_york < 0 else 0
    since_roll = new_york - 1_020 + (1_440 if new_york < 1_020 else 0)
    pause = 0.0 if first else epoch_minute - state[MINUTE]
    state[MINUTE] = epoch_minute
    weekday = (day + 3) % 7
    out[column] = _HOUR_SIN[minute]
    out[column + 1] = _HOUR_COS[minute]
    out[column + 2] = _WEEK_SIN[weekday]
    out[column + 3] = _WEEK_COS[weekday]
    out[column + 4] = 1.0 if minute < 540 else 0.0
    out[column + 5] = 1.0 if 480 <= london < 1_020 else 0.0
    out[column + 6] = 1.0 if 480 <= new_york < 1_020 else 0.0
    out[column + 7] = since_roll * _HOURS
    out[column + 8] = (1_440 - since_roll) * _HOURS
    put(out, column + 9, min(pause, _LONGEST_PAUSE) * _HOURS)
