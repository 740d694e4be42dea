"""A file's clock measured against stored bars of a known one: only on the right clock do both move together.

Returns between the ends of bars are correlated for every candidate, apart for winter, summer and the weeks when only the US or
only the EU is on daylight saving; a clock is as good as its worst season. The file's last years decide; years before in which
another clock fits are found from hourly bars and shorter ones, because sources changed theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.core.clock import DAY, HOUR, Nanos, to_datetime
from engine.domain.market import Bars, Floats, Ints, Timeframe
from engine.market.clocks import offsets_of, parse_clock
from engine.market.formats.digits import Mask

_STALE = 2 * HOUR
_WEEKEND = 4 * DAY
_YEAR = 365 * DAY
_LAST = 2 * _YEAR
_ENOUGH = 20
_WEAK = 0.6
_CLEAR, _TOLERATED = 1.5, 0.001
_OTHER, _NOISE = 5.0, 0.03
_SAME_PRICES = 0.9999


@dataclass(frozen=True, slots=True)
class Reference:
    """Stored bars on UTC, and the clock their file was written on, where that is known."""

    name: str
    timeframe: Timeframe
    bars: Bars
    clock: str | None = None


class Match(NamedTuple):
    """How a candidate fits a reference: the least correlation of any season, over how many returns; clocks that agree."""

    correlation: float
    returns: int
    spec: str
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The clocks that fit `reference` best (more than one where it cannot tell them apart) and all matches; `by_period` are the
    clocks one after the other as `longest` tells them, empty where the first of `best` fits throughout."""

    reference: Reference
    best: tuple[Match, ...]
    matches: tuple[Match, ...]
    by_period: str = ""
    longest: str = ""

    def correlation_of(self, spec: str) -> float | None:
        """The correlation at the clock `spec`, None where it was not measured."""
        return next((match.correlation for match in self.matches if spec == match.spec or spec in match.same), None)

    def sentence(self) -> str:
        """The finding for people."""
        first = self.best[0]
        rival = next((match for match in self.matches if match not in self.best), None)
        text = f"returns against {self.reference.name}: {first.correlation:.3f} at {' or '.join(each.spec for each in self.best)}"
        if rival:
            text += f", next best {rival.spec} {rival.correlation:.3f}"
        return f"{text} ({first.returns:,} returns)"


class _Pairs(NamedTuple):
    """A candidate's times of return and both returns, NaN where one is missing; on the file's own index."""

    utc: Ints
    ours: Floats
    theirs: Floats
    season: Ints

    def correlation(self, chosen: Mask) -> float | None:
        """None where there are too few returns, or no movement."""
        ours, theirs = self.ours[chosen], self.theirs[chosen]
        known = ~np.isnan(theirs)
        if known.sum() < _ENOUGH or not ours[known].std() or not theirs[known].std():
            return None
        return float(np.corrcoef(ours[known], theirs[known])[0, 1])


def measure(
    local: Ints, close: Floats, span: Nanos, references: Sequence[Reference], candidates: Sequence[str]
) -> Measured | None:
    """What the reference that fits best says; None where none overlaps, or all are another market.

    `local` are the open times of bars of length `span` on the file's own clock (ns), ascending, `close` their last prices.
    """
    found = [told for reference in references if (told := _against(local, close, span, reference, candidates))]
    if not found:
        return None
    best = max(found, key=lambda told: told.best[0].correlation)
    first = best.best[0].spec
    changed = next((told for told in (best, *found) if told.by_period and told.best[0].spec == first), best)
    return replace(best, by_period=changed.by_period, longest=changed.reference.name)


def _against(local: Ints, close: Floats, span: Nanos, reference: Reference, candidates: Sequence[str]) -> Measured | None:
    ends, prices = _hourly(local + span, close, span)
    outer = reference.bars.at[[0, -1]] + reference.timeframe.span
    near = (ends > outer[0] - DAY) & (ends < outer[1] + DAY)
    ends, prices = ends[near], prices[near]
    if len(ends) < _ENOUGH:
        return None
    groups: dict[bytes, list[str]] = {}
    for spec in candidates:
        groups.setdefault(parse_clock(spec).to_utc(ends).tobytes(), []).append(spec)
    pairs = {tuple(specs): _pairs(np.frombuffer(utc, np.int64), prices, span, reference) for utc, specs in groups.items()}
    recent = ends[1:] > ends[-1] - _LAST
    matches = sorted(_matches(pairs, recent), key=lambda match: (-match.correlation, candidates.index(match.spec)))
    if not matches or matches[0].correlation < _WEAK:
        return None
    best = _best(matches, reference)
    by_period = _by_period(ends[1:], {specs[0]: pair for specs, pair in pairs.items()}, best[0].spec) if span <= HOUR else ""
    return Measured(reference, best, tuple(matches), by_period)


def _hourly(ends: Ints, close: Floats, span: Nanos) -> tuple[Ints, Floats]:
    """Of bars shorter than an hour those that end with one."""
    if span >= HOUR:
        return ends, close
    whole = ends % HOUR == 0
    return ends[whole], close[whole]


def _pairs(utc: Ints, prices: Floats, span: Nanos, reference: Reference) -> _Pairs:
    known, known_price = reference.bars.at + reference.timeframe.span, reference.bars.close
    place = np.maximum(np.searchsorted(known, utc, side="right") - 1, 0)
    age = utc - known[place]
    fresh = (age >= 0) & (age < _STALE)
    step = np.diff(utc)
    longest = _WEEKEND if span >= DAY else max(span, HOUR)
    valid = fresh[1:] & fresh[:-1] & (step > 0) & (step <= longest)
    theirs = np.where(valid, np.diff(np.log(known_price[place])), np.nan)
    return _Pairs(utc[1:], np.diff(np.log(prices)), theirs, _season(utc[1:]))


def _season(utc: Ints) -> Ints:
    """0 in winter, 3 in summer, 1 and 2 when only the US or only the EU is on daylight saving."""
    us, eu = (offsets_of(zone, utc) for zone in ("America/New_York", "Europe/Helsinki"))
    return (us > -5 * HOUR).astype(np.int64) + 2 * (eu > 2 * HOUR)


def _matches(pairs: dict[tuple[str, ...], _Pairs], chosen: Mask) -> Iterator[Match]:
    for specs, pair in pairs.items():
        seasons = [pair.correlation(chosen & (pair.season == number)) for number in range(4)]
        known = [correlation for correlation in seasons if correlation is not None]
        if known:
            yield Match(min(known), int((~np.isnan(pair.theirs[chosen])).sum()), specs[0], specs[1:])


def _best(matches: list[Match], reference: Reference) -> tuple[Match, ...]:
    """Those that cannot be told from the first; of bars with the reference's own prices, the one on its own clock."""
    limit = 1 - (1 - matches[0].correlation) * _CLEAR - _TOLERATED
    best = [match for match in matches if match.correlation >= limit]
    if matches[0].correlation > _SAME_PRICES:
        twin = [match for match in best if reference.clock in (match.spec, *match.same)]
        best = twin or best
    return tuple(best)


def _by_period(ends: Ints, pairs: dict[str, _Pairs], last: str) -> str:
    """The clocks by period, going back year by year from the one that fits at the end; empty where it fits throughout."""
    years = ends.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970
    spans: list[tuple[str, Mask]] = []
    current = last
    for year in range(int(years[-1]), int(years[0]) - 1, -1):
        here = years == year
        found = {spec: fit for spec, pair in pairs.items() if (fit := pair.correlation(here)) is not None}
        best = max(found, key=lambda spec: found[spec], default=current)
        if current in found and 1 - found[current] > _OTHER * (1 - found[best]) + _NOISE:
            spans.append((best, here | (years == year + 1)))
            current = best
    parts, after = [last], last
    for spec, window in spans:
        parts.insert(0, f"{spec} until {_change(ends, pairs[spec], pairs[after], window)}")
        after = spec
    return ", ".join(parts) if spans else ""


def _change(ends: Ints, before: _Pairs, after: _Pairs, window: Mask) -> str:
    """The day from which on the later clock leaves less unexplained."""
    rows = np.flatnonzero(window)
    first, second = (np.nan_to_num((pair.ours - pair.theirs)[rows] ** 2) for pair in (before, after))
    cost = np.concatenate([[0.0], np.cumsum(first)]) + second.sum() - np.concatenate([[0.0], np.cumsum(second)])
    place = min(int(cost.argmin()), len(rows) - 1)
    return to_datetime(int(ends[rows[place]])).strftime("%Y-%m-%d")
