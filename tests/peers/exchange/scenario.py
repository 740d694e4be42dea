"""What tests of a client at the exchange share: the stage, and the few words they are told in."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.peers.exchange.client import binance
from tests.peers.exchange.server import Exchange

GOLD = "PAXG/USDT"
PATIENCE_S = 180
Scenario = Callable[[Exchange, Any], Coroutine[Any, Any, None]]


def trading(scenario: Scenario) -> Callable[[], None]:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, one ounce at each price, and a client of it."""

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
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
        asyncio.run(run())

    return test


def own(name: str, **more: Any) -> dict[str, Any]:
    return {"clientOrderId": name, **more}


async def limit(client: Any, side: str, quantity: float, price: float, name: str, **more: Any) -> Any:
    return await client.create_order(GOLD, "limit", side, quantity, price, own(name, **more))


async def failure(call: Coroutine[Any, Any, Any] | asyncio.Task[Any]) -> str:
    """The name of what the call raises; it must raise."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test looks at what it is
        await call
    return type(caught.value).__name__


async def listening_to(exchange: Exchange, stream: str, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The call waits for its first event."""
    task = asyncio.ensure_future(call)
    await exchange.until(lambda: exchange.hub.has(stream))
    return task


async def listening_to_the_account(exchange: Exchange, *calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.ensure_future(call) for call in calls]
    await exchange.until(lambda: any(socket.accounts for socket in exchange.hub.sockets))
    return tasks
