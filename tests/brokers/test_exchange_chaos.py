"""Whatever an exchange does wrong, in any order: no order twice, no end that is not one, no fill lost or counted twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.domain import facts as f
from engine.domain.order import Order, Side
from tests.brokers.exchange_broker import Told, dealing, market, order
from tests.peers.exchange import CutAt, Exchange, garbage, refused, saying
from tests.peers.faults import Answer, Cut, Delay, Drop, Duplicate, Mute, Reorder

pytestmark = pytest.mark.xdist_group("ccxt")

STEPS = 40
REQUESTS = ("POST order", "DELETE order", "GET order", "GET openOrders", "GET myTrades", "POST order/cancelReplace")
ASKED = (Drop(), Delay(0.05), Mute(), Cut(acted=True), Cut(acted=False), Answer(503, "Busy"), saying(refused("bus")))
ANSWERED = (Drop(), Delay(0.05), Cut(), CutAt(5), CutAt(200), garbage(), Answer(502, "Bad Gateway"), saying(refused("backend")))
EVENTS = (Drop(), Duplicate(), Reorder(), Delay(0.02))


def misbehave(exchange: Exchange, chance: Random) -> None:
    kind = chance.choice(REQUESTS)
    match chance.randrange(5):
        case 0:
            exchange.faults.on(kind, chance.choice(ASKED))
        case 1:
            exchange.faults.on(f"answer {kind}", chance.choice(ANSWERED))
        case 2:
            exchange.faults.on("executionReport", chance.choice(EVENTS))
        case 3:
            exchange.drop_sockets()
        case 4:
            exchange.stall() if not exchange.hub.is_silent else exchange.resume()


async def act(exchange: Exchange, broker: ExchangeBroker, chance: Random, given: dict[str, Order]) -> None:
    name = f"order-{len(given)}"
    match chance.randrange(6):
        case 0 | 1:
            given[name] = order(name, limit=chance.randrange(389_000, 390_000))
            broker.submit(given[name])
        case 2:
            given[name] = market(name, chance.choice((Side.BUY, Side.SELL)), 1000)
            broker.submit(given[name])
        case 3 if given:
            broker.cancel(chance.choice(list(given)))
        case 4 if given:
            broker.modify(chance.choice(list(given)), chance.randrange(2000, 6000), chance.randrange(389_000, 390_000), None)
        case 5:
            await exchange.trade("PAXGUSDT", "SELL", "0.3")
            await exchange.quote("PAXGUSDT", "3900.00", "3900.10")


def check(exchange: Exchange, told: Told, given: dict[str, Order], changed: set[str]) -> None:
    """What is known for certain agrees with the exchange."""
    fills = told.of(f.OrderFilled)
    assert max(Counter(it.execution for it in fills).values(), default=1) == 1
    for name in given:
        there = [it for it in exchange.orders if it.ticket.client_id == name]
        assert len([it for it in there if it.is_open]) <= 1
        assert len(there) <= 1 or name in changed
        kinds = told.kinds(name)
        if "OrderRejected" in kinds:
            assert not there
        if "OrderCancelled" in kinds or "OrderExpired" in kinds:
            assert not any(it.is_open for it in there)
        assert sum(it.quantity for it in fills if it.order == name) <= sum(it.executed for it in there) * 10_000


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_and_nothing_is_twice_whatever_goes_wrong(seed: int) -> None:
    chance = Random(seed)
    given: dict[str, Order] = {}

    @dealing(timeout=0.15, quiet_s=0.1, pulse_s=0.02)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        for _ in range(STEPS):
            if chance.random() < 0.5:
                misbehave(exchange, chance)
            await act(exchange, broker, chance, given)
            await asyncio.sleep(chance.random() * 0.02)
        exchange.faults.clear()
        exchange.resume()
        await settled(exchange, broker, told, given)
        changed = {it.parameters["newClientOrderId"] for it in exchange.asked("POST order/cancelReplace")}
        check(exchange, told, given, changed)
        asked = Counter(it.parameters["newClientOrderId"] for it in exchange.asked("POST order"))
        assert max(asked.values(), default=1) == 1

    scenario()


async def settled(exchange: Exchange, broker: ExchangeBroker, told: Told, given: dict[str, Order]) -> None:
    """Everything asked is carried out, and every fill of an order that is known is told."""
    await broker._outbox.idle()

    def owed() -> Any:
        found = Counter(it.execution for it in told.of(f.OrderFilled))
        known = {name for name in given if "OrderAccepted" in told.kinds(name)}
        return [
            fill.trade_id
            for it in exchange.orders
            for fill in it.fills
            if it.ticket.client_id in known and f"PAXGUSDT-{fill.trade_id}" not in found
        ]

    await told.until(lambda: not owed())
