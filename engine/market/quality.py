"""What a history file is worth: what came in, what was refused, and what is missing against the instrument's timetable."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from engine.core.clock import MINUTE, SECOND, Nanos, to_datetime, to_iso
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Floats, Ints, QuoteColumns, Timeframe
from engine.market.calendar import OpenTimes
from engine.market.formats.base import BadRow
from engine.market.formats.digits import Mask

KEPT_BAD_ROWS = 100
_LARGEST_GAPS = 5
_HOLE = 30 * MINUTE
_SPARSE = 0.5
_PARTICULAR = re.compile(r"'[^']*'|\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Gap:
    """Open market time without bars: from the end of one bar to the open of the next (ns UTC); `missing` open time in ns."""

    start: Nanos
    end: Nanos
    missing: Nanos


@dataclass(frozen=True, slots=True)
class Gaps:
    """Open time without bars. `quiet` gaps are shorter than 30 minutes of market time (no ticks); `holes` are the others."""

    quiet: int
    quiet_time: Nanos
    holes: int
    hole_time: Nanos
    largest: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread column in price units; `missing` rows have none."""

    median: float
    largest: float
    missing: int


@dataclass(frozen=True, slots=True)
class QualityReport:
    """The state of an imported file. Times in ns UTC; `read` data lines, `rows` kept; `coverage` share of the market's time
    with bars by year; `bad` the first refused rows, `bad_reasons` all of them by kind. `closed_fills` are those of the flat
    fills that lie outside the sessions."""

    symbol: str
    timeframe: str
    read: int
    rows: int
    first: Nanos
    last: Nanos
    gaps: Gaps
    coverage: tuple[tuple[int, float], ...]
    duplicates_exact: int
    duplicates_different: int
    bad: tuple[BadRow, ...]
    bad_count: int
    bad_reasons: tuple[tuple[str, int], ...]
    has_volume: bool
    flat_fills: int
    outside_sessions: int
    spread: Spread | None
    closed_fills: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values; times also as ISO 8601."""
        plain = asdict(self)
        plain["bad"] = [row._asdict() for row in self.bad]
        plain["first_utc"], plain["last_utc"] = to_iso(self.first), to_iso(self.last)
        return plain

    def lines(self) -> list[str]:
        """The report for a terminal, one finding a line."""
        return list(_lines(self))


def report(
    data: Bars | QuoteColumns,
    instrument: Instrument,
    timeframe: Timeframe | None,
    bad: list[BadRow],
    duplicates: int,
    read: int,
    notes: tuple[str, ...] = (),
) -> QualityReport:
    """Judge `data` (at least one row, ascending) after the refusal of `bad` rows and `duplicates` exact repeats."""
    span = timeframe.span if timeframe else 0
    times = OpenTimes.of(instrument.sessions, int(data.at[0]), int(data.at[-1]) + span)
    bars = data if isinstance(data, Bars) else None
    kinds = Counter(_kind(row.reason) for row in bad)
    flat = flat_fills(bars) if bars else np.zeros(len(data), np.bool_)
    outside = closed_rows(data.at, span, times)
    return QualityReport(
        instrument.symbol,
        timeframe.name if timeframe else "ticks",
        read,
        len(data),
        int(data.at[0]),
        int(data.at[-1]),
        _gaps(data.at, span, times),
        tuple(_coverage(data.at, span, times)),
        duplicates,
        sum("same time as line" in row.reason for row in bad),
        tuple(sorted(bad)[:KEPT_BAD_ROWS]),
        len(bad),
        tuple(kinds.most_common()),
        bool(bars and bars.volume.any()),
        int(flat.sum()),
        int(outside.sum()),
        _spread(bars.spread if bars else data.ask - data.bid if isinstance(data, QuoteColumns) else np.empty(0)),
        int((flat & outside).sum()),
        notes,
    )


def _kind(reason: str) -> str:
    """A reason without its numbers, to count rows that are broken in the same way."""
    words = _PARTICULAR.sub("", reason).split()
    return " ".join(word for word in words if not any(letter.isdigit() for letter in word))


def gaps_of(at: Ints, span: Nanos, times: OpenTimes) -> list[Gap]:
    """Every stretch of open market time without bars, in order of time."""
    longer = np.flatnonzero(np.diff(at) > max(span, MINUTE))
    starts, ends = at[longer] + span, at[longer + 1]
    missing = times.open_before(ends) - times.open_before(starts)
    rows = zip(starts.tolist(), ends.tolist(), missing.tolist(), strict=True)
    return [Gap(start, end, lost) for start, end, lost in rows if lost > 0]


def _gaps(at: Ints, span: Nanos, times: OpenTimes) -> Gaps:
    found = gaps_of(at, span, times)
    holes = [gap for gap in found if gap.missing >= _HOLE]
    quiet = [gap for gap in found if gap.missing < _HOLE]
    largest = tuple(sorted(holes, key=lambda gap: -gap.missing)[:_LARGEST_GAPS])
    return Gaps(len(quiet), sum(gap.missing for gap in quiet), len(holes), sum(gap.missing for gap in holes), largest)


def _coverage(at: Ints, span: Nanos, times: OpenTimes) -> Iterator[tuple[int, float]]:
    """By year: open time covered by bars / open time from the first to the last bar of that year."""
    if not span:
        return
    years = at.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970
    covered = times.open_before(at + span) - times.open_before(at)
    begins = np.flatnonzero(np.diff(years, prepend=years[0] - 1))
    for begin, end in zip(begins, [*begins[1:], len(at)], strict=True):
        edges = times.open_before(np.array([at[begin], at[end - 1] + span]))
        whole = int(edges[1] - edges[0])
        yield int(years[begin]), round(min(1.0, int(covered[begin:end].sum()) / whole), 4) if whole else 0.0


def closed_rows(at: Ints, span: Nanos, times: OpenTimes) -> Mask:
    """Bars no moment of which lies in a session, and ticks outside one (`span` 0)."""
    if not span:
        return ~times.is_open(at)
    closed: Mask = times.open_before(at + span) == times.open_before(at)
    return closed


def flat_fills(bars: Bars) -> Mask:
    """Bars that repeat one price with no volume; not told from quiet bars where the file has no volume at all."""
    if not bars.volume.any():
        return np.zeros(len(bars), np.bool_)
    flat: Mask = (bars.high == bars.low) & (bars.open == bars.close) & (bars.volume == 0)
    return flat


def _spread(spread: Floats) -> Spread | None:
    known = spread[~np.isnan(spread)]
    if not len(known):
        return None
    return Spread(float(np.median(known)), float(known.max()), len(spread) - len(known))


def _lines(quality: QualityReport) -> Iterator[str]:
    unit = "ticks" if quality.timeframe == "ticks" else f"{quality.timeframe} bars"
    yield f"{quality.symbol}: {quality.rows:,} {unit} of {quality.read:,} rows, {_utc(quality.first)} to {_utc(quality.last)} UTC"
    yield from _gap_lines(quality.gaps)
    yield from _sparse_lines(quality.coverage)
    if quality.duplicates_exact or quality.duplicates_different:
        different = f"{quality.duplicates_different:,} with other values (refused)"
        yield f"duplicates: {quality.duplicates_exact:,} exact (dropped), {different}"
    if quality.bad_count:
        kinds = "; ".join(f"{count:,} x {kind}" for kind, count in quality.bad_reasons[:6])
        yield f"bad rows: {quality.bad_count:,} refused ({kinds})"
        yield from (f"  line {row.line}: {row.reason}" for row in quality.bad[:10])
    else:
        yield "bad rows: none"
    fills = f"flat fills (one price, no volume): {quality.flat_fills:,}; " if quality.has_volume else "volume: none in the file; "
    yield f"{fills}rows outside the sessions: {quality.outside_sessions:,}"
    if quality.spread:
        missing = f", missing in {quality.spread.missing:,} rows" if quality.spread.missing else ""
        yield f"spread: median {quality.spread.median:g}, largest {quality.spread.largest:g}{missing}"
    else:
        yield "spread: none in the file"
    yield from quality.notes


def _gap_lines(gaps: Gaps) -> Iterator[str]:
    yield (
        f"gaps: {gaps.holes:,} holes of 30 min of market time or more ({_length(gaps.hole_time)}), "
        f"{gaps.quiet:,} shorter ones ({_length(gaps.quiet_time)})"
    )
    for gap in gaps.largest:
        yield f"  {_utc(gap.start)} to {_utc(gap.end)}: {_length(gap.missing)} of market time"


def _sparse_lines(coverage: tuple[tuple[int, float], ...]) -> Iterator[str]:
    sparse = [(year, share) for year, share in coverage if share < _SPARSE]
    for _, run in groupby(enumerate(sparse), key=lambda numbered: numbered[1][0] - numbered[0]):
        years = [pair for _, pair in run]
        period = str(years[0][0]) if len(years) == 1 else f"{years[0][0]} to {years[-1][0]}"
        yield f"sparse: in {period} bars cover no more than {max(share for _, share in years) * 100:.1f} % of the market's time"


def _utc(at: Nanos) -> str:
    return to_datetime(at).strftime("%Y-%m-%d %H:%M")


def _length(span: Nanos) -> str:
    minutes = span // SECOND // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:,.1f} h"
