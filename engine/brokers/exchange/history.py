"""Recorded bars of an exchange, page by page; only bars that are over."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import Nanos
from engine.core.errors import BrokerError, UserError
from engine.domain.market import Bars, Symbol, Timeframe

INTERVALS = {"M1": "1m", "M5": "5m", "M15": "15m", "M30": "30m", "H1": "1h", "H4": "4h", "D1": "1d"}
_MS = 1_000_000
_PAGE = 1000


async def history(venue: ExchangeVenue, symbol: Symbol, timeframe: Timeframe, start: Nanos, end: Nanos) -> Bars:
    """The bars that open in [start, end) and are over by the exchange's clock, ascending and each once; volume in coins.

    Gaps stay gaps. Raises UserError for a symbol that is not traded there, BrokerError where a page does not come or does
    not hold bars; then nothing is returned, as half a history looks like a whole one.
    """
    name = next((name for name, ours in venue.names.items() if ours == symbol), None)
    if name is None:
        raise UserError(f"{venue.profile.name} does not trade {symbol}; name another instrument")
    wire = venue.wire
    over = min(end, venue.clock.now() + (wire.offset_ms or 0) * _MS - timeframe.span + 1)
    found: dict[int, list[float]] = {}
    since = start
    while since < over:
        ask = partial(wire.client.fetch_ohlcv, name, INTERVALS[timeframe.name], -(-since // _MS), _PAGE)
        page = [_read(row, wire.where) for row in await wire.ask(f"asking bars of {name}", ask, "bars")]
        newer = [(at, values) for at, values in page if at >= since]
        if not newer:
            break
        found.update((at, values) for at, values in newer if at < over)
        since = max(at for at, _ in newer) + timeframe.span
    return _bars(found)


def _read(row: Any, where: str) -> tuple[int, list[float]]:
    try:
        at, values = int(row[0]) * _MS, [float(value) for value in row[1:6]]
    except (TypeError, ValueError, IndexError):
        at, values = 0, []
    sane = len(values) == 5 and all(np.isfinite(values)) and 0 < values[2] <= min(values[0], values[3])
    if not sane or values[1] < max(values[0], values[3]) or values[4] < 0:
        raise BrokerError(f"{where} told a bar that cannot be: {row}; nothing was taken from the answer, try again")
    return at, values


def _bars(found: dict[int, list[float]]) -> Bars:
    if not found:
        return Bars.empty()
    at = np.array(sorted(found), np.int64)
    opened, high, low, close, volume = np.array([found[int(each)] for each in at]).T
    return Bars(at, opened, high, low, close, volume, np.full(len(at), np.nan))
