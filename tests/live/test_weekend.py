"""A session that is opened while the market is closed, or has just opened, knows the bars from before."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.clock import DAY, Nanos
from engine.domain.market import Bars, Symbol, Timeframe
from tests.live.rig import GOLD, Ticker, on_paper, played


class Closed(Ticker):
    """No bar for two days."""

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        bars = await super().history(symbol, timeframe, since, until)
        return bars[: int(bars.at.searchsorted(until - 2 * DAY))]


@played
async def test_over_a_weekend_the_bars_before_it_are_asked_for(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch, feed=Closed()) as desk:
        assert len(desk.session.before[GOLD]) >= 200
