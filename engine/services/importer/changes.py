"""What an import would do to what is stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.core.clock import MINUTE, Nanos
from engine.domain.imports import Change, Correction, Lanes, Neighbour
from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, TIMEFRAMES, Bars, Floats, Ints, QuoteColumns, Symbol
from engine.market.calendar import OpenTimes
from engine.market.formats.digits import Mask
from engine.market.importing import History
from engine.services.stored import compare
from engine.storage.columns import QUOTE_COLUMNS, Matrix, clashes, from_bars, from_quotes, times
from engine.storage.market import TICK, Coverage, MarketStore
from engine.storage.undo import added_keys

BINS = 192
_CORRECTIONS = 50
_TICK_SPAN = 15 * MINUTE
_BARS_AT_ONCE = 100_000


def change_of(store: MarketStore, history: History, instrument: Instrument, replaced: bool) -> Change:
    """What writing the history would meet in the store."""
    symbol, name = instrument.symbol, history.timeframe.name if history.timeframe else TICK
    data = history.bars if history.bars is not None else history.quotes
    assert data is not None
    coming, stored = _matrices(store, data, symbol, name, history.source)
    free = len(added_keys(stored, coming).at)
    before, after, _ = clashes(stored, coming) if stored.shape[1] else (coming[:, :0], coming[:, :0], times(coming)[:0])
    changed = after.shape[1]
    columns = BAR_COLUMNS if history.bars is not None else QUOTE_COLUMNS
    others = [each for each in store.coverage() if each[:2] == (symbol, name)]
    return Change(
        free,
        coming.shape[1] - free - changed,
        changed,
        replaced,
        tuple(_corrections(before, after, columns))[:_CORRECTIONS],
        tuple(_neighbours(store, history, others)),
        _lanes(store, history, instrument, others, times(after), ~np.isin(times(coming), times(stored))),
    )


def _matrices(store: MarketStore, data: Bars | QuoteColumns, symbol: Symbol, name: str, source: str) -> tuple[Matrix, Matrix]:
    """The file's rows, and those stored over the same time."""
    if isinstance(data, Bars):
        return from_bars(data), from_bars(store.read_bars(symbol, name, int(data.at[0]), int(data.at[-1]) + 1, source))
    return from_quotes(data), from_quotes(store.read_quotes(symbol, int(data.at[0]), int(data.at[-1]) + 1, source))


def _corrections(before: Matrix, after: Matrix, columns: tuple[str, ...]) -> Iterator[Correction]:
    for row in range(min(after.shape[1], _CORRECTIONS)):
        for number, column in enumerate(columns[1:], 1):
            old, new = float(before[number, row]), float(after[number, row])
            if old != new and not (np.isnan(old) and np.isnan(new)):
                yield Correction(int(times(after)[row]), column, old, new)


def _neighbours(store: MarketStore, history: History, others: list[Coverage]) -> Iterator[Neighbour]:
    """How the file agrees with other sources of the same bars."""
    bars = history.bars
    if bars is None:
        return
    first, last = int(bars.at[0]), int(bars.at[-1])
    for other in others:
        start, end = max(first, other.first), min(last, other.last)
        if other.source == history.source or start > end:
            continue
        mine = bars[slice(*np.searchsorted(bars.at, (start, end + 1)).tolist())]
        theirs = store.read_bars(other.symbol, other.timeframe, start, end + 1, other.source)
        us = Coverage(other.symbol, other.timeframe, history.source, start, end, len(mine))
        found = compare(us, other, mine, theirs)
        if found.shared:
            yield Neighbour(other.source, found.shared, found.differ, found.median, found.largest, found.correlation)


def _lanes(
    store: MarketStore, history: History, instrument: Instrument, others: list[Coverage], differ: Ints, new: Mask
) -> Lanes:
    data = history.bars if history.bars is not None else history.quotes
    assert data is not None
    span = history.timeframe.span if history.timeframe else _TICK_SPAN
    start = min([int(data.at[0]), *(each.first for each in others)])
    end = max([int(data.at[-1]), *(each.last for each in others)]) + span
    if history.timeframe is None:
        start, end = start - start % span, end - end % span
    stored = [_times_of(store, each) for each in others]
    opens = OpenTimes.of(instrument.sessions, start, end)
    edges = np.linspace(start, end, BINS + 1).astype(np.int64)
    whole = np.diff(opens.open_before(edges)).astype(np.float64)
    changed = np.isin(data.at, differ)

    def shares(at: Ints) -> tuple[float, ...]:
        return tuple(_shares(_slots(at, history.timeframe is None), span, opens, edges, whole).tolist())

    return Lanes(
        start,
        end,
        tuple((whole > 0).tolist()),
        shares(np.concatenate(stored) if stored else np.empty(0, np.int64)),
        shares(data.at[new]),
        shares(data.at[~new & ~changed]),
        shares(data.at[changed]),
    )


def _times_of(store: MarketStore, series: Coverage) -> Ints:
    """The times of a series' bars, read part by part; of ticks, which are not read, every quarter of an hour of their blocks."""
    if series.timeframe == TICK:
        quarters = ((store.spans(*series[:3]) // _TICK_SPAN) * _TICK_SPAN).tolist()
        parts = [np.arange(first, last + 1, _TICK_SPAN) for first, last in quarters]
    else:
        step = _BARS_AT_ONCE * TIMEFRAMES[series.timeframe].span
        starts = range(series.first, series.last + 1, step)
        parts = [store.read_bars(*series[:2], start, start + step, series.source).at.copy() for start in starts]
    return np.concatenate(parts)


def _slots(at: Ints, ticks: bool) -> Ints:
    """Every time once; of ticks the quarter of an hour they lie in."""
    slots: Ints = np.unique(at // _TICK_SPAN * _TICK_SPAN if ticks else at)
    return slots


def _shares(at: Ints, span: Nanos, opens: OpenTimes, edges: Ints, whole: Floats) -> Floats:
    """For every bin the share of its market time that bars of `span` at these ascending times cover."""
    if not len(at):
        return np.zeros(BINS)
    before = np.concatenate([[0], np.cumsum(opens.open_before(at + span) - opens.open_before(at))])
    index = np.searchsorted(at, edges, side="left")
    last = at[np.maximum(index - 1, 0)]
    rest = np.maximum(opens.open_before(last + span) - opens.open_before(np.clip(edges, last, last + span)), 0)
    filled = np.diff(before[index] - np.where(index > 0, rest, 0)).astype(np.float64)
    shares: Floats = np.divide(filled, whole, out=np.zeros(BINS), where=whole > 0).clip(0.0, 1.0).round(3)
    return shares
