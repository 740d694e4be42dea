"""What the market data store holds, how complete it is, and how its sources agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from engine.core.clock import MINUTE, Nanos, to_datetime, to_iso
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS, Instrument
from engine.domain.market import TIMEFRAMES, Bars, Floats
from engine.domain.sessions import AROUND_THE_CLOCK
from engine.market.calendar import OpenTimes
from engine.market.quality import Gap, closed_rows, flat_fills, gaps_of
from engine.services.instruments import in_force
from engine.storage.market import TICK, Coverage, MarketStore, open_market

_HOLE = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class SpreadStatistics:
    """The spread in price units: median, 95th percentile, largest; `known` rows have one. `hours` are the medians by UTC hour."""

    median: float
    p95: float
    largest: float
    known: int
    hours: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored series. `holes` are gaps of 30 minutes of market time or more (ns), `coverage` the share of the market's time with
    bars; `revised` counts values offered and not taken, replaced, removed; `clocks` and `formats` are those of its imports."""

    symbol: str
    timeframe: str
    source: str
    rows: int
    first: Nanos
    last: Nanos
    clocks: tuple[str, ...]
    formats: tuple[str, ...]
    holes: tuple[Gap, ...]
    hole_time: Nanos
    coverage: float | None
    flat_fills: int
    closed_rows: int
    spread: SpreadStatistics | None
    revised: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "first_utc": to_iso(self.first), "last_utc": to_iso(self.last), "holes": len(self.holes)}

    def lines(self) -> Iterator[str]:
        """The same for people."""
        unit = "ticks" if self.timeframe == TICK else f"{self.timeframe} bars"
        clock = f"clock {', '.join(self.clocks)}" if self.clocks else "clock not recorded"
        yield f"{self.symbol} {unit} of {self.source}: {self.rows:,}, {_utc(self.first)} to {_utc(self.last)} UTC, {clock}"
        if self.coverage is not None:
            yield (
                f"  covers {self.coverage * 100:.1f} % of the market's time; {len(self.holes):,} holes "
                f"({_hours(self.hole_time)}); flat fills {self.flat_fills:,}, rows in closed hours {self.closed_rows:,}"
            )
        if self.spread:
            spread = self.spread
            share = f"median {spread.median:g}, 95 % below {spread.p95:g}, largest {spread.largest:g}"
            yield f"  spread: {share}{_extremes(spread)}"
        if self.revised:
            yield "  values kept aside: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.revised.items()))


class Overlap(NamedTuple):
    """Two sources of the same bars: how many they share, how many closes differ, by how much (price units, the median of those
    that differ and the largest), how many bars inside the common time only one has, and how their returns correlate."""

    symbol: str
    timeframe: str
    one: str
    other: str
    shared: int
    differ: int
    median: float
    largest: float
    only_one: int
    only_other: int
    correlation: float | None

    def line(self) -> str:
        """For people."""
        together = f", returns correlate {self.correlation:.3f}" if self.correlation is not None else ""
        return (
            f"{self.symbol} {self.timeframe}: {self.one} and {self.other} share {self.shared:,} bars; the close differs in "
            f"{self.differ:,} (median {self.median:g}, largest {self.largest:g}){together}; only the one has {self.only_one:,}, "
            f"only the other {self.only_other:,}"
        )


def stored(url: str, symbol: str | None = None, timeframe: str | None = None) -> tuple[list[Stored], list[Overlap]]:
    """Every series beside the books at `url`, and every pair of sources of the same bars that overlap."""
    with open_market(url) as store:
        chosen = chosen_series(store, symbol, timeframe)
        revised: dict[tuple[str, str, str], dict[str, int]] = {}
        for entry in store.revised():
            revised.setdefault((entry.symbol, entry.timeframe, entry.source), {})[entry.kind] = entry.rows
        imports, listed = store.imports(), terms_of(chosen, url)
        found = []
        for each in chosen:
            mine = [entry.origin for entry in imports if (entry.symbol, entry.timeframe, entry.source) == each[:3]]
            found.append(_describe(store, each, listed[each.symbol], mine, revised.get(each[:3], {})))
        return found, list(_overlaps(store, chosen))


def chosen_series(store: MarketStore, symbol: str | None, timeframe: str | None, source: str | None = None) -> list[Coverage]:
    """The stored series of that instrument, timeframe and source, where they are named."""
    wanted = (symbol and symbol.upper(), timeframe and timeframe.upper(), source)
    return [each for each in store.coverage() if all(want in (None, has) for want, has in zip(wanted, each[:3], strict=True))]


def terms_of(chosen: Sequence[Coverage], url: str) -> dict[str, Instrument | None]:
    """By symbol the instrument as it is in force in the books at `url`; None for one that is not listed."""
    return {symbol: _listed(symbol, url) for symbol in dict.fromkeys(each.symbol for each in chosen)}


def _listed(symbol: str, url: str) -> Instrument | None:
    try:
        return in_force(symbol, url)
    except UserError:
        if symbol in INSTRUMENTS:
            raise
        return None


def times_of(instrument: Instrument | None, first: Nanos, last: Nanos) -> OpenTimes:
    """The instrument's timetable; around the clock for one that is not listed."""
    return OpenTimes.of(instrument.sessions if instrument else AROUND_THE_CLOCK, first, last)


def _describe(
    store: MarketStore, series: Coverage, listed: Instrument | None, origins: Sequence[Any], revised: dict[str, int]
) -> Stored:
    clocks = tuple(dict.fromkeys(origin.clock for origin in origins))
    formats = tuple(dict.fromkeys(origin.format for origin in origins))
    head = (series.symbol, series.timeframe, series.source, series.rows, series.first, series.last, clocks, formats)
    if series.timeframe == TICK:
        quotes = store.read_quotes(series.symbol, source=series.source)
        return Stored(*head, (), 0, None, 0, 0, _spread(quotes.at, quotes.ask - quotes.bid), revised)
    bars = store.read_bars(series.symbol, series.timeframe, source=series.source)
    span = TIMEFRAMES[series.timeframe].span
    times = times_of(listed, series.first, series.last + span)
    holes = tuple(gap for gap in gaps_of(bars.at, span, times) if gap.missing >= _HOLE)
    whole = int(np.diff(times.open_before(np.array([series.first, series.last + span])))[0])
    covered = int((times.open_before(bars.at + span) - times.open_before(bars.at)).sum())
    closed = closed_rows(bars.at, span, times)
    return Stored(
        *head,
        holes,
        sum(gap.missing for gap in holes),
        min(1.0, round(covered / whole, 4)) if whole else 0.0,
        int(flat_fills(bars).sum()),
        int(closed.sum()),
        _spread(bars.at, bars.spread),
        revised,
    )


def _spread(at: Any, spread: Floats) -> SpreadStatistics | None:
    known = ~np.isnan(spread)
    if not known.any():
        return None
    values, hour = spread[known], at[known] // (60 * MINUTE) % 24
    hours = tuple(float(np.median(values[hour == each])) if (hour == each).any() else None for each in range(24))
    return SpreadStatistics(
        float(np.median(values)), float(np.percentile(values, 95)), float(values.max()), int(known.sum()), hours
    )


def _extremes(spread: SpreadStatistics) -> str:
    hours = [(value, hour) for hour, value in enumerate(spread.hours) if value is not None]
    if min(hours)[0] == max(hours)[0]:
        return ""
    (low, cheap), (high, dear) = min(hours), max(hours)
    return f"; by hour from {low:g} ({cheap:02d}:00 UTC) to {high:g} ({dear:02d}:00 UTC)"


def _overlaps(store: MarketStore, chosen: list[Coverage]) -> Iterator[Overlap]:
    for one, other in combinations([each for each in chosen if each.timeframe != TICK], 2):
        start, end = max(one.first, other.first), min(one.last, other.last)
        if one[:2] == other[:2] and start <= end:
            parts = [store.read_bars(one.symbol, one.timeframe, start, end + 1, each.source) for each in (one, other)]
            yield compare(one, other, *parts)


def compare(one: Coverage, other: Coverage, first: Bars, second: Bars) -> Overlap:
    at, mine, theirs = np.intersect1d(first.at, second.at, assume_unique=True, return_indices=True)
    apart = np.abs(first.close[mine] - second.close[theirs])
    unlike = apart[apart > 0]
    rows = len(at)
    return Overlap(
        one.symbol,
        one.timeframe,
        one.source,
        other.source,
        rows,
        len(unlike),
        float(np.median(unlike)) if len(unlike) else 0.0,
        float(unlike.max()) if len(unlike) else 0.0,
        len(first) - rows,
        len(second) - rows,
        _correlation(first.close[mine], second.close[theirs]),
    )


def _correlation(one: Floats, other: Floats) -> float | None:
    if len(one) < 20:
        return None
    returns = np.diff(np.log(one)), np.diff(np.log(other))
    return float(np.corrcoef(*returns)[0, 1]) if all(each.std() for each in returns) else None


def _utc(at: Nanos) -> str:
    return to_datetime(at).strftime("%Y-%m-%d %H:%M")


def _hours(span: Nanos) -> str:
    return f"{span / (60 * MINUTE):,.1f} h"


def gap_lines(series: Stored) -> Iterator[str]:
    """A line for every hole."""
    for gap in series.holes:
        yield (
            f"{series.symbol} {series.timeframe} {series.source}: {_utc(gap.start)} to {_utc(gap.end)} UTC, "
            f"{_hours(gap.missing)} of market time"
        )
