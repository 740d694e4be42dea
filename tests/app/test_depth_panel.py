"""The depth panel of the real window: the book of the session it shows, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from engine.core.clock import SystemClock
from engine.domain.market import Depth, Quote, Symbol, Trade
from engine.live import opening
from engine.ports.outside import LiveQuote
from tests.app.rig import Desk, live, request
from tests.live.rig import GOLD, Ticker, paper_request


class Deep(Ticker):
    """A market that says the same quote and the same book over and over."""

    async def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        while True:
            yield LiveQuote(Quote(GOLD, SystemClock().now(), 400_000, 400_030))
            await asyncio.sleep(0.05)

    async def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        while True:
            yield Depth(GOLD, SystemClock().now(), ((400_000, 5), (399_990, 7)), ((400_030, 9),))
            await asyncio.sleep(0.05)


def test_the_book_of_the_instrument_in_focus_is_shown(qapp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "feed_at", lambda _address, _around: Deep())

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.window.commands.run("show_depth_panel")
        await desk.until(lambda: desk.panel("depth").state()["rows"], "the book")
        prices = [price for _, price, _, _ in desk.panel("depth").state()["rows"]]
        assert prices == ["4,000.30", "spread 0.30 (0.75 bp)", "4,000.00", "3,999.90"]

    live(paper_request(home), scenario)


def test_a_market_that_is_not_live_has_no_book(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.window.commands.run("show_depth_panel")
        await desk.frame()
        assert "start a session with --feed" in desk.panel("depth").state()["empty"]

    live(request(home), scenario)
