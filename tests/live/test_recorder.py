"""The record of prices when its disk refuses."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engine.core.clock import SECOND
from engine.domain.market import Quote
from engine.domain.shipped import shipped_instrument
from engine.live import recorder
from engine.storage.market import MarketStore
from tests.live.rig import GOLD, on_paper, played


@played
async def test_a_full_disk_keeps_prices_waiting_and_ends_nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        opens, full = recorder.open_market, [OSError(errno.ENOSPC, "No space left on device")]
        wrote: list[str] = []

        def open_market(url: str) -> MarketStore:
            if full:
                raise full.pop()
            wrote.append(url)
            return opens(url)

        patch.setattr(recorder, "open_market", open_market)
        await desk.session._recorder.flush()
        assert (full, wrote) == ([], [])
        await desk.session._recorder.flush()
        assert len(wrote) == 1
        await desk.ready()


def test_of_a_flood_a_thousand_quotes_a_second_are_kept_and_the_rest_is_counted() -> None:
    kept = recorder.Recorder("nowhere.db", "live", [shipped_instrument("XAUUSD@ib")])
    for number in range(3_000):
        kept.take(Quote(GOLD, (number // 1_500) * SECOND + number, 400_000, 400_030))
    assert (len(kept._waiting[GOLD]), kept.lost) == (2_000, 1_000)
