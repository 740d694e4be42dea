"""Keeps the quotes a live session saw, so that any of its days can be replayed. Beside the line: trading never waits for it."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence

import numpy as np

from engine.core.clock import SECOND
from engine.core.log import logger
from engine.core.undisturbed import is_held_up
from engine.domain.instrument import Instrument
from engine.domain.market import Quote, QuoteColumns, Symbol
from engine.storage.market import MarketStore, open_market

EVERY_S, HELD_LOOK_S, HELD_LOOKS = 30.0, 1.0, 120
"""How often it writes; beside a thread that keeps the interpreter, how often it looks whether that goes on, and at the most."""
A_SECOND, MOST = 1_000, 1_000_000
"""Quotes of an instrument that are kept of one second, and that may wait for the disk; what is more is not, and that is said."""

_log = logger("recorder")


class Columns:
    """Quotes of one instrument that wait, 24 bytes each."""

    def __init__(self) -> None:
        self.at, self.bid, self.ask = array("q"), array("q"), array("q")
        self.second, self.of_second = 0, 0

    def __len__(self) -> int:
        return len(self.at)


class Recorder:
    """`take` every quote; `run` writes them now and then, and `flush` at the end."""

    def __init__(self, url: str, source: str, instruments: Sequence[Instrument]) -> None:
        self.lost = 0
        self._url = url
        self._source = source
        self._instruments = {instrument.symbol: instrument for instrument in instruments}
        self._waiting = {instrument.symbol: Columns() for instrument in instruments}

    def take(self, quote: Quote) -> None:
        """Remembers a quote."""
        waiting = self._waiting[quote.symbol]
        second = quote.at // SECOND
        if second != waiting.second:
            waiting.second, waiting.of_second = second, 0
        waiting.of_second += 1
        if waiting.of_second > A_SECOND or len(waiting) >= MOST:
            self.lost += 1
            return
        waiting.at.append(quote.at)
        waiting.bid.append(quote.bid)
        waiting.ask.append(quote.ask)

    async def run(self) -> None:
        """Writes until it is cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            for _ in range(HELD_LOOKS):  # its thread could keep a stop from leaving, and a crash would lose all that waits
                if not is_held_up(asyncio.get_running_loop()):
                    break
                await asyncio.sleep(HELD_LOOK_S)
            await self.flush()

    async def flush(self) -> None:
        """Writes what waits. A disk or database that refuses is said in the log, and asked again the next time."""
        taken = {symbol: columns for symbol, columns in self._waiting.items() if len(columns)}
        if not taken:
            return
        self._waiting.update({symbol: Columns() for symbol in taken})
        try:
            await asyncio.to_thread(self._write, taken)
        except Exception as error:  # whatever it is, trading and the stops that are held here go on without a record of prices
            _log.warning("quotes wait", why=str(error) or type(error).__name__)
            for symbol, columns in taken.items():
                self._put_back(symbol, columns)
        if self.lost:
            _log.warning("quotes could not be kept", lost=self.lost)

    def _put_back(self, symbol: Symbol, columns: Columns) -> None:
        newer = self._waiting[symbol]
        for before, after in ((columns.at, newer.at), (columns.bid, newer.bid), (columns.ask, newer.ask)):
            before.extend(after)
        self._waiting[symbol] = columns

    def _write(self, taken: dict[Symbol, Columns]) -> None:
        with open_market(self._url) as store:
            for symbol, columns in taken.items():
                self._store(store, symbol, columns)

    def _store(self, store: MarketStore, symbol: Symbol, columns: Columns) -> None:
        instrument = self._instruments[symbol]
        tick, decimals = float(instrument.tick_size), instrument.price_decimals
        at = np.frombuffer(columns.at, np.int64)
        bid, ask = (np.round(np.frombuffer(side, np.int64) * tick, decimals) for side in (columns.bid, columns.ask))
        store.write_quotes(symbol, self._source, QuoteColumns(at, bid, ask))
