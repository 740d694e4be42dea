"""Orders at an exchange that are nobody's here are adopted and obey; what it would not take is denied before it leaves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import CancelOrder, SubmitOrder
from tests.catalogue.rig import PAXG, at_exchange, exchanged
from tests.catalogue.test_exchange_sends import QUICK, RESTING, guarded, held, told_of
from tests.peers.exchange import Exchange, refused, saying
from tests.peers.faults import Drop

NO_ORDERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"quantity": 0}, "less than the smallest order"),
    ({"quantity": -5}, "less than the smallest order"),
    ({"quantity": 10**12}, "more than the largest order"),
    ({"quantity": math.nan}, "whole lot steps"),
    ({"quantity": 1.5}, "whole lot steps"),
    ({**RESTING, "price": 0}, "a price above zero"),
    ({**RESTING, "price": -1}, "a price above zero"),
    ({**RESTING, "price": math.inf}, "whole ticks"),
    ({"stop_loss": math.nan}, "whole ticks"),
)
"""What of an order is changed so that it is none, and why it is denied."""


@exchanged
async def test_fault_31_an_order_by_hand_is_external_counted_in_exposure_and_can_be_cancelled_at_once(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        by_hand = exchange.place(PAXG, "BUY", "LIMIT", "0.5", price="3990.00", timeInForce="GTC")
        await desk.session.keeper.reconcile()
        name = f"EXT-{by_hand.order_id}"
        adopted = desk.order(name)
        assert (adopted.role.value, adopted.state.value, adopted.quantity, adopted.limit) == (
            "external",
            "ACCEPTED",
            5_000,
            399_000,
        )
        assert desk.session.pipeline.snapshot().stakes[PAXG].pending_notional == 5_000 * 399_000
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert by_hand.status == "CANCELED"
        assert told_of(desk, name) == ["OrderAdopted", "CancelRequested", "OrderCancelled"]
        assert exchange.asked("POST order") == []


@exchanged
async def test_fault_31_a_fill_by_hand_is_booked_as_external_and_waits_for_its_owners_choice_of_a_stop(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        by_hand = exchange.place(PAXG, "BUY", "MARKET", "0.1")
        desk.session.keeper.look()
        await desk.until(lambda: 0 < desk.position == held(exchange))
        (fill,) = desk.facts(f.OrderFilled)
        assert (fill.order, fill.quantity) == (f"EXT-{by_hand.order_id}", 1_000)
        assert desk.session.pipeline.protection.adopted.undecided(PAXG) == desk.position
        assert exchange.asked("POST order") == []
        await desk.ready()


@exchanged
async def test_fault_33_what_is_no_order_is_denied_here(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        for terms, reason in NO_ORDERS:
            given = {"symbol": PAXG, "side": "buy", "type": "market", "quantity": 1_000, "stop_loss": 398_000, **terms}
            facts = desk.do(SubmitOrder(**given))
            assert not any(isinstance(fact, f.OrderIntended) for fact in facts), terms
            (refused,) = [fact for fact in facts if isinstance(fact, f.IntentRefused)]
            assert reason in refused.reason
        assert exchange.asked("POST order") == []
        await desk.ready()


@exchanged
async def test_fault_33_an_order_that_is_worth_too_little_for_the_exchange_does_not_leave(
    exchange: Exchange, folder: Path
) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        name = desk.buy(10)
        await desk.until(lambda: desk.state(name) == "REJECTED")
        assert "the notional 4.0001 is below 5" in desk.order(name).reason
        assert desk.state(f"{name}-stop") == "CANCELLED"
        assert exchange.asked("POST order") == []


@exchanged
async def test_fault_24_a_refused_cancel_leaves_the_order_at_work_until_it_is_cancelled(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        name = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        for number, action in enumerate((saying(refused("unknown_order")), Drop()), start=1):
            exchange.faults.on("DELETE order", action)
            desk.do(CancelOrder(name))
            await desk.until(lambda number=number: len(desk.facts(f.CancelRejected)) == number)
            assert desk.facts(f.CancelRejected)[-1].reason.endswith("the order still works there")
            assert (desk.state(name), exchange.order(name).status) == ("ACCEPTED", "NEW")
        assert desk.facts(f.OrderCancelled) == []
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert exchange.order(name).status == "CANCELED"


@exchanged
async def test_fault_24_a_cancel_refused_because_the_order_has_filled_finds_the_fill(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        name = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        exchange.stall()
        await exchange.quote(PAXG, "3985.00", "3985.10", depth=100)
        assert exchange.order(name).status == "FILLED"
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "FILLED")
        exchange.resume()
        await guarded(desk, exchange)
        assert desk.facts(f.OrderCancelled) == []
