"""One file read in two ways: its rows would lie in a series twice, at other times or at other prices."""

from __future__ import annotations

import numpy as np

from engine.core.errors import UserError
from engine.domain.market import Floats, Ints, Symbol
from engine.market.clocks import parse_clock
from engine.market.importing import History
from engine.storage.market import TICK, MarketStore
from engine.storage.undo import Entry

_COMPARED = 1_000
_SAME_SCALE = 0.001


def refuse_mixture(store: MarketStore, symbol: Symbol, history: History, replace: bool = False) -> None:
    """UserError where this very file is stored in its series already, read on another clock or at another price scale.

    `replace` takes the file's prices for those at another scale; it would leave the rows of another clock where they are.
    """
    name = history.timeframe.name if history.timeframe else TICK
    series = symbol, name, history.source
    stored = [
        entry
        for entry in store.entries()
        if (entry.symbol, entry.timeframe, entry.source) == series
        and entry.origin.sha256 == history.sha256
        and entry.undone_at is None
    ]
    if not stored:
        return
    at, prices = _prices(history)
    for entry in reversed(stored):
        if not _is_same_clock(entry.origin.clock, history.clock.spec, at):
            raise _refusal(history, entry, f"read on {entry.origin.clock}", "--force")
    if not replace and not _is_same_scale(store, series, at[:_COMPARED], prices[:_COMPARED]):
        raise _refusal(history, stored[-1], "at another price scale", "--replace or --force")


def _refusal(history: History, entry: Entry, how: str, otherwise: str) -> UserError:
    return UserError(
        f"{history.source} is stored already, {how} (import {entry.number}); "
        f"undo that first: main.py data undo {entry.number} (or give {otherwise})"
    )


def _prices(history: History) -> tuple[Ints, Floats]:
    """Times (ns UTC) and closes, of ticks the bids."""
    if history.bars is not None:
        return history.bars.at, history.bars.close
    assert history.quotes is not None
    return history.quotes.at, history.quotes.bid


def _is_same_clock(one: str, other: str, at: Ints) -> bool:
    """Whether two clocks show the same at every one of these times (ns UTC)."""
    return one == other or bool(np.array_equal(parse_clock(one).to_local(at), parse_clock(other).to_local(at)))


def _is_same_scale(store: MarketStore, series: tuple[str, str, str], at: Ints, prices: Floats) -> bool:
    """Whether the stored prices at these times are mostly the file's; True where there are none to compare."""
    symbol, name, source = series
    first, end = int(at[0]), int(at[-1]) + 1
    if name == TICK:
        quotes = store.read_quotes(symbol, first, end, source)
        times, stored = quotes.at, quotes.bid
    else:
        bars = store.read_bars(symbol, name, first, end, source)
        times, stored = bars.at, bars.close
    _, mine, theirs = np.intersect1d(at, times, return_indices=True)
    return not len(mine) or abs(float(np.median(prices[mine] / stored[theirs])) - 1) < _SAME_SCALE
