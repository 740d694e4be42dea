"""The last moment before an order leaves, and what a bug must not keep from leaving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.sim.paper import PaperBroker
from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.intents import Arm, ClosePosition, Disarm, Halt, ModifyOrder, SubmitOrder
from engine.domain.order import Order, OrderType, Role, State
from engine.risk.guard import HALTED
from tests.keyrings import Desktop, keep_in
from tests.live import rig
from tests.live.rig import GOLD, Desk, on_paper, played

STOP = SubmitOrder(GOLD, "buy", "stop", 1, price=400_500, stop_loss=399_500)


def _venue(patch: pytest.MonkeyPatch, *, is_live: bool = False, **lacks: Any) -> None:
    """The paper venue lacks that, and may have money."""
    made = PaperBroker.__init__

    def make(broker: PaperBroker, *given: Any) -> None:
        made(broker, *given)
        broker.abilities = replace(broker.abilities, **lacks)

    patch.setattr(PaperBroker, "__init__", make)
    patch.setattr(PaperBroker, "is_live", is_live)
    keep_in(Desktop({}), patch)


def _held(desk: Desk, role: Role = Role.ENTRY) -> list[Order]:
    return [order for order in desk.session.pipeline.register.held() if order.role is role]


def _sent(desk: Desk) -> list[str]:
    return [fact.order for fact in desk.facts if isinstance(fact, f.OrderSent)]


async def _armed(desk: Desk) -> None:
    desk.feed.say(400_000, 400_030)
    await desk.until(lambda: desk.session.may_be_armed)
    desk.do(Arm(desk.session.account))
    await desk.ready()


async def _seen(desk: Desk, bid: int) -> None:
    desk.feed.say(bid, bid + 30)
    await desk.until(lambda: desk.session.pipeline.book.last[GOLD].bid == bid)


NO_STOPS = {"types": frozenset({OrderType.MARKET, OrderType.LIMIT}), "brackets": False, "groups": False}


@played
async def test_an_entry_that_was_held_for_an_armed_session_does_not_leave_in_the_next_one(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    _venue(patch, is_live=True, **NO_STOPS)
    async with on_paper(folder, patch) as desk:
        await _armed(desk)
        desk.do(STOP)
        await desk.until(lambda: _held(desk))
    async with on_paper(folder, patch) as desk:
        await _seen(desk, 400_000)
        (held,) = _held(desk)
        await _seen(desk, 400_600)
        await desk.until(lambda: not desk.session.pipeline.register[held.id].is_live)
        ended = desk.session.pipeline.register[held.id]
        assert (ended.state, _sent(desk), _held(desk, Role.STOP)) == (State.CANCELLED, [], [])
        assert ended.reason.startswith("nothing was sent: live trading is not armed")


@played
async def test_an_entry_that_waits_for_the_disk_does_not_leave_once_trading_is_disarmed(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    _venue(patch, is_live=True)
    async with on_paper(folder, patch) as desk:
        await _armed(desk)
        desk.do(SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000))
        desk.do(Disarm())
        await desk.until(lambda: not list(desk.session.pipeline.register.all_live()))
        assert _sent(desk) == []


@played
async def test_a_book_that_was_begun_without_a_key_is_not_armed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        assert "no keyring" in desk.opened.unkeyed
    _venue(patch, is_live=True)
    async with on_paper(folder, patch) as desk:
        (refused,) = [fact for fact in desk.do(Arm(desk.session.account)) if isinstance(fact, f.IntentRefused)]
        assert "this book is chained without a key" in refused.reason


@played
async def test_what_takes_the_place_of_a_changed_entry_does_not_leave_after_a_halt(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    _venue(patch, modifies=False)
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        desk.do(SubmitOrder(GOLD, "buy", "limit", 1, price=399_000, stop_loss=398_000))
        await desk.until(lambda: any(isinstance(fact, f.OrderAccepted) for fact in desk.facts))
        sent = _sent(desk)
        desk.do(ModifyOrder(sent[0], price=399_500))
        desk.do(Halt())
        await desk.until(lambda: desk.session.pipeline.register[sent[0]].state is State.CANCELLED)
        await desk.until(lambda: not list(desk.session.pipeline.register.all_live()))
        assert _sent(desk) == sent


@played
async def test_a_position_larger_than_the_largest_order_is_closed_in_several(folder: Path, patch: pytest.MonkeyPatch) -> None:
    listed = rig.shipped_instrument
    patch.setattr(rig, "shipped_instrument", lambda name: replace(listed(name), max_order=3))
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        desk.do(SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000))
        await desk.until(lambda: len(_sent(desk)) == 5)  # two entries, three exits
        await _seen(desk, 400_020)
        await desk.until(lambda: desk.session.pipeline.ledger.position(GOLD) == 4)
        facts = desk.do(Halt(flatten=True))
        closes = [fact.quantity for fact in facts if isinstance(fact, f.OrderIntended)]
        assert (closes, [fact for fact in facts if isinstance(fact, f.OrderDenied)]) == ([2, 2], [])
        await desk.until(lambda: len(_sent(desk)) == 7)
        await _seen(desk, 400_030)
        await desk.until(lambda: not desk.session.pipeline.ledger.position(GOLD))


def _fails(error: str) -> Callable[[Nanos], None]:
    def fail(_at: Nanos) -> None:
        raise ValueError(error)

    return fail


@played
async def test_a_bug_in_what_comes_due_keeps_neither_the_owner_nor_fills_out(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        pipeline = desk.session.pipeline
        patch.setattr(pipeline.broker, "on_time", _fails("a bug"))
        pipeline.due = pipeline.now
        facts = desk.do(Halt(flatten=True))
        assert pipeline.guard.state == HALTED
        assert [fact.quantity for fact in facts if isinstance(fact, f.OrderIntended)] == [2]
        await desk.until(lambda: len(_sent(desk)) == 4)
        await _seen(desk, 400_020)
        await desk.until(lambda: not pipeline.ledger.position(GOLD))
        assert {str(fault) for fault in desk.faults} == {"a bug"}


@played
async def test_what_leaves_though_its_step_broke_off_is_on_record_before(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk:
        await desk.ready()
        await desk.open_long()
        desk.do(Halt())
        submit, recorded = desk.session.broker.submit, list[bool]()

        def look_and_submit(order: Order, *others: Order) -> None:
            recorded.append(any(isinstance(fact, f.OrderIntended) and fact.order == order.id for fact in desk.facts))
            submit(order, *others)

        patch.setattr(desk.session.broker, "submit", look_and_submit)
        patch.setattr(desk.session.pipeline, "_check_book", partial(_fails("a bug"), 0))
        desk.do(ClosePosition(GOLD))
        assert (recorded, {str(fault) for fault in desk.faults}) == ([True], {"a bug"})
