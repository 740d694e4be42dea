"""What the suite needs of a broker: the broker itself, and hands on its market and its clock.

A stage is made inside the running loop and gives back a connected broker on an empty account that is flat. `base` is a price in
ticks at which the market stands, `lot` a quantity in lot steps that two targets can share; all prices of the cases lie within
1 000 ticks of `base`.
"""

from __future__ import annotations

from collections import deque
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Protocol

from engine.core.clock import Nanos
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Quote, Ticks
from engine.domain.order import Order
from engine.ports.broker import Report
from engine.ports.outside import OutsideBroker


class Stage(Protocol):
    """One broker with its market. `said` is all that its sink heard and nobody has read yet, the oldest first."""

    instrument: Instrument
    broker: OutsideBroker
    said: deque[Report]
    base: Ticks
    lot: Steps
    balance: Decimal
    now: Nanos
    """Where the clock of the venue stands; it moves with the quotes and with `pass_time`."""

    async def move(self, quote: Quote) -> None:
        """The venue's market goes there, showing no more than the quote's sizes; returns when the venue has dealt with it."""
        ...

    async def settle(self) -> None:
        """Returns when all that was asked of the broker is answered, and all that it says to that is in `said`."""
        ...

    async def pass_time(self, to: Nanos) -> None:
        """The venue's clock reaches `to`: orders that were good till then expire."""
        ...

    async def end_day(self, to: Nanos) -> None:
        """The venue's clock reaches `to`, and its day is over: its day orders expire."""
        ...

    def refused(self, order: str) -> Order:
        """An order called `order` that this venue refuses for certain."""
        ...


class Setting(Protocol):
    """How a stage is set: `name` in the matrix, and one stage a case."""

    name: str

    def stage(self) -> AbstractAsyncContextManager[Stage]: ...
