"""A live session on paper: orders leave when they are on record, and a book goes on after its program ended."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine.domain import facts as f
from engine.domain.intents import Arm, SubmitOrder
from tests.live.rig import GOLD, on_paper, played

BUY = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000)


@played
async def test_an_order_leaves_when_its_intent_is_on_record_and_fills_at_the_next_price(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        kinds = [type(fact).__name__ for fact in desk.facts]
        assert kinds.index("OrderIntended") < kinds.index("OrderSent") < kinds.index("OrderAccepted") < kinds.index("OrderFilled")
        assert desk.faults == []


@played
async def test_a_book_goes_on_with_its_position_and_its_stop(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        before = desk.facts
    async with on_paper(folder, patch) as desk:
        assert desk.facts[: len(before)] == before
        assert desk.session.pipeline.ledger.position(GOLD) == 2
        desk.feed.say(397_900, 397_930)
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 0)
        assert desk.faults == []


@played
async def test_nothing_is_opened_before_a_price_has_come_or_on_one_that_may_not_be_traded_on(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        assert "no price of XAUUSD has come yet" in _refusal(desk.do(BUY))
        desk.feed.say(400_000, 400_030, is_tradeable=False)
        await desk.until(lambda: desk.session.quotes)
        assert "delayed" in _refusal(desk.do(BUY))


@played
async def test_a_price_that_may_not_be_traded_on_fills_and_triggers_nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        desk.feed.say(397_000, 397_030, is_tradeable=False)
        await desk.until(lambda: desk.session.pipeline.book.last[GOLD].bid == 397_000)
        assert desk.session.pipeline.ledger.position(GOLD) == 2
        desk.feed.say(397_000, 397_030)
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 0)


@played
async def test_a_fault_that_cannot_be_recorded_as_a_halt_keeps_everything_from_being_opened(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()

        def broken(*_: object) -> None:
            raise ZeroDivisionError("a mistake")

        patch.setattr(desk.session.pipeline, "halt", broken)
        patch.setattr(desk.session.pipeline, "on_quote", broken)
        desk.feed.say(400_000, 400_030)
        await desk.until(lambda: desk.session.is_broken)
        assert "could not be recorded as a halt" in _refusal(desk.do(BUY))
        assert [type(fault) for fault in desk.faults] == [ZeroDivisionError] * 2


@played
async def test_a_paper_account_is_not_armed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        assert "nothing to arm" in _refusal(desk.do(Arm("paper")))


@played
async def test_while_the_database_is_locked_nothing_is_opened_and_a_protective_order_leaves(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        lock = sqlite3.connect(folder / "books.db")
        try:
            lock.execute("BEGIN IMMEDIATE")
            desk.do(BUY)
            await desk.until(lambda: desk.session.journal.trouble)
            await desk.until(lambda: any("could not be recorded" in getattr(fact, "reason", "") for fact in desk.facts))
            assert "cannot be recorded" in _refusal(desk.do(BUY))
            desk.do(SubmitOrder(GOLD, "sell", "market", 2, reduce_only=True))
            await desk.until(lambda: [fact for fact in desk.facts if isinstance(fact, f.OrderSent)][3:])
            desk.feed.say(400_010, 400_040)
            await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 0)
        finally:
            lock.close()
        await desk.until(lambda: not desk.session.journal.trouble)
        assert desk.faults == []


def _refusal(facts: list[f.Fact]) -> str:
    return next(fact.reason for fact in facts if isinstance(fact, f.IntentRefused))
