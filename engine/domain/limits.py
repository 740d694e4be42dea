"""Limits and what the gate answers about them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol, Ticks


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps in force, as fractions of equity unless said. See DESIGN.md "Risk".

    Positions whose signed correlation is above `correlation` share one position's cap; it is measured over bars that count half
    after `correlation_half_life` of them.
    """

    position: Decimal = Decimal("0.05")
    position_basis: str = "risk"
    daily_loss: Decimal = Decimal("0.02")
    worst_day_soft: Decimal = Decimal("0.02")
    worst_day_hard: Decimal = Decimal("0.12")
    open_risk: Decimal = Decimal("0.10")
    leverage: Decimal = Decimal("3")
    drawdown: Decimal = Decimal("0.15")
    correlation: Decimal = Decimal("0.7")
    correlation_half_life: int = 240
    orders_per_minute: int = 60
    duplicate_window_s: int = 1
    day_zone: str = "America/New_York"
    day_minute: int = 17 * 60


@dataclass(frozen=True, slots=True)
class LimitLine:
    """One limit as the gate sees an order: fractions of equity now, after the fill and after the stop-out, and the cap.

    Leverage is a multiple instead of a fraction. `hard` limits deny, soft ones warn. `passed` is about this order.
    """

    name: str
    now: float
    after_fill: float
    after_stop: float
    cap: float
    hard: bool
    passed: bool
    sentence: str = ""

    @property
    def used(self) -> float:
        """Share of the cap used after the fill, 1.0 = full."""
        return self.after_fill / self.cap if self.cap else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer. `reasons` is empty when approved; `warnings` names soft limits; `largest` passes in steps."""

    lines: tuple[LimitLine, ...]
    reasons: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...]
    largest: Steps
    stop: Ticks | None = None
    stop_is_default: bool = False

    @property
    def approved(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class LimitPrice:
    """The price of `symbol` at which the limit called `name` would be hit, given the positions as they are."""

    symbol: Symbol
    name: str
    price: Ticks
    loss: Cash
