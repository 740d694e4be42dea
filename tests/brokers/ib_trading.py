"""The Interactive Brokers broker that sends, at the loopback TWS, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar

from engine.brokers.ib.broker import IbBroker, IbOptions
from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS
from engine.domain.order import TERMINAL, Order, OrderType, Role, Side, State, TimeInForce, apply
from engine.ports.broker import Report
from tests.brokers.ib_adapter import address
from tests.peers.tws import Peer

F = TypeVar("F", bound=f.Fact)

GOLD = INSTRUMENTS["XAUUSD"]
PATIENCE_S = 60


class Desk:
    """What the engine keeps of orders: every report moves its order by the state table, or is illegal.

    What was asked of an order that had just ended is refused, and that says nothing new.
    """

    def __init__(self) -> None:
        self.facts: list[f.Fact] = []
        self.orders: dict[str, Order] = {}
        self.executions: set[str] = set()

    def sink(self, report: Report) -> None:
        fact = report.fact
        self.facts.append(fact)
        if isinstance(fact, f.OrderFilled):
            assert fact.execution not in self.executions
            self.executions.add(fact.execution)
        late = isinstance(fact, f.CancelRejected | f.ModifyRejected) and self.orders[fact.order].state in TERMINAL
        if isinstance(fact, f.OrderFact) and not late:
            self.orders[fact.order] = apply(self.orders[fact.order], fact)

    def sent(self, *orders: Order) -> None:
        for order in orders:
            self.orders[order.id] = order._replace(state=State.SENT)

    def asked(self, fact: f.OrderFact) -> None:
        self.orders[fact.order] = apply(self.orders[fact.order], fact)

    def of(self, kind: type[F], order: str = "") -> list[F]:
        """The reports of this kind, of one order or all."""
        return [it for it in self.facts if isinstance(it, kind) and (not order or getattr(it, "order", "") == order)]

    def told(self, order: str) -> list[str]:
        """The kinds of report on an order, in their order."""
        return [type(it).__name__ for it in self.facts if getattr(it, "order", "") == order]

    @property
    def venue(self) -> list[str]:
        return [it.state for it in self.of(f.VenueChanged)]


class Trading:
    """A broker, its peer and its desk."""

    def __init__(self, peer: Peer, broker: IbBroker, desk: Desk) -> None:
        self.peer = peer
        self.broker = broker
        self.desk = desk

    def submit(self, *orders: Order) -> None:
        self.desk.sent(*orders)
        self.broker.submit(*orders)

    def cancel(self, order: str) -> None:
        self.desk.asked(f.CancelRequested(order, "test"))
        self.broker.cancel(order)

    def modify(self, order: str, quantity: int, limit: int | None = None, stop: int | None = None) -> None:
        self.desk.asked(f.ModifyRequested(order, quantity, limit, stop))
        self.broker.modify(order, quantity, limit, stop)

    def state(self, order: str) -> State:
        return self.desk.orders[order].state

    async def until(self, holds: Callable[[], object]) -> None:
        """Returns when it holds; what was reported says why it does not."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(f"waited in vain; reported: {self.desk.facts}") from None

    async def reports(self, kind: type[F], order: str = "", count: int = 1) -> list[F]:
        """The reports of this kind, once there are as many."""
        await self.until(lambda: len(self.desk.of(kind, order)) >= count)
        return self.desk.of(kind, order)

    async def reaches(self, order: str, state: State) -> Order:
        await self.until(lambda: self.state(order) is state)
        return self.desk.orders[order]

    async def settled(self) -> None:
        """Returns when what went and came so far has been dealt with."""
        await settled(self.broker)


async def settled(broker: IbBroker) -> None:
    """Returns when TWS has answered all that was asked of it so far, and what is in doubt was looked up."""
    link = broker._upkeep._link
    assert link is not None
    await link.ask_alone("the time", link.ib.reqCurrentTimeAsync)
    while broker._look_up._doubted:
        await asyncio.sleep(0)


@asynccontextmanager
async def trading(peer: Peer, symbols: tuple[str, ...] = ("XAUUSD",), **terms: Any) -> AsyncIterator[Trading]:
    """The broker, connected until the block ends. `terms` are its own, and the address's under `at`."""
    made = unconnected(peer, symbols, **terms)
    try:
        await made.broker.connect()
        yield made
    finally:
        await made.broker.close()


def unconnected(peer: Peer, symbols: tuple[str, ...] = ("XAUUSD",), **terms: Any) -> Trading:
    desk = Desk()
    at = address(peer, **terms.pop("at", {}))
    instruments = {symbol: INSTRUMENTS[symbol] for symbol in symbols}
    kinds: dict[str, Any] = {"clock": peer.clock, "random": Random(3), "timeout_s": 5.0, "sleep": soon, **terms}
    kinds.setdefault("options", IbOptions(heartbeat_s=60))
    return Trading(peer, IbBroker(at, instruments, desk.sink, **kinds), desk)


async def soon(_seconds: float) -> None:
    """Waits no longer than the loop needs."""
    await asyncio.sleep(0.001)


def order(identity: str, side: Side = Side.BUY, quantity: int = 2, **terms: Any) -> Order:
    """An order in ounces of gold: one lot step is one."""
    kind = terms.pop("type", None)
    if kind is None:
        limit, stop = terms.get("limit"), terms.get("stop")
        kind = (
            OrderType.STOP_LIMIT
            if limit is not None and stop is not None
            else OrderType.LIMIT
            if limit is not None
            else OrderType.STOP
            if stop is not None
            else OrderType.MARKET
        )
    values = {"role": Role.ENTRY, "tif": TimeInForce.GTC, **terms}
    return Order(id=identity, symbol=values.pop("symbol", "XAUUSD"), side=side, type=kind, quantity=quantity, **values)
