"""What tests of the exchange adapter share: the stage, with the real ccxt on it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any

from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import Clock
from engine.ports.venue import VenueAddress
from tests.peers.exchange import Exchange

PATIENCE_S = 180
Scenario = Callable[[Exchange, ExchangeVenue], Coroutine[Any, Any, None]]


def address(exchange: Exchange, **more: Any) -> VenueAddress:
    return VenueAddress("binance", url=exchange.rest_url, ws_url=exchange.socket_url, **more)


def venue_of(exchange: Exchange, *, clock: Clock | None = None, **more: Any) -> ExchangeVenue:
    """A venue with the exchange's own key, that does not wait its turn."""
    key = ApiKey(exchange.key, exchange.secret, is_for_tests=True)
    return ExchangeVenue(address(exchange, **more), key, clock=clock, paced=False)


def played(scenario: Callable[[Exchange], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, one ounce at each price."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), Exchange() as exchange:
            await exchange.quote("PAXGUSDT", "3900.00", "3900.10")
            await exchange.quote("BTCUSDT", "90000.00", "90001.00")
            await scenario(exchange)

    def test() -> None:
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
        asyncio.run(run())

    return test


def connected(scenario: Scenario) -> Callable[[], None]:
    """As `played`, with a venue that is connected and closed afterwards."""

    async def play(exchange: Exchange) -> None:
        venue = venue_of(exchange)
        await venue.connect()
        try:
            await scenario(exchange, venue)
        finally:
            await venue.close()

    return played(play)
