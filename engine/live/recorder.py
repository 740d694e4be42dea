"""Keeps the quotes a live session saw, so that any of its days can be replayed. Beside the line: trading never waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from engine.core.errors import NiceGoldError
from engine.core.log import logger
from engine.domain.instrument import Instrument
from engine.domain.market import Quote, QuoteColumns, Symbol
from engine.storage.market import MarketStore, open_market

EVERY_S = 30.0
MOST = 500_000
"""Quotes of an instrument that wait for the disk; the oldest half gives way to newer ones, and that is said."""

_log = logger("recorder")


class Recorder:
    """`take` every quote; `run` writes them now and then, and `flush` at the end."""

    def __init__(self, url: str, source: str, instruments: Sequence[Instrument]) -> None:
        self.lost = 0
        self._url = url
        self._source = source
        self._instruments = {instrument.symbol: instrument for instrument in instruments}
        self._waiting: dict[Symbol, list[Quote]] = {instrument.symbol: [] for instrument in instruments}

    def take(self, quote: Quote) -> None:
        """Remembers a quote."""
        waiting = self._waiting[quote.symbol]
        waiting.append(quote)
        if len(waiting) >= MOST:
            del waiting[: MOST // 2]
            self.lost += MOST // 2
            _log.warning("quotes could not be kept", symbol=quote.symbol, lost=self.lost)

    async def run(self) -> None:
        """Writes until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Writes what waits. A database that refuses is said in the log, and asked again the next time."""
        taken = {symbol: quotes for symbol, quotes in self._waiting.items() if quotes}
        if not taken:
            return
        self._waiting.update({symbol: [] for symbol in taken})
        try:
            await asyncio.to_thread(self._write, taken)
        except NiceGoldError as error:
            _log.warning("quotes wait", why=str(error))
            for symbol, quotes in taken.items():
                self._waiting[symbol] = quotes + self._waiting[symbol]

    def _write(self, taken: dict[Symbol, list[Quote]]) -> None:
        with open_market(self._url) as store:
            for symbol, quotes in taken.items():
                self._store(store, symbol, quotes)

    def _store(self, store: MarketStore, symbol: Symbol, quotes: list[Quote]) -> None:
        instrument = self._instruments[symbol]
        tick, decimals = float(instrument.tick_size), instrument.price_decimals
        at = np.array([quote.at for quote in quotes], np.int64)
        bid, ask = (np.round(np.array(side) * tick, decimals) for side in zip(*((q.bid, q.ask) for q in quotes), strict=True))
        store.write_quotes(symbol, self._source, QuoteColumns(at, bid, ask))
