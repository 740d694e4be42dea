"""A live session on paper, on prices that the test puts up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.config import AccountSection, Config, LimitsSection
from engine.core.clock import Nanos, SystemClock
from engine.domain import facts as f
from engine.domain.intents import Intent, SubmitOrder
from engine.domain.market import Bars, Quote, Symbol, Timeframe
from engine.domain.shipped import shipped_instrument
from engine.live import opening
from engine.live.opening import Opened, live_session
from engine.live.session import LiveSession
from engine.ports.outside import LiveQuote
from engine.profile import Profile, SessionSection
from engine.request import Request
from engine.signals.desk import Mode

GOLD = "XAUUSD"


class Ticker:
    """A `LiveFeed` whose prices are put up by `say`; its history is a market that moved by a dollar every minute."""

    kind = "ticker"
    trouble = ""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[LiveQuote] = asyncio.Queue()

    async def connect(self) -> None:
        """There at once."""

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        at = np.arange(timeframe.floor(since), timeframe.floor(until), timeframe.span, dtype=np.int64)
        opened = 4_000.0 + (np.arange(len(at)) % 2)
        close = opened[::-1].copy()
        high, low = np.maximum(opened, close) + 0.5, np.minimum(opened, close) - 0.5
        return Bars(at, opened, high, low, close, np.ones(len(at)), np.full(len(at), np.nan))

    async def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        while True:
            yield await self._waiting.get()

    def say(self, bid: int, ask: int, is_tradeable: bool = True, symbol: Symbol = GOLD) -> None:
        """Puts up a price, in ticks."""
        self._waiting.put_nowait(LiveQuote(Quote(symbol, SystemClock().now(), bid, ask), is_tradeable))

    async def close(self) -> None:
        """Nothing to end."""


@dataclass
class Desk:
    """The session, its prices, and what it ran into."""

    session: LiveSession
    opened: Opened
    feed: Ticker
    faults: list[Exception] = field(default_factory=list)

    def do(self, intent: Intent) -> list[f.Fact]:
        return [record.fact for record in self.session.do(intent)]

    @property
    def facts(self) -> list[f.Fact]:
        return [record.fact for record in self.session.journal.records()]

    async def ready(self, bid: int = 400_000) -> None:
        """Puts up a price and returns when orders may be placed."""
        self.feed.say(bid, bid + 30)
        await self.until(lambda: not any(self.session.obstacles(GOLD)))

    async def open_long(self, quantity: int = 2) -> None:
        """Buys at the market, with a stop 20 below and a target 20 above."""
        self.do(SubmitOrder(GOLD, "buy", "market", quantity, stop_loss=398_000, take_profit=402_000))
        await self.until(lambda: any(isinstance(fact, f.OrderAccepted) for fact in self.facts))
        self.feed.say(400_010, 400_040)
        await self.until(lambda: self.session.pipeline.ledger.position(GOLD) == quantity)

    async def until(self, holds: Callable[[], object]) -> None:
        """Returns when it holds."""
        async with asyncio.timeout(20):
            while not holds():
                await asyncio.sleep(0.002)


def paper_request(
    folder: Path, mode: Mode = Mode.MANUAL, instrument: str = "XAUUSD@ib", timeframe: str = "M1", **limits: Any
) -> Request:
    """A session on paper, at the feed called "ticker"."""
    listed = shipped_instrument(instrument)
    return Request(
        db=f"sqlite:///{(folder / 'books.db').as_posix()}",
        models=folder / "models",
        instrument=listed,
        timeframe=Timeframe.of(timeframe),
        config=Config(
            account=AccountSection(currency=listed.currency),
            limits=LimitsSection(**{"sessions": "ignore", "duplicate_window_s": 0, **limits}),
        ),
        policy="sma_cross",
        mode=mode,
        feed="ticker",
        profile=Profile(session=SessionSection(look_every=0.02, history_bars=200)),
    )


@asynccontextmanager
async def on_paper(
    folder: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode = Mode.MANUAL, feed: Ticker | None = None, **terms: Any
) -> AsyncIterator[Desk]:
    """A session on paper; another in the same folder goes on with its book. `terms` as of `paper_request`."""
    feed = feed or Ticker()
    monkeypatch.setattr(opening, "feed_at", lambda _address, _around: feed)
    request = paper_request(folder, mode, **terms)
    faults: list[Exception] = []
    stop = asyncio.Event()
    async with live_session(request, faults.append) as opened:
        running = asyncio.ensure_future(opened.session.run(stop))
        try:
            yield Desk(opened.session, opened, feed, faults)
        finally:
            stop.set()
            await running


def played(
    scenario: Callable[[Path, pytest.MonkeyPatch], Coroutine[Any, Any, None]],
) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """A test of a scenario."""

    def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        async def play() -> None:
            async with asyncio.timeout(60):
                await scenario(tmp_path, monkeypatch)

        asyncio.run(play())

    test.__name__ = scenario.__name__
    return test
