"""An order before it is one."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.instrument import Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import OrderType, Side


@dataclass(frozen=True, slots=True)
class Draft:
    """An order before it is one. `price` is the limit or stop price, None for a market order; ticks and lot steps."""

    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Steps
    price: Ticks | None = None
    stop_loss: Ticks | None = None
    take_profit: Ticks | None = None
    reduce_only: bool = False
