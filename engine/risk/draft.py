"""An order before it is one."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.instrument import Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import OrderType, Side


@dataclass(frozen=True, slots=True)
class Draft:
    """An order before it is one. `price` is the limit or stop price, None for a market order; ticks and lot steps.

    Of a stop-limit `price` is the limit and `trigger` the stop; of a trailing stop it is where it begins. `stop_trail` and
    `stop_trail_ppm` let the protective stop trail. `targets` are (price, quantity) and take the place of `take_profit`.
    `by_hand`: asked for by the owner, not by a policy.
    """

    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Steps
    price: Ticks | None = None
    stop_loss: Ticks | None = None
    take_profit: Ticks | None = None
    reduce_only: bool = False
    by_hand: bool = False
    trigger: Ticks | None = None
    trail: Ticks = 0
    trail_ppm: int = 0
    stop_trail: Ticks = 0
    stop_trail_ppm: int = 0
    targets: tuple[tuple[Ticks, Steps], ...] = ()
    post_only: bool = False

    @property
    def shares(self) -> list[tuple[Ticks | None, Steps]]:
        """(target, quantity) of every part of the order that has exits of its own; what no target is for comes last."""
        if not self.targets:
            return [(self.take_profit, self.quantity)]
        left = self.quantity - sum(quantity for _, quantity in self.targets)
        return [*self.targets, (None, left)] if left else [*self.targets]
