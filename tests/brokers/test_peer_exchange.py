"""The loopback exchange against the real ccxt: what it answers, streams and remembers, and each way it misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest

from tests.peers.exchange import Exchange
from tests.peers.exchange.client import binance

pytestmark = pytest.mark.xdist_group("ccxt")

GOLD = "PAXG/USDT"
PATIENCE_S = 20
Scenario = Callable[[Exchange, Any], Coroutine[Any, Any, None]]


def trading(scenario: Scenario) -> Callable[[], None]:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, and a client of it."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), Exchange() as exchange:
            await exchange.quote("PAXGUSDT", "3900.00", "3900.10")
            client = binance(exchange)
            try:
                await client.load_markets()
                await scenario(exchange, client)
            finally:
                await client.close()

    def test() -> None:
        asyncio.run(run())

    test.__doc__ = scenario.__doc__
    return test


@trading
async def test_loading_the_markets_is_one_request(exchange: Exchange, client: Any) -> None:
    assert [it.kind for it in exchange.requests] == ["GET exchangeInfo"]
    market = client.market(GOLD)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.0001)
    assert market["limits"]["cost"]["min"] == 5


@trading
async def test_a_market_order_walks_the_book_and_pays_its_commission_in_gold(exchange: Exchange, client: Any) -> None:
    await exchange.quote("PAXGUSDT", "3900.00", "3900.10", depth="0.5")
    order = await client.create_order(GOLD, "market", "buy", 0.7, None, {"clientOrderId": "one"})
    assert (order["status"], order["filled"]) == ("closed", 0.7)
    assert [(it["price"], it["amount"]) for it in order["trades"]] == [(3900.1, 0.5), (3900.11, 0.2)]
    wallet = exchange.desk.matching.wallet
    assert wallet.free["PAXG"] == 10 + Decimal("0.7") * Decimal("0.999")
    assert wallet.free["USDT"] == 100_000 - Decimal("0.5") * Decimal("3900.10") - Decimal("0.2") * Decimal("3900.11")
    assert wallet.locked["USDT"] == 0
