"""What each limit may be set to, and which way is tighter: one row a limit that can be changed while a session runs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.core.errors import UserError
from engine.domain.limits import Limits

LOWER, HIGHER = "lower", "higher"
WHOLE, NUMBER = "whole", "number"
PER_INSTRUMENT = frozenset(
    {"position", "soft.position", "margin_rate", "order_lots", "order_notional", "collar", "duplicate_window_s"}
)
"""Limits an instrument may have of its own."""
DECIMALS = 12
"""The smallest limit but for 0 has its first digit here: far below, its text is longer than a journal's line should be."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit's range, both ends included but for a low of 0 that `above` excludes; `tighter` says which way it holds more.

    `may_be_off`: "none" takes the limit away, which is the loosest it can be.
    """

    tighter: str
    low: Decimal
    high: Decimal
    kind: str = NUMBER
    may_be_off: bool = False
    above: bool = True

    def check(self, name: str, value: Any) -> None:
        """UserError where `value` is out of range."""
        if value is None:
            if not self.may_be_off:
                raise UserError(f"{name} cannot be taken away; give a number up to {self.high}")
            return
        if not (self.low < value if self.above else self.low <= value) or value > self.high:
            least = f"above {self.low}" if self.above else f"{self.low}"
            raise UserError(f"{name} = {value} is out of range; give {least} to {self.high}")

    def loosens(self, before: Any, after: Any) -> bool:
        """Whether going from one value to the other lets more through."""
        if after is None or before is None:
            return before is not None
        return bool(after > before if self.tighter == LOWER else after < before)


def _share(off: bool = False, high: int = 1) -> Rule:
    return Rule(LOWER, Decimal(0), Decimal(high), may_be_off=off)


_CAP = {
    "position": _share(high=100),
    "daily_loss": _share(),
    "worst_day": _share(),
    "open_risk": _share(),
    "leverage": _share(high=500),
    "drawdown": _share(),
    "correlation": _share(high=100),
    "margin": _share(high=100),
    "value_at_risk": _share(off=True),
    "expected_shortfall": _share(off=True),
}
Measured = Literal[
    "position",
    "daily_loss",
    "worst_day",
    "open_risk",
    "leverage",
    "drawdown",
    "correlation",
    "margin",
    "value_at_risk",
    "expected_shortfall",
]
"""Limits that are measured now, after the fill and after the stop-out; each may have a soft cap too."""

RULES: dict[str, Rule] = {
    "position": _CAP["position"],
    "daily_loss": _CAP["daily_loss"],
    "worst_day_soft": _CAP["worst_day"],
    "worst_day_hard": _CAP["worst_day"],
    "open_risk": _CAP["open_risk"],
    "leverage": _CAP["leverage"],
    "drawdown": _CAP["drawdown"],
    "margin": _CAP["margin"],
    "value_at_risk": _CAP["value_at_risk"],
    "expected_shortfall": _CAP["expected_shortfall"],
    "correlation": Rule(LOWER, Decimal(0), Decimal(1), above=False),
    "margin_rate": Rule(HIGHER, Decimal(0), Decimal(10), may_be_off=True),
    "order_lots": Rule(LOWER, Decimal(0), Decimal(10**9), may_be_off=True),
    "order_notional": Rule(LOWER, Decimal(0), Decimal(10**12), may_be_off=True),
    "collar": Rule(LOWER, Decimal(0), Decimal(1), may_be_off=True),
    "orders_per_minute": Rule(LOWER, Decimal(0), Decimal(100_000), WHOLE),
    "duplicate_window_s": Rule(HIGHER, Decimal(0), Decimal(3_600), WHOLE, above=False),
    "losing_streak": Rule(LOWER, Decimal(0), Decimal(1_000), WHOLE, may_be_off=True),
    "override_losses": Rule(LOWER, Decimal(0), Decimal(1_000), WHOLE, may_be_off=True),
    "override_window_min": Rule(HIGHER, Decimal(0), Decimal(100_000), WHOLE),
    "cool_off_min": Rule(HIGHER, Decimal(0), Decimal(100_000), WHOLE),
    "loosen_after_min": Rule(HIGHER, Decimal(0), Decimal(100_000), WHOLE, above=False),
    **{f"soft.{name}": _share(off=True, high=int(rule.high)) for name, rule in _CAP.items() if name != "worst_day"},
}

MayWarn = Literal[
    "order_lots", "order_notional", "collar", "rate", "duplicate", "self_match", "session", "news", "tilt", "allowed"
]
"""Checks of an order that may be told to warn only."""


def rule_of(name: str, symbol: str = "") -> Rule:
    """UserError where no such limit can be changed while a session runs, or not for one instrument alone."""
    rule = RULES.get(name)
    if rule is None:
        raise UserError(f"{name!r} is no limit that can be changed here; use one of {', '.join(RULES)}")
    if symbol and name not in PER_INSTRUMENT:
        raise UserError(f"{name} is a limit of the account; for one instrument set {', '.join(sorted(PER_INSTRUMENT))}")
    return rule


def read(name: str, text: str) -> Any:
    """The value that `text` spells for the limit called `name`; "none" is none. UserError where it is out of range, or none."""
    value = parsed(name, text)
    RULES[name].check(name, value)
    if isinstance(value, Decimal) and value and value.adjusted() < -DECIMALS:
        raise UserError(f"{name} = {text!r} is next to nothing; give at least {Decimal(10) ** -DECIMALS:f}")
    return value


def parsed(name: str, text: str) -> Any:
    """As `read`, whatever the range: of what is in force already."""
    rule = RULES[name]
    if text.strip().lower() in ("none", "off"):
        return None
    try:
        value: Any = int(text) if rule.kind == WHOLE else Decimal(text)
    except (ValueError, InvalidOperation):
        raise UserError(f"{name} = {text!r} is not a {'whole ' if rule.kind == WHOLE else ''}number") from None
    if not Decimal(value).is_finite():
        raise UserError(f"{name} = {text!r} is not a finite number")
    return value


def spelled(value: Any) -> str:
    """The text that `read` takes for the value."""
    return "none" if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def check(limits: Limits) -> None:
    """UserError names the first value that is out of range."""
    for name, rule in RULES.items():
        value = limits.value(name)
        if value is not None:
            rule.check(name, value)
    for symbol, own in limits.instruments.items():
        for name, value in own.items():
            rule_of(name, symbol).check(f"instruments.{symbol}.{name}", value)
            if name == "position" and limits.position_basis == "risk" and value > 1:
                raise UserError(f"instruments.{symbol}.position = {value} is a share of equity, such as 0.05 for 5 %")
