"""A history file's clock: `EET`, `UTC+4`, an IANA zone, or one of them shifted, as in `America/New_York+7h` or `EET-7h`.

A source that changed its clock has several, each with the local day on which it ended: `EET-1h until 2014-01-05, EET`.
`EET` means the broker servers' Eastern European time: UTC+2 in winter, UTC+3 in summer, switching on the EU's dates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from engine.core.clock import DAY, HOUR, MINUTE, SECOND, WEEK, Nanos, to_datetime
from engine.core.errors import UserError
from engine.domain.market import Ints
from engine.market.formats.digits import Mask, stamp

_SHIFTED = re.compile(r"(?P<zone>.+?)(?P<sign>[+-])(?P<hours>\d{1,2})(:(?P<minutes>[0-5]\d))?h?$", re.IGNORECASE)
_UNTIL = re.compile(r"(?P<clock>\S+)\s+until\s+(?P<day>\d{4}-\d\d-\d\d)", re.IGNORECASE)
_ALIASES = {"EET": "Europe/Helsinki", "EET/EEST": "Europe/Helsinki", "GMT": "UTC", "Z": "UTC"}
_LARGEST_SHIFT = 14


@dataclass(frozen=True, slots=True)
class FileClock:
    """A clock as the user writes it: local time = time in `zone` + `shift` (ns), before `since` (local ns) `earlier`."""

    spec: str
    zone: str
    shift: Nanos = 0
    earlier: FileClock | None = None
    since: Nanos = 0

    def to_utc(self, local: Ints) -> Ints:
        """File times (ns as if UTC, in file order) as ns UTC.

        A time in the hour that is skipped in spring is read as if the clock had not been put forward yet. A time in the
        hour that autumn repeats is its first pass until the file's times step back or stand still within it, its second
        from there on; a file that shows the hour once has the first.
        """
        if self.earlier is not None and len(local):
            return np.where(local < self.since, self.earlier.to_utc(local), replace(self, earlier=None).to_utc(local))
        local = local - self.shift
        if not len(local) or self.zone == "UTC":
            return local
        first, last = int(local.min()), int(local.max())
        begins, offsets = _offsets(self.zone, first // WEEK - 1, last // WEEK + 2)
        if len(offsets) == 1:
            offset: Nanos = int(offsets[0])
            return local - offset
        segment = np.searchsorted(begins[1:] + offsets[1:], local, side="right")
        previous = np.maximum(segment - 1, 0)
        twice = (segment > 0) & (local < begins[segment] + offsets[previous])
        if twice.any():
            segment = np.where(twice & _first_pass(local, segment, twice), previous, segment)
        utc: Ints = local - offsets[segment]
        return utc

    def to_local(self, utc: Ints) -> Ints:
        """ns UTC as times on this clock (ns as if UTC)."""
        local: Ints = utc + offsets_of(self.zone, utc) + self.shift
        return local if self.earlier is None else np.where(local < self.since, self.earlier.to_local(utc), local)

    def skipped(self, local: Ints) -> int:
        """How many of the times never were on this clock (the hour skipped in spring)."""
        if self.earlier is not None:
            before = local < self.since
            return self.earlier.skipped(local[before]) + replace(self, earlier=None).skipped(local[~before])
        if not len(local) or self.zone == "UTC":
            return 0
        plain = local - self.shift
        begins, offsets = _offsets(self.zone, int(plain.min()) // WEEK - 1, int(plain.max()) // WEEK + 2)
        return int(
            sum(
                ((plain >= begin + before) & (plain < begin + after)).sum()
                for begin, before, after in zip(begins[1:], offsets[:-1], offsets[1:], strict=True)
            )
        )


def _first_pass(local: Ints, segment: Ints, twice: Mask) -> Mask:
    """True before the times of each repeated hour step back."""
    rows = np.flatnonzero(twice)
    first = np.ones(len(local), np.bool_)
    runs = np.flatnonzero(np.diff(segment[rows], prepend=-1))
    for begin, end in zip(runs, [*runs[1:], len(rows)], strict=True):
        run = rows[begin:end]
        back = np.flatnonzero(np.diff(local[run]) <= 0)
        if len(back):
            first[run[back[0] + 1 :]] = False
    return first


@lru_cache(maxsize=64)
def _offsets(zone: str, first_week: int, last_week: int) -> tuple[Ints, Ints]:
    """When each offset of `zone` from UTC begins to hold (ns UTC, the first one ever) and the offsets (ns)."""
    begins, offsets = [-(1 << 62)], [_offset(zone, first_week * WEEK)]
    for week in range(first_week, last_week + 1):
        if _offset(zone, (week + 1) * WEEK) != offsets[-1]:
            begin = _change(zone, week * WEEK, (week + 1) * WEEK)
            begins.append(begin)
            offsets.append(_offset(zone, begin))
    return np.array(begins, np.int64), np.array(offsets, np.int64)


def _change(zone: str, before: Nanos, after: Nanos) -> Nanos:
    """The minute between two moments at which the offset changes."""
    low, high, old = before // MINUTE, after // MINUTE, _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle * MINUTE) == old else (low, middle)
    return high * MINUTE


def _offset(zone: str, at: Nanos) -> Nanos:
    offset = to_datetime(at, zone).utcoffset()
    return 0 if offset is None else (offset.days * (DAY // SECOND) + offset.seconds) * SECOND


def offsets_of(zone: str, utc: Ints) -> Ints:
    """How far `zone` is ahead of UTC at each moment (ns)."""
    if zone == "UTC" or not len(utc):
        return np.zeros(len(utc), np.int64)
    begins, offsets = _offsets(zone, int(utc.min()) // WEEK - 1, int(utc.max()) // WEEK + 2)
    found: Ints = offsets[np.searchsorted(begins, utc, side="right") - 1]
    return found


def parse_clock(spec: str) -> FileClock:
    """The clock that `spec` names; UserError with examples when it names none."""
    text = spec.strip()
    if "," in text:
        return _changed(text)
    zone = _zone(text)
    if zone:
        return FileClock(text, zone)
    match = _SHIFTED.match(text)
    zone = _zone(match["zone"]) if match else None
    if match is None or zone is None or int(match["hours"]) > _LARGEST_SHIFT:
        raise UserError(f"clock {spec!r} is not known; write EET, UTC, UTC+4, a zone like Europe/London, or America/New_York+7h")
    shift = int(match["hours"]) * HOUR + int(match["minutes"] or 0) * MINUTE
    return FileClock(text, zone, -shift if match["sign"] == "-" else shift)


def _changed(text: str) -> FileClock:
    """Clocks one after the other: `EET-1h until 2014-01-05, EET`."""
    *before, last = (part.strip() for part in text.split(","))
    earlier: FileClock | None = None
    since = -(1 << 62)
    for part in before:
        match = _UNTIL.fullmatch(part)
        end = stamp(match["day"], "YYYY-MM-DD") if match else None
        if match is None or end is None or end <= since:
            raise UserError(f"clock {text!r}: {part!r} is not understood; write for instance EET-1h until 2014-01-05, EET")
        earlier, since = replace(parse_clock(match["clock"]), earlier=earlier, since=since), end
    return replace(parse_clock(last), spec=text, earlier=earlier, since=since)


def _zone(name: str) -> str | None:
    name = _ALIASES.get(name.upper(), name)
    if name.upper() == "UTC":
        return "UTC"
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
