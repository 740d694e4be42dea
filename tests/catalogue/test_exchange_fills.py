"""Fills at an exchange that come early, late, twice or in parts: each counts once, and stops never sell more than is held."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import CancelOrder
from engine.execution.held import MOST_STOPS
from tests.catalogue.rig import PAXG, Desk, at_exchange, exchanged
from tests.catalogue.test_exchange_sends import QUICK, RESTING, guarded, told_of
from tests.peers.exchange import Exchange
from tests.peers.faults import Answer, Duplicate, Hold, Reorder, Replace


def unfilled(answer: Any) -> Any:
    """The answer to a cancel that has not heard of any fill."""
    told = {**json.loads(answer.body), "executedQty": "0.0000", "cummulativeQuoteQty": "0.0000"}
    return replace(answer, body=json.dumps(told).encode())


def refusals(exchange: Exchange) -> list[int | None]:
    """The codes of orders that the exchange did not take."""
    return [it.code for it in exchange.asked("POST order") if it.status != 200]


async def rests(desk: Desk, exchange: Exchange, quantity: int = 1_000) -> str:
    """Our id of an accepted order to buy, which is the best bid there."""
    await desk.ready()
    name = desk.buy(quantity, **RESTING)
    await desk.until(lambda: desk.state(name) == "ACCEPTED")
    await exchange.quote(PAXG, "3989.90", "4000.10", depth=100)
    return name


@exchanged
async def test_fault_21_a_fill_before_its_acknowledgement_counts_once(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        late = exchange.faults.on("answer POST order", Hold())
        name = desk.buy(1_000)
        await desk.until(lambda: desk.state(name) == "FILLED")
        late.release()
        await guarded(desk, exchange)
        assert told_of(desk, name) == ["OrderIntended", "OrderSent", "OrderAccepted", "OrderFilled"]


@exchanged
async def test_fault_21_parts_that_come_out_of_order_and_twice_add_up_and_are_protected(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        name = await rests(desk, exchange)
        exchange.faults.on("executionReport", Reorder(), where=lambda told: told["event"]["x"] == "TRADE")
        exchange.faults.on("executionReport", Duplicate(), times=None)
        for part in ("0.02", "0.03", "0.05"):
            await exchange.trade(PAXG, "SELL", part, "3990.00")
        await desk.until(lambda: desk.state(name) == "FILLED")
        await guarded(desk, exchange)
        fills = [it for it in desk.facts(f.OrderFilled) if it.order == name]
        assert sorted(it.quantity for it in fills) == [200, 300, 500]
        assert {it.execution for it in fills} == {f"PAXGUSDT-{it.trade_id}" for it in exchange.order(name).fills}


@exchanged
async def test_fault_23_a_fill_after_the_cancel_was_confirmed_is_booked_said_and_protected(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        name = await rests(desk, exchange)
        late = exchange.faults.on("executionReport", Hold(), where=lambda told: told["event"]["x"] == "TRADE")
        await exchange.trade(PAXG, "SELL", "0.05", "3990.00")
        hidden = exchange.faults.on("answer GET myTrades", Answer(200, "", []), times=None)
        exchange.faults.on("answer DELETE order", Replace(unfilled))
        desk.do(CancelOrder(name))
        await desk.until(lambda: desk.state(name) == "CANCELLED")
        assert desk.position == 0
        hidden.lift()
        late.release()
        await guarded(desk, exchange)
        (alert,) = desk.facts(f.AlertRaised)
        assert alert.cause == "late fill"
        assert name in alert.reason


@exchanged
async def test_an_entry_that_fills_in_parts_at_once_is_guarded_by_few_stops(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        name = await rests(desk, exchange)
        for _ in range(8):
            await exchange.trade(PAXG, "SELL", "0.0125", "3990.00")
        await desk.until(lambda: desk.state(name) == "FILLED")
        await guarded(desk, exchange)
        assert len([it for it in exchange.orders if it.is_open]) <= MOST_STOPS
        assert {it.ticket.stop_price for it in exchange.orders if it.side == "SELL"} == {Decimal(3980)}
        assert (refusals(exchange), desk.facts(f.ProtectionMissing)) == ([], [])


@exchanged
async def test_an_entry_that_fills_in_many_parts_is_guarded_after_each_by_no_more_stops_than_an_exchange_takes(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        name = await rests(desk, exchange)
        for _ in range(8):
            await exchange.trade(PAXG, "SELL", "0.0125", "3990.00")
            await guarded(desk, exchange)
            assert len([it for it in exchange.orders if it.is_open and it.side == "SELL"]) <= MOST_STOPS
        assert desk.state(name) == "FILLED"
        assert refusals(exchange) == []
        assert desk.facts(f.OrderRejected) == []
