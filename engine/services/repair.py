"""Mends stored bars: what is taken, made or removed is said before, and whatever it replaces is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.core.clock import SystemClock
from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, TIMEFRAMES, Bars, Ints, Timeframe
from engine.market.clocks import FileClock, parse_clock
from engine.market.quality import closed_rows, flat_fills
from engine.market.resampling import resample
from engine.services.stored import chosen_series, terms_of, times_of
from engine.storage.market import TICK, Coverage, MarketStore, open_market
from engine.storage.versions import Origin


@dataclass(frozen=True, slots=True)
class Means:
    """What a repair may do: remove flat bars without volume in closed hours; make bars that are missing, or cut off by a hole,
    out of shorter ones of `from_source`; take the values that later files offered."""

    fills: bool = True
    from_source: str | None = None
    take_offered: bool = False


class Repair(NamedTuple):
    """One step on one series: `kind` is remove, make or take; `rows` it changes; done only where `applied`."""

    symbol: str
    timeframe: str
    source: str
    kind: str
    rows: int
    detail: str
    applied: bool

    def line(self) -> str:
        """For people."""
        return f"{self.symbol} {self.timeframe} {self.source}: {self.kind} {self.rows:,} bars ({self.detail})"


def repair(url: str, symbol: str | None, timeframe: str | None, source: str | None, means: Means, apply: bool) -> list[Repair]:
    """What there is to mend beside the books at `url`; nothing is changed unless `apply`. What was is kept as revisions."""
    with open_market(url) as store:
        chosen = [each for each in chosen_series(store, symbol, timeframe, source) if each.timeframe != TICK]
        listed = terms_of(chosen, url)
        return [step for each in chosen for step in _mend(store, each, listed[each.symbol], means, apply)]


def _mend(store: MarketStore, series: Coverage, listed: Instrument | None, means: Means, apply: bool) -> Iterator[Repair]:
    bars = store.read_bars(series.symbol, series.timeframe, source=series.source)
    if means.fills:
        gone = _fills(series, bars, listed)
        if len(gone):
            if apply:
                store.remove_bars(*series[:3], gone, _origin("closed hours", gone))
            yield Repair(*series[:3], "remove", len(gone), "flat, without volume, in closed hours", apply)
    if means.from_source:
        made, from_ = _made(store, series, bars, listed, means.from_source)
        if len(made):
            if apply:
                store.write_bars(*series[:3], made, origin=_origin(from_, made.at))
            yield Repair(*series[:3], "make", len(made), f"out of {from_}", apply)
    if means.take_offered:
        offered = _pending(store, series, bars)
        if len(offered):
            if apply:
                store.write_bars(*series[:3], offered, replace=True, origin=_origin("offered values", offered.at))
            yield Repair(*series[:3], "take", len(offered), "as later files offered them", apply)


def _fills(series: Coverage, bars: Bars, listed: Instrument | None) -> Ints:
    span = TIMEFRAMES[series.timeframe].span
    times = times_of(listed, series.first, series.last + span)
    return bars.at[flat_fills(bars) & closed_rows(bars.at, span, times)]


def _made(store: MarketStore, series: Coverage, bars: Bars, listed: Instrument | None, source: str) -> tuple[Bars, str]:
    """Bars that are missing, out of the longest shorter timeframe `source` has; none where it has none."""
    target = TIMEFRAMES[series.timeframe]
    shorter = [
        each
        for each in chosen_series(store, series.symbol, None, source)
        if each.timeframe != TICK and TIMEFRAMES[each.timeframe].span <= target.span
    ]
    best = max(shorter, key=lambda each: TIMEFRAMES[each.timeframe].span, default=None)
    if best is None or best[:3] == series[:3]:
        return Bars.empty(), ""
    made = resampled(store, best, target, clock_of(store, series), listed)
    inside = (made.at > bars.at[0]) & (made.at < bars.at[-1]) & ~np.isin(made.at, bars.at)
    return _rows(made, inside), f"{best.source} {best.timeframe}"


def _pending(store: MarketStore, series: Coverage, bars: Bars) -> Bars:
    """What was offered last and is not what is stored."""
    offered = store.revision_bars(series.symbol, series.timeframe, series.source, "offered")
    place = np.minimum(np.searchsorted(bars.at, offered.at), len(bars) - 1)
    unlike = np.zeros(len(offered), np.bool_)
    for name in BAR_COLUMNS[1:]:
        mine, theirs = getattr(bars, name)[place], getattr(offered, name)
        unlike |= (mine != theirs) & ~(np.isnan(mine) & np.isnan(theirs))
    return _rows(offered, unlike & (bars.at[place] == offered.at))


def _rows(bars: Bars, chosen: Any) -> Bars:
    return Bars(*(getattr(bars, name)[chosen] for name in BAR_COLUMNS))


def _origin(what: str, at: Ints) -> Origin:
    return Origin(f"repair: {what}", hashlib.sha256(at.tobytes()).hexdigest(), "repair", "UTC", SystemClock().now())


def clock_of(store: MarketStore, series: Coverage) -> FileClock:
    """The clock that a series was first imported on; UTC where none was recorded."""
    mine = (entry.origin for entry in store.imports() if (entry.symbol, entry.timeframe, entry.source) == series[:3])
    return parse_clock(next((origin.clock for origin in mine if origin.format != "repair"), "UTC"))


def resampled(store: MarketStore, series: Coverage, target: Timeframe, clock: FileClock, listed: Instrument | None) -> Bars:
    """A stored series as bars of a longer timeframe on `clock`; what a source filled into closed hours makes none."""
    bars = store.read_bars(series.symbol, series.timeframe, source=series.source)
    traded = _rows(bars, ~np.isin(bars.at, _fills(series, bars, listed)))
    return resample(traded, TIMEFRAMES[series.timeframe], target, clock)
