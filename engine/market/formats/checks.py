"""What makes a row broken. Each check marks rows and says why; a marked row is refused, its neighbours stay."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from decimal import Decimal

import numpy as np

from engine.core.clock import DAY, HOUR, SECOND, Nanos, to_datetime
from engine.domain.instrument import Instrument
from engine.domain.market import Floats, Ints
from engine.market.formats.base import BadRow, Parsed
from engine.market.formats.digits import Mask

_BLOCK, _NEAR = 256, 5
_FEW, _YEAR = 10, 366 * DAY
_SUSPECT, _JUMP = 2.5, 5.0

Reason = Callable[[int], str]


class Sieve:
    """Collects refusals; a row is refused once, by the first check that meets it."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.keep: Mask = np.ones(len(parsed.at), np.bool_)
        self.bad: list[BadRow] = list(parsed.bad)

    def refuse(self, broken: Mask, reason: Reason) -> None:
        """Take out the rows marked in `broken`; `reason` is asked for each."""
        for row in np.flatnonzero(broken & self.keep):
            self.bad.append(BadRow(int(self.parsed.line[row]), reason(int(row))))
        self.keep &= ~broken


def refuse_broken_values(sieve: Sieve) -> None:
    """Prices that are no positive numbers, contradict each other, or a volume or spread below zero."""
    columns = sieve.parsed.columns
    for name, column in columns.items():
        if name in ("volume", "spread"):
            unknown = np.isnan(column) & (name in sieve.parsed.unknown)
            sieve.refuse(~(unknown | (column >= 0) & np.isfinite(column)), _says(name, column, "is not a number of zero or more"))
        else:
            sieve.refuse(~((column > 0) & np.isfinite(column)), _says(name, column, "is not a number above zero"))
    if sieve.parsed.is_ticks:
        _refuse_order(sieve, "ask", "bid", "below")
        return
    _refuse_order(sieve, "high", "low", "below")
    for name in ("open", "close"):
        _refuse_order(sieve, name, "low", "below")
        _refuse_order(sieve, "high", name, "below")


def _refuse_order(sieve: Sieve, upper: str, lower: str, word: str) -> None:
    above, under = sieve.parsed.columns[upper], sieve.parsed.columns[lower]
    sieve.refuse(above < under, lambda row: f"{upper} {above[row]:g} {word} {lower} {under[row]:g}")


def _says(name: str, column: Floats, claim: str) -> Reason:
    return lambda row: f"{name} {column[row]:g} {claim}"


def refuse_jumps(sieve: Sieve) -> None:
    """Prices five times above or below the median of the rows around them: lost or doubled digits, not a market."""
    rows = np.flatnonzero(sieve.keep)
    if len(rows) < 2 * _NEAR:
        return
    columns = sieve.parsed.columns
    names = ("bid", "ask") if sieve.parsed.is_ticks else ("close", "low", "high")
    middle, low, high = columns[names[0]][rows], columns[names[-2]][rows], columns[names[-1]][rows]
    level = _block_medians(middle)
    broken = np.zeros(len(sieve.keep), np.bool_)
    ratios: dict[int, float] = {}
    for place in np.flatnonzero((high > level * _SUSPECT) | (low < level / _SUSPECT)).tolist():
        reference = float(
            np.median(np.append(middle[max(0, place - 2 * _NEAR) : place], middle[place + 1 : place + 1 + 2 * _NEAR]))
        )
        ratio = max(float(high[place]) / reference, reference / float(low[place]))
        if ratio >= _JUMP:
            broken[rows[place]] = True
            ratios[int(rows[place])] = ratio
    sieve.refuse(broken, lambda row: f"price jump against the rows around it (x{ratios[row]:.0f})")


def _block_medians(prices: Floats) -> Floats:
    """The median of each row's block of 256 rows, repeated over the block."""
    whole = len(prices) // _BLOCK * _BLOCK
    medians = np.repeat(np.median(prices[:whole].reshape(-1, _BLOCK), axis=1), _BLOCK) if whole else np.empty(0)
    rest = prices[max(0, len(prices) - _BLOCK) :]
    return np.concatenate([medians, np.full(len(prices) - whole, np.median(rest))])


def refuse_implausible(sieve: Sieve, instrument: Instrument) -> None:
    """Single rows outside the instrument's plausible band (a file that lies outside as a whole is refused elsewhere)."""
    band = instrument.plausible
    if band is None:
        return
    for name in ("bid", "ask") if sieve.parsed.is_ticks else ("low", "high"):
        column = sieve.parsed.columns[name]
        outside = (column < band[0]) | (column > band[1])
        sieve.refuse(outside, _says(name, column, f"is not plausible for {instrument.symbol} ({band[0]:g}..{band[1]:g})"))


def scale_hint(prices: Floats, instrument: Instrument) -> Decimal | None:
    """None where the median price is plausible; else the factor that would make it so, or 0 when no power of ten does."""
    band = instrument.plausible
    if band is None or not len(prices):
        return None
    median = float(np.median(prices))
    if band[0] <= median <= band[1]:
        return None
    for power in (-1, 1, -2, 2, -3, 3, -4, 4, -5, 5, -6, 6):
        if band[0] <= median * 10.0**power <= band[1]:
            return Decimal(10) ** power
    return Decimal(0)


def refuse_off_grid(sieve: Sieve, span: Nanos, name: str) -> None:
    """Times off the timeframe's grid on the file's own clock, wherever most rows anchor it.

    Long bars that are stamped in UTC follow a market's day, which daylight saving moves by an hour.
    """
    rest = sieve.parsed.at % span
    if (rest != rest[0]).any() and sieve.keep.any():
        values, counts = np.unique(rest[sieve.keep], return_counts=True)
        anchor = int(values[counts.argmax()])
        off = rest != anchor
        if sieve.parsed.clock == "UTC" and span > HOUR:
            off &= ((rest - anchor) % span != HOUR) & ((anchor - rest) % span != HOUR)
        sieve.refuse(off, lambda row: f"time {_clock_face(int(sieve.parsed.at[row]))} is off the {name} grid")


def _clock_face(at: Nanos) -> str:
    return to_datetime(at - at % SECOND).strftime("%Y-%m-%d %H:%M:%S")


def refuse_out_of_order(sieve: Sieve, utc: Ints) -> int:
    """Keep the longest run of rows whose times ascend; drop exact repeats of kept rows, whose number is returned.

    A repeat with other values and a row out of order are refused. `utc` is the time of each row, kept or not.
    """
    rows = np.flatnonzero(sieve.keep)
    times = utc[rows]
    if not len(times) or (np.diff(times) > 0).all():
        return 0
    chosen = rows[_longest_ascent(times)]
    kept = np.zeros(len(sieve.keep), np.bool_)
    kept[chosen] = True
    left = np.flatnonzero(sieve.keep & ~kept)
    place = np.minimum(np.searchsorted(utc[chosen], utc[left]), len(chosen) - 1)
    twin = chosen[place]
    same_time = utc[twin] == utc[left]
    same_values = np.ones(len(left), np.bool_)
    for column in sieve.parsed.columns.values():
        same_values &= (column[twin] == column[left]) | np.isnan(column[twin]) & np.isnan(column[left])
    exact = left[same_time & same_values]
    twin_line = dict(zip(left.tolist(), sieve.parsed.line[twin].tolist(), strict=True))
    sieve.keep[exact] = False
    differs = np.zeros(len(sieve.keep), np.bool_)
    differs[left[same_time & ~same_values]] = True
    sieve.refuse(differs, lambda row: f"same time as line {twin_line[row]} with other values")
    sieve.refuse(~kept, lambda row: f"time {_clock_face(int(sieve.parsed.at[row]))} is out of order")
    return len(exact)


def refuse_lone_times(sieve: Sieve, utc: Ints) -> None:
    """A few rows more than a year from all others: a wrong year, not a history."""
    rows = np.flatnonzero(sieve.keep)
    parts = np.split(rows, np.flatnonzero(np.diff(utc[rows]) > _YEAR) + 1)
    longest = max(len(part) for part in parts)
    for part in parts:
        if len(part) < _FEW and len(part) < longest:
            lone = np.zeros(len(sieve.keep), np.bool_)
            lone[part] = True
            sieve.refuse(lone, lambda row: f"time {_clock_face(int(sieve.parsed.at[row]))} is more than a year from all others")


def _longest_ascent(times: Ints) -> Ints:
    """Indices of a longest strictly ascending subsequence; of equal times the first."""
    tails: list[int] = []
    tail_rows: list[int] = []
    before = np.full(len(times), -1, np.int64)
    for row, at in enumerate(times.tolist()):
        place = bisect_left(tails, at)
        if place == len(tails):
            tails.append(at)
            tail_rows.append(row)
        elif tails[place] != at:
            tails[place], tail_rows[place] = at, row
        else:
            continue
        before[row] = tail_rows[place - 1] if place else -1
    return np.array(list(_chain(tail_rows[-1], before))[::-1], np.int64)


def _chain(row: int, before: Ints) -> Iterator[int]:
    while row >= 0:
        yield row
        row = int(before[row])
