"""Limits and what the gate answers about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.news import NO_NEWS, NewsCalendar

USUAL_SOFT = {"value_at_risk": Decimal("0.05"), "expected_shortfall": Decimal("0.08")}
USUAL_ACTIONS = {"daily_loss": ("reduce_only", "cancel_entries"), "drawdown": ("halt", "cancel_entries")}


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps in force, as fractions of equity unless said; None is no cap. See DESIGN.md "Risk".

    Positions whose signed correlation is above `correlation` share one position's cap; it is measured over bars that count half
    after `correlation_half_life` of them. `margin` is the share of equity that initial margin may take, at `margin_rate` of the
    notional. `value_at_risk` and `expected_shortfall` are of one day at `confidence`, from the last `var_bars` bar returns, by
    `var_method` historical, parametric or the larger of both. `order_lots` and `order_notional` (the account's currency) cap one
    order, `collar` narrows the instrument's. A cash `account` sells nothing it does not hold and buys with its own cash only.
    `sessions` "ignore" leaves the instrument's trading hours aside. `allowed` names what may be opened, all where it is empty.

    After `losing_streak` losing trades in a row, or `override_losses` overrides that lost within `override_window_min`, entries
    by hand wait `cool_off_min` minutes. What loosens a limit waits `loosen_after_min` minutes.

    `soft` are caps that warn, by the limit's name; `only_warn` names checks that warn instead of denying; `actions` are what is
    done once when a limit is over its hard cap; `instruments` are values that replace these for one instrument.
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
    margin: Decimal = Decimal(1)
    margin_rate: Decimal | None = None
    value_at_risk: Decimal | None = None
    expected_shortfall: Decimal | None = None
    confidence: Decimal = Decimal("0.99")
    var_method: str = "larger"
    var_bars: int = 500
    order_lots: Decimal | None = None
    order_notional: Decimal | None = None
    collar: Decimal | None = None
    account: str = "margin"
    sessions: str = "listed"
    self_match: bool = True
    allowed: tuple[Symbol, ...] = ()
    losing_streak: int | None = None
    override_losses: int | None = None
    override_window_min: int = 240
    cool_off_min: int = 60
    loosen_after_min: int = 24 * 60
    news: NewsCalendar = NO_NEWS
    soft: Mapping[str, Decimal] = field(default_factory=lambda: dict(USUAL_SOFT))
    only_warn: tuple[str, ...] = ()
    actions: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(USUAL_ACTIONS))
    instruments: Mapping[Symbol, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, symbol: Symbol) -> Limits:
        """The limits as they hold for `symbol`."""
        own = self.instruments.get(symbol)
        if not own:
            return self
        soft = {name.removeprefix("soft."): cap for name, cap in own.items() if name.startswith("soft.")}
        hard = {name: cap for name, cap in own.items() if not name.startswith("soft.")}
        return replace(self, **hard, soft=_without_none({**self.soft, **soft}))

    def value(self, name: str, symbol: Symbol = "") -> Any:
        """The cap called `name` ("leverage", "soft.leverage"); None where there is none. KeyError for an unknown name."""
        limits = self.of(symbol) if symbol else self
        if name.startswith("soft."):
            return limits.soft.get(name.removeprefix("soft."))
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(limits, name)

    def with_value(self, name: str, value: Any, symbol: Symbol = "") -> Limits:
        """The limits with another cap called `name`, for `symbol` alone where one is named."""
        if symbol:
            own = {**self.instruments.get(symbol, {}), name: value}
            return replace(self, instruments={**self.instruments, symbol: own})
        if name.startswith("soft."):
            return replace(self, soft=_without_none({**self.soft, name.removeprefix("soft."): value}))
        return replace(self, **{name: value})


def _without_none(caps: Mapping[str, Decimal | None]) -> dict[str, Decimal]:
    return {name: cap for name, cap in caps.items() if cap is not None}


class LimitLine(NamedTuple):
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


class Verdict(NamedTuple):
    """The gate's answer. `reasons` is empty when approved; `warnings` names soft limits; `largest` passes in steps. `held` are
    sentences about what the engine would hold of the order because its venue cannot."""

    lines: Sequence[LimitLine]
    reasons: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...]
    largest: Steps
    stop: Ticks | None = None
    stop_is_default: bool = False
    held: tuple[str, ...] = ()

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
