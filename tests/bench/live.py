"""What the benches of live sessions share: a session on paper or at the loopback TWS, and percentiles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.config import Config, LimitsSection
from engine.core.clock import Nanos, SystemClock
from engine.domain.market import Bars, Quote, Symbol, Timeframe
from engine.domain.shipped import shipped_instrument
from engine.live import opening
from engine.live.opening import Opened, live_session
from engine.ports.outside import LiveQuote
from engine.profile import Profile, SessionSection, VenueSection
from engine.request import Request
from engine.signals.desk import Mode

GOLD = "XAUUSD"
BID, ASK = 400_000, 400_030
LIMITS = LimitsSection(sessions="ignore", duplicate_window_s=0, orders_per_minute=100_000)


class Steady:
    """A `LiveFeed` of `rate` quotes a second, in bursts of a millisecond; with rate 0 one quote ten times a second."""

    kind = "bench"
    trouble = ""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._clock = SystemClock()
        self.told = 0

    async def connect(self) -> None:
        """There at once."""

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        at = np.arange(timeframe.floor(since), timeframe.floor(until), timeframe.span, dtype=np.int64)
        price = 4_000.0 + (np.arange(len(at)) % 2)
        return Bars(at, price, price + 1, price - 1, price, np.ones(len(at)), np.full(len(at), np.nan))

    async def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        begun = time.perf_counter()
        while True:
            due = int((time.perf_counter() - begun) * (self._rate or 10)) + 1
            while self.told < due:
                self.told += 1
                move = self.told % 5
                yield LiveQuote(Quote(GOLD, self._clock.now(), BID + move, ASK + move))
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """Nothing to end."""


@asynccontextmanager
async def session(folder: Path, feed: Any = None, ib: VenueSection | None = None) -> AsyncIterator[Opened]:
    """A running session: on paper with `feed`, or at the TWS of `ib` with its own prices."""
    before = opening.feed_at
    if feed is not None:
        opening.feed_at = lambda _address, _around: feed
    request = Request(
        db=f"sqlite:///{(folder / 'books.db').as_posix()}",
        models=folder / "models",
        instrument=shipped_instrument("XAUUSD@ib"),
        timeframe=Timeframe.of("M1"),
        config=Config(limits=LIMITS),
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed="bench" if feed is not None else "ib",
        broker="paper" if ib is None else "ib",
        profile=Profile(venues={"ib": ib} if ib else {}, session=SessionSection(history_bars=200)),
    )
    stop = asyncio.Event()
    try:
        async with live_session(request, _raise) as opened:
            running = asyncio.ensure_future(opened.session.run(stop))
            while any(opened.session.obstacles(GOLD)):
                await asyncio.sleep(0.01)
            try:
                yield opened
            finally:
                stop.set()
                await running
    finally:
        opening.feed_at = before


def percentiles(nanos: Sequence[int]) -> dict[str, float]:
    """Milliseconds: median, 99th percentile and the largest."""
    p50, p99, largest = np.percentile(np.array(nanos) / 1e6, (50, 99, 100)).round(3).tolist()
    return {"p50_ms": p50, "p99_ms": p99, "max_ms": largest}


def _raise(error: Exception) -> None:
    raise error
