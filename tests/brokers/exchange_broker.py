"""What tests of the exchange broker share: the broker on the stage, what it reports, and orders to give it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from engine.brokers.exchange.broker import ExchangeBroker
from engine.brokers.exchange.keys import ApiKey
from engine.core.clock import SystemClock
from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS
from engine.domain.order import Order, OrderType, Role, Side, State
from engine.ports.broker import Report
from tests.brokers.exchange_adapter import PATIENCE_S, address
from tests.peers.exchange import Exchange

GOLD = "PAXGUSDT"
Kind = TypeVar("Kind", bound=f.Fact)
OURS = {symbol: INSTRUMENTS[symbol] for symbol in (GOLD, "BTCUSDT")}


class Told:
    """What the broker reported, and how long it waited before it tried again."""

    def __init__(self) -> None:
        self.facts: list[f.Fact] = []
        self.waits: list[float] = []
        self._news = asyncio.Event()

    def __call__(self, report: Report) -> None:
        self.facts.append(report.fact)
        self._news.set()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    def of(self, kind: type[Kind]) -> list[Kind]:
        return [it for it in self.facts if isinstance(it, kind)]

    def kinds(self, order: str) -> list[str]:
        """The names of the facts about an order, as they came."""
        return [type(it).__name__ for it in self.facts if isinstance(it, f.OrderFact) and it.order == order]

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for a report that makes it so."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def one(self, kind: type[Kind]) -> Kind:
        """The first fact of its kind, waited for."""
        await self.until(lambda: self.of(kind))
        return self.of(kind)[0]


Scenario = Callable[[Exchange, ExchangeBroker, Told], Coroutine[Any, Any, None]]


def broker_of(exchange: Exchange, told: Told, *, clock: Any = None, timeout: float = 10.0, **more: Any) -> ExchangeBroker:
    """A broker with the exchange's own key, that asks only where something is in doubt and does not wait its turn."""
    key = ApiKey(exchange.key, exchange.secret, is_for_tests=True)
    more.setdefault("quiet_s", 3600.0)
    more.setdefault("pulse_s", 0.5)
    return ExchangeBroker(
        address(exchange, timeout=timeout, **more.pop("address", {})),
        key,
        OURS,
        told,
        clock=clock or SystemClock(),
        random=Random(1),
        sleep=more.pop("sleep", told.sleep),
        paced=False,
        **more,
    )


def dealing(scenario: Scenario | None = None, /, *, listening: bool = True, **more: Any) -> Any:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, one ounce at each price, and a broker connected to it.

    With `listening` the account's stream is subscribed before the scenario begins.
    """

    def decorate(scenario: Scenario) -> Callable[[], None]:
        async def run() -> None:
            async with asyncio.timeout(PATIENCE_S), Exchange() as exchange:
                await exchange.quote(GOLD, "3900.00", "3900.10")
                await exchange.quote("BTCUSDT", "90000.00", "90001.00")
                told = Told()
                broker = broker_of(exchange, told, **more)
                await broker.connect()
                try:
                    if listening:
                        await subscribed(exchange)
                    await scenario(exchange, broker, told)
                finally:
                    await broker.close()

        def test() -> None:
            importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
            asyncio.run(run())

        test.__name__ = scenario.__name__
        return test

    return decorate if scenario is None else decorate(scenario)


async def subscribed(exchange: Exchange) -> None:
    """The account's stream is listened to."""
    await exchange.until(lambda: any(socket.accounts for socket in exchange.hub.sockets))


def order(name: str = "one", side: Side = Side.BUY, quantity: int = 5000, limit: int | None = 389_000, **more: Any) -> Order:
    """Half an ounce of gold at a limit below the market, unless told otherwise."""
    kind = more.pop("type", OrderType.LIMIT)
    more.setdefault("symbol", GOLD)
    more.setdefault("role", Role.ENTRY)
    return Order(id=name, side=side, type=kind, quantity=quantity, limit=limit, state=State.SENT, **more)


def market(name: str = "one", side: Side = Side.BUY, quantity: int = 5000, **more: Any) -> Order:
    return order(name, side, quantity, None, type=OrderType.MARKET, **more)
