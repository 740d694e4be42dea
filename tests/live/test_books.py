"""The books a live session stands on: whole, and its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.intents import Flatten
from engine.storage.backup import make_backup
from tests.live.rig import GOLD, on_paper, played


@played
async def test_fault_47_a_live_session_on_damaged_books_is_refused_and_leaves_them_as_they_are(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
    books = folder / "books.db"
    made = make_backup(str(books), folder / "backups", 1_800_000_000_000_000_000, None, False, lambda _share, _words: None)
    whole = books.read_bytes()
    books.write_bytes(whole[:8192] + bytes(8192) + whole[16384:])
    damaged = books.read_bytes()
    with pytest.raises(UserError, match=rf"is damaged .* was left as it is; main.py db restore {made.backup.path}"):
        async with on_paper(folder, patch):
            pass
    assert books.read_bytes() == damaged


@played
async def test_fault_50_a_second_live_session_of_the_same_books_is_refused(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        with pytest.raises(UserError, match="is open in another program"):
            async with on_paper(folder, patch):
                pass
        await desk.open_long()
        assert desk.faults == []


@played
async def test_after_a_restart_nothing_is_dealt_on_paper_at_a_price_of_before_it(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
    async with on_paper(folder, patch) as desk:
        before = len(desk.facts)
        desk.do(Flatten())
        await desk.until(lambda: any(isinstance(fact, f.OrderAccepted) for fact in desk.facts[before:]))
        assert desk.session.pipeline.ledger.position(GOLD) == 2
        desk.feed.say(400_100, 400_130)
        await desk.until(lambda: not desk.session.pipeline.ledger.position(GOLD))
        assert [fact.price for fact in desk.facts[before:] if isinstance(fact, f.OrderFilled)] == [400_098]
