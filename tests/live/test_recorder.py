"""The record of prices when its disk refuses."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from engine.core.clock import SECOND
from engine.domain.market import Quote
from engine.domain.shipped import shipped_instrument
from engine.live import recorder
from engine.storage.market import MarketStore
from tests.live.rig import GOLD, on_paper, played

PATIENCE_S = 20.0


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


def test_beside_a_thread_that_keeps_the_interpreter_prices_are_kept_after_a_while_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    monkeypatch.setattr(recorder, "is_held_up", lambda loop: looks.append(loop) or True)
    for name, value in (("EVERY_S", 0.0), ("HELD_LOOK_S", 0.0), ("HELD_LOOKS", 5)):
        monkeypatch.setattr(recorder, name, value)
    kept = recorder.Recorder(f"{tmp_path}/books.db", "live", [shipped_instrument("XAUUSD@ib")])
    kept.take(Quote(GOLD, SECOND, 400_000, 400_030))

    async def written() -> None:
        running = asyncio.ensure_future(kept.run())
        async with asyncio.timeout(PATIENCE_S):
            while len(looks) < 5 or kept._waiting[GOLD] or not (tmp_path / "books.market.db").exists():
                await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(written())
    assert len(looks) >= 5


def test_of_a_flood_a_thousand_quotes_a_second_are_kept_and_the_rest_is_counted() -> None:
    kept = recorder.Recorder("nowhere.db", "live", [shipped_instrument("XAUUSD@ib")])
    for number in range(3_000):
        kept.take(Quote(GOLD, (number // 1_500) * SECOND + number, 400_000, 400_030))
    assert (len(kept._waiting[GOLD]), kept.lost) == (2_000, 1_000)
