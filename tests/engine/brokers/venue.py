"""A simulated broker to ask things of by hand."""

from __future__ import annotations

from typing import Any, TypeVar

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side
from tests.engine.rig import GOLD

BUY, SELL = Side.BUY, Side.SELL
Kind = TypeVar("Kind")


class Venue:
    """A simulated broker, the quotes it was shown, and what it said."""

    def __init__(self, **terms: Any) -> None:
        self.said: list[f.Fact] = []
        given = SimTerms(**({"slippage": 0} | terms))
        self.broker = SimBroker({"XAUUSD": GOLD}, given, lambda report: self.said.append(report.fact))
        self.at = 0

    def submit(self, name: str, side: Side, type_: OrderType, quantity: int = 10, role: Role = Role.ENTRY, **rest: Any) -> None:
        self.broker.submit(Order(name, "XAUUSD", side, type_, quantity, role, **rest))

    def bracket(self, side: Side = BUY, quantity: int = 10, stop: int = 900, target: int = 1_100, **entry: Any) -> None:
        """An entry "in" at the market unless told otherwise, with the legs "out" and "win"."""
        self.submit("in", side, entry.pop("type_", OrderType.MARKET), quantity, **entry)
        exits = {"parent": "in", "oco": "o", "reduce_only": True}
        self.submit("out", side.opposite, OrderType.STOP, quantity, Role.STOP, stop=stop, **exits)
        self.submit("win", side.opposite, OrderType.LIMIT, quantity, Role.TARGET, limit=target, **exits)

    def quote(self, bid: int, ask: int | None = None, path: bool = False, sizes: tuple[int, int] = (0, 0)) -> list[f.Fact]:
        """What the venue says to the next quote; `sizes` of bid and ask."""
        before, self.at = len(self.said), self.at + SECOND
        self.broker.on_market(Quote("XAUUSD", self.at, bid, bid if ask is None else ask, path, *sizes))
        return self.said[before:]

    def deals(
        self, bid: int, ask: int | None = None, path: bool = False, sizes: tuple[int, int] = (0, 0)
    ) -> list[tuple[str, int, int]]:
        """(order, quantity, price) of what the next quote fills."""
        return dealt(self.quote(bid, ask, path, sizes))

    def last(self, kind: type[Kind]) -> Kind:
        return [fact for fact in self.said if isinstance(fact, kind)][-1]


def dealt(facts: list[f.Fact]) -> list[tuple[str, int, int]]:
    """(order, quantity, price) of the fills among the facts."""
    return [(e.order, e.quantity, e.price) for e in facts if isinstance(e, f.OrderFilled)]
