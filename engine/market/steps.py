"""A file's timeframe, from the distances between its rows, held against what its name and the user say."""

from __future__ import annotations

import numpy as np

from engine.core.clock import DAY, HOUR, SECOND, Nanos
from engine.core.errors import DataError
from engine.domain.market import TIMEFRAMES, Ints, Timeframe
from engine.market.formats.base import Parsed
from engine.market.formats.digits import Mask
from engine.market.formats.names import named_timeframe
from engine.market.formats.source import Source

_ENOUGH = 0.2
_FEW = 3


def decide_timeframe(
    source: Source, parsed: Parsed, keep: Mask, given: Timeframe | None, force: bool, notes: list[str]
) -> Timeframe:
    """The timeframe given, else named, else seen; DataError where the rows cannot be it, unless `force`."""
    label = source.path.name
    times = np.sort(parsed.at[keep])
    steps: Ints = times[1:] - times[:-1]
    steps = steps[steps > 0]
    seen = detect(steps)
    named = named_timeframe(label) or named_timeframe(source.name)
    claimed = given or parsed.timeframe or named
    if claimed is None:
        if seen is None:
            raise DataError(f"{label}: rows {_distance(steps)} apart are no timeframe that is known; give --timeframe")
        return seen
    if not _possible(claimed, steps, parsed.dates_only) and not force:
        raise DataError(f"{label}: {_contradiction(claimed, given is not None, seen, steps, parsed.dates_only)}")
    if given and named and given != named:
        notes.append(f"the file's name says {named.name}; read as {given.name}, as its rows are")
    return claimed


def detect(steps: Ints) -> Timeframe | None:
    """The timeframe whose span is the median step, else the commonest one that at least a fifth of the steps have."""
    if not len(steps):
        return None
    median = int(np.median(steps))
    shares = {frame: float((steps == frame.span).mean()) for frame in TIMEFRAMES.values()}
    for frame in shares:
        if frame.span == median:
            return frame
    best = max(shares, key=lambda frame: shares[frame])
    return best if shares[best] >= _ENOUGH else None


def _possible(claimed: Timeframe, steps: Ints, dates_only: bool) -> bool:
    if dates_only and claimed.span < DAY:
        return False
    if len(steps) < _FEW:
        return True
    return bool((steps == claimed.span).mean() >= _ENOUGH and (steps < claimed.span).mean() < _ENOUGH)


def _contradiction(claimed: Timeframe, given: bool, seen: Timeframe | None, steps: Ints, dates_only: bool) -> str:
    what = f"the timeframe {claimed.name}" if given else f"the name says {claimed.name}, but that"
    found = seen.name if seen else f"of {_distance(steps)}"
    rows = "the rows carry dates without hours" if dates_only else f"the rows are {_distance(steps)} apart"
    remedy = f"give --timeframe {found}" if seen else "check --timeframe"
    return f"{what} cannot be, for {rows}; {remedy} (or --force)"


def _distance(steps: Ints) -> str:
    if not len(steps):
        return "no time"
    median: Nanos = int(np.median(steps))
    for unit, name in ((DAY, "d"), (HOUR, "h"), (60 * SECOND, "min"), (SECOND, "s")):
        if median >= unit:
            return f"{median / unit:g} {name}"
    return f"{median} ns"
