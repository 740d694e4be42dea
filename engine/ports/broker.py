"""A broker, real or simulated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.clock import Nanos
from engine.domain.facts import Fact, FinancingCharged, OrderFact, TradingStateChanged, VenueFact
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order


@dataclass(frozen=True, slots=True)
class TakenInKind:
    """The venue kept lot steps of a position as its fee, which the fill's commission has booked already; `value` is what they
    cost (cash units)."""

    symbol: Symbol
    quantity: Steps
    value: Cash
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a broker said, or what the comparison with it came to: the fact. Executions carry the broker's own id."""

    fact: OrderFact | FinancingCharged | VenueFact | TradingStateChanged | TakenInKind


ReportSink = Callable[[Report], None]


class Broker(Protocol):
    """Takes orders and answers through reports only.

    No method blocks or raises for what the venue may refuse: refusals are reports. Every order carries our client id,
    and a second submit with the same id must never make a second order.
    """

    def submit(self, order: Order, *others: Order) -> None:
        """Sends an order and what hangs together with it: legs (with `parent`) rest until their parent fills, and orders of
        one group (`oco`) cancel each other."""
        ...

    def cancel(self, order: ClientOrderId) -> None:
        """Asks for a cancel; answered by OrderCancelled or CancelRejected."""
        ...

    def modify(self, order: ClientOrderId, quantity: Steps, limit: Ticks | None, stop: Ticks | None) -> None:
        """Asks for new terms; answered by OrderModified or ModifyRejected."""
        ...

    def on_market(self, quote: Quote) -> None:
        """Every quote, before anything else sees it acted on. Empty for real venues."""
        ...

    def on_time(self, at: Nanos) -> None:
        """The time moved on: expiries of orders the venue holds. Empty for real venues."""
        ...

    def on_roll(self) -> None:
        """The trading day ended: day orders expire. Empty for real venues."""
        ...

    def on_night(self, weekday: int, symbols: Sequence[Symbol]) -> None:
        """A night began for these instruments (`weekday` there, Monday = 0): holding is charged. Empty for real venues."""
        ...

    def mark(self, quote: Quote) -> None:
        """While a book is rebuilt: a quote that was dealt with before. Empty for real venues."""
        ...

    def apply(self, fact: Fact) -> None:
        """A recorded fact while a book is rebuilt, from which a simulated venue restores its orders; and at once, that an order
        which was placed elsewhere was adopted, under which id."""
        ...
