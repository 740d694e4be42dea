"""The keeper of the books while things happen, and what must not end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import BrokerError
from engine.live.keeper import TRIES
from engine.live.session import cancelled
from engine.ports.venue import VenueState
from tests.live.rig import Desk, on_paper, played


def _asked(desk: Desk, patch: pytest.MonkeyPatch, happens: Callable[[], None]) -> list[int]:
    """Has that happen whenever the venue is asked; grows with every question."""
    standing, asked = desk.session.broker.standing, list[int]()

    async def ask(*orders: Any) -> VenueState:
        asked.append(1)
        happens()
        return await standing(*orders)

    patch.setattr(desk.session.broker, "standing", ask)
    return asked


@played
async def test_a_doubt_that_comes_while_the_venue_answers_is_not_settled_by_that_answer(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        keeper = desk.session.keeper
        doubts = ["the machine slept"]
        asked = _asked(desk, patch, lambda: keeper.doubt(doubts.pop()) if doubts else None)
        assert await keeper.reconcile()
        assert len(asked) == 2


@played
async def test_while_doubts_do_not_end_nothing_is_traded(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        keeper, doubts = desk.session.keeper, ["it slept again"] * TRIES
        _asked(desk, patch, lambda: keeper.doubt(doubts.pop()) if doubts else None)
        assert not await keeper.reconcile()
        assert desk.session.trouble == "it slept again"
        await desk.until(lambda: not desk.session.trouble)


@played
async def test_an_answer_that_nobody_thought_of_stops_trading_and_not_the_session(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        keeper, said = desk.session.keeper, list[str]()
        errors: list[Exception] = [BrokerError("not now"), KeyError("position")]

        def fail() -> None:
            said.append(desk.session.trouble)
            if errors:
                raise errors.pop()

        _asked(desk, patch, fail)
        keeper.look()
        await desk.until(lambda: len(said) == 3)
        assert said == ["", "the books could not be compared with the venue: KeyError: 'position'", "not now"]
        await desk.ready()


def test_a_part_whose_event_is_set_as_it_is_cancelled_ends_all_the_same() -> None:
    async def play() -> None:
        async with asyncio.timeout(60):
            event = asyncio.Event()

            async def waits() -> None:
                while True:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(event.wait(), 60)
                    event.clear()

            part = asyncio.ensure_future(waits())
            await asyncio.sleep(0.01)
            event.set()
            await asyncio.sleep(0)
            await cancelled(part)
            assert part.cancelled()

    asyncio.run(play())
