"""The peak that the drawdown is measured from, over a restart."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from engine.core.clock import MINUTE, from_iso
from engine.domain import facts as f
from engine.domain.intents import SubmitOrder
from tests.catalogue.timed import LEVEL, timed
from tests.live.rig import GOLD, played

NOON = from_iso("2024-06-12T16:00:30")


@played
async def test_a_restart_within_the_day_measures_the_drawdown_from_the_same_peak(folder: Path, patch: pytest.MonkeyPatch) -> None:
    at = partial(timed, folder, patch)
    async with at(NOON) as desk:
        await desk.seen()
        await desk.until(lambda: not any(desk.session.obstacles(GOLD)))
        desk.do(SubmitOrder(GOLD, "buy", "market", 20, stop_loss=LEVEL - 10_000))
        await desk.until(lambda: desk.told(f.OrderAccepted))
        await desk.seen()
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 20)
        guard = desk.session.pipeline.guard
        opened = guard.peak
        await desk.minutes(LEVEL + 5_000, LEVEL + 5_001, LEVEL + 100)
        peak = guard.peak
        assert peak > opened
        (recorded,) = desk.told(f.EquityPeaked)
        now = desk.machine.wall
    async with at(now + MINUTE) as desk:
        guard = desk.session.pipeline.guard
        assert guard.peak == recorded.equity
        assert 0 <= peak - guard.peak <= peak // 1_000
