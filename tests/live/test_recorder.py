"""The record of prices when its disk refuses."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from engine.live import recorder
from engine.storage.market import MarketStore
from tests.live.rig import on_paper, played


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
