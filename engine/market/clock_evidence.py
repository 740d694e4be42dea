"""Which clock a file was written on, judged by its own bars against the instrument's timetable.

On the right clock the bars leave the daily break and the weekend empty, in winter, in summer and in the weeks when only the
US or the EU is on daylight saving; every other clock pushes bars into closed hours somewhere in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.core.clock import DAY, HOUR
from engine.core.errors import DataError
from engine.domain.instrument import Instrument
from engine.domain.market import Ints, Timeframe
from engine.market.calendar import OpenTimes
from engine.market.clock_reference import Measured
from engine.market.clocks import FileClock, parse_clock

CANDIDATES = (
    "EET",
    "America/New_York+7h",
    "UTC",
    "EET-7h",
    "America/New_York",
    "Europe/London",
    *(f"UTC{hours:+d}" for hours in range(-12, 13) if hours),
)
"""Where several fit and agree over the whole file, the first of this list is taken."""

MEASURABLE = (*CANDIDATES, "EET-1h")
"""What is measured against stored bars; Central European time is rare enough not to be guessed from closed hours."""

ANOTHER_CALENDAR = 0.12
"""A larger share of bars in closed hours means another market's hours (around the clock would be about 0.3)."""

_CLEAR_HOURS = 3
_CLEAR_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class ClockChoice:
    """The clock a file was read with: `how` is "given", "written" (by the format), "proposed" (from closed hours) or "measured"
    (against stored bars); evidence in sentences."""

    spec: str
    how: str
    evidence: tuple[str, ...] = ()

    @property
    def clock(self) -> FileClock:
        return parse_clock(self.spec)

    @property
    def doubts(self) -> tuple[str, ...]:
        """The sentences of the evidence that speak for another clock."""
        return tuple(sentence for sentence in self.evidence if "looks written on" in sentence)


class Fit(NamedTuple):
    """How a candidate fits: hours with bars while closed, the share of bars in them, clocks that agree over the whole file."""

    closed_hours: int
    closed_share: float
    spec: str
    same: tuple[str, ...]


def fits(local: Ints, instrument: Instrument, candidates: Sequence[str] = CANDIDATES) -> list[Fit]:
    """Every distinct candidate, best first. `local` are bar times on the file's own clock (ns), ascending where sound."""
    hours, counts = _busy_hours(local)
    times = OpenTimes.of(instrument.sessions.weekly, int(hours[0]) * HOUR - DAY, int(hours[-1]) * HOUR + DAY)
    groups: dict[bytes, list[str]] = {}
    for spec in candidates:
        groups.setdefault(parse_clock(spec).to_utc(hours * HOUR).tobytes(), []).append(spec)
    found = []
    for utc, specs in groups.items():
        closed = ~times.is_open(np.frombuffer(utc, np.int64))
        found.append(Fit(int(closed.sum()), float(counts[closed].sum() / counts.sum()), specs[0], tuple(specs[1:])))
    return sorted(found, key=lambda fit: (fit.closed_hours, candidates.index(fit.spec)))


def _busy_hours(local: Ints) -> tuple[Ints, Ints]:
    """The hours (since the epoch) with bars and how many; lone bars, as of a stretch with one a day, tell nothing."""
    every = np.sort(local // HOUR)
    begins = np.flatnonzero(np.diff(every, prepend=every[0] - 1))
    hours, counts = every[begins], np.diff(begins, append=len(every))
    follows = np.diff(hours, prepend=hours[0] - 2) == 1
    busy = follows | np.append(follows[1:], False)
    return (hours[busy], counts[busy]) if busy.any() else (hours, counts)


def propose(
    local: Ints, instrument: Instrument, timeframe: Timeframe | None, name: str, measured: Measured | None = None
) -> ClockChoice:
    """The clock that fits clearly best; DataError where the file cannot tell, naming the candidates.

    What was `measured` against stored bars decides where the closed hours do not tell, and may not contradict them.
    """
    silent = _silent(instrument, timeframe)
    if silent:
        return _measured(measured, f"{name}: {silent}", [])
    ranked = fits(local, instrument)
    best = ranked[0]
    if best.closed_share > ANOTHER_CALENDAR:
        raise DataError(
            f"{name}: at least {_percent(best.closed_share)} of the bars lie in closed hours of {instrument.symbol} "
            f"on every clock, so this is another market's calendar; check --instrument, or give --clock and --force"
        )
    equal = [fit for fit in ranked if fit.closed_hours < _clear(best)]
    if len(equal) > 1:
        rivals = ", ".join(fit.spec for fit in equal)
        return _measured(measured, f"{name}: the bars fit several clocks equally well ({rivals}); give --clock", equal)
    if measured is not None and not {best.spec, *best.same} & {
        spec for match in measured.best for spec in (match.spec, *match.same)
    }:
        raise DataError(
            f"{name}: the closed hours speak for {best.spec}, but {measured.sentence()}; "
            f"give --clock, or check {measured.reference.name}"
        )
    return ClockChoice(best.spec, "proposed", _evidence(best, ranked[1]) + _told(measured))


def _silent(instrument: Instrument, timeframe: Timeframe | None) -> str:
    """Why closed hours say nothing; empty where they do."""
    if not instrument.sessions.periods:
        return f"{instrument.symbol} trades around the clock, so the bars do not tell the file's; give --clock"
    if timeframe is not None and timeframe.span > HOUR:
        return f"{timeframe.name} bars are too long to tell the file's clock; give --clock"
    return ""


def _measured(measured: Measured | None, otherwise: str, among: list[Fit]) -> ClockChoice:
    """The measured clock where it is one and among those that may be; else DataError."""
    if measured is None:
        raise DataError(f"{otherwise} or import a file of known clock first")
    possible = {spec for fit in among for spec in (fit.spec, *fit.same)}
    best = [match for match in measured.best if not possible or possible & {match.spec, *match.same}]
    if len(best) != 1:
        raise DataError(f"{otherwise} ({measured.sentence()})")
    return ClockChoice(best[0].spec, "measured", _told(measured))


def _told(measured: Measured | None) -> tuple[str, ...]:
    if measured is None:
        return ()
    sentences = [measured.sentence()]
    if measured.by_period:
        sentences.append(
            f"against {measured.longest} one of both changed its clock; if it was this file, give --clock '{measured.by_period}'"
        )
    return tuple(sentences)


def _evidence(best: Fit, second: Fit) -> tuple[str, ...]:
    rival = f"next best {second.spec} {_percent(second.closed_share)}"
    sentences = [f"closed-hours bars {_percent(best.closed_share)} at {best.spec}, {rival}"]
    if best.same:
        sentences.append(f"over this file the same as {', '.join(best.same)}")
    return tuple(sentences)


def judge_given(
    spec: str, how: str, local: Ints, instrument: Instrument, timeframe: Timeframe | None, measured: Measured | None = None
) -> ClockChoice:
    """The clock that was given (or written by the format), with a sentence when the bars speak for another one."""
    sentences = []
    skipped = parse_clock(spec).skipped(local)
    if skipped:
        sentences.append(f"{skipped:,} rows carry times that {spec} skips in spring")
    if instrument.sessions.periods and timeframe is not None and timeframe.span <= HOUR:
        (fit,) = fits(local, instrument, (spec,))
        best = fits(local, instrument)[0]
        sentence = f"closed-hours bars {_percent(fit.closed_share)} at {spec}"
        if _clear(best) <= fit.closed_hours:
            sentence += f", only {_percent(best.closed_share)} at {best.spec}: the file looks written on that clock"
        sentences.append(sentence)
    if measured is not None:
        sentences += _against(spec, measured)
    return ClockChoice(spec, how, tuple(sentences))


def _against(spec: str, measured: Measured) -> list[str]:
    """What the stored bars say about a clock that was given."""
    if parse_clock(spec).earlier is not None:
        return []
    sentence = measured.sentence()
    found = measured.correlation_of(spec)
    if not any(spec in (match.spec, *match.same) for match in measured.best) and found is not None:
        return [f"{sentence}, only {found:.3f} at {spec}: the file looks written on another clock"]
    return [sentence, *_told(measured)[1:]]


def _clear(best: Fit) -> float:
    """Closed hours from which on another clock fits clearly worse than `best`."""
    return best.closed_hours + max(_CLEAR_HOURS, best.closed_hours * _CLEAR_SHARE)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
