"""What stands on the chart besides bars, as values. Prices are ticks, times ns UTC."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Nanos
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Side


@dataclass(frozen=True, slots=True)
class SignalMark:
    """A signal on the bar of `at`. `outcome`: waiting, accepted, auto, resized, flipped, vetoed, expired or dropped."""

    at: Nanos
    side: Side
    probability: float
    price: Ticks
    outcome: str
    id: str
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class FillMark:
    """An execution at its price."""

    at: Nanos
    side: Side
    price: Ticks
    id: str
    tooltip: str = ""


Mark = SignalMark | FillMark


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A horizontal line. `kind`: order, entry, stop, target, warn or trip (the last two are prices at which a limit is hit).

    `label` says what it is, `detail` what it is worth now (P/L, loss), `tone` "up", "down" or "" colours the detail.
    `tooltip` says more where the label is too short.
    `id` is an order's id for kind order. A `movable` line can be dragged; stop and target then name their `symbol`.
    """

    id: str
    kind: str
    price: Ticks
    label: str
    detail: str = ""
    tone: str = ""
    movable: bool = False
    side: Side | None = None
    symbol: Symbol = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class LineStyle:
    """`color` is a token of the theme; `reach` the share of the plot's width the line takes, from the right edge."""

    color: str
    dash: str
    reach: float = 1.0


LINE_STYLES = {
    "order": LineStyle("gold", "dash"),
    "entry": LineStyle("paper", "solid"),
    "stop": LineStyle("down", "dash"),
    "target": LineStyle("up", "dash"),
    "warn": LineStyle("warn", "dot", 0.3),
    "trip": LineStyle("trip", "dot", 0.3),
}

DECIDED_AGAINST = frozenset({"vetoed", "expired", "dropped"})
"""Outcomes whose signal mark is drawn hollow: nothing was traded on it."""
