"""From a closed bar to a proposal to trade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Floats, Quote, Ticks
from engine.domain.order import Side

Explanation = tuple[float, tuple[tuple[str, float, float], ...]]
"""(base log-odds, ((feature, value, contribution), ...))."""


class Proposal(NamedTuple):
    """What a policy wants: `reference` is the price it was decided at, `stop` and `target` absolute; ticks all."""

    side: Side
    reference: Ticks
    stop: Ticks
    target: Ticks
    probability: float


class Policy(Protocol):
    """Decides on closed bars. Deterministic, and fed every bar through `observe` before `decide` is asked about it."""

    @property
    def name(self) -> str: ...

    @property
    def sha256(self) -> str:
        """Hash of the model behind it, "" without one."""
        ...

    @property
    def threshold(self) -> float: ...

    @property
    def reward_risk(self) -> float: ...

    def observe(self, bar: Bar) -> None:
        """Takes a closed bar in, while warming up and in service alike."""
        ...

    def forget(self) -> None:
        """Begins anew, as before its first bar: what was observed and what comes do not belong together."""
        ...

    def decide(self, row: Floats | None, atr: float, quote: Quote) -> Proposal | None:
        """The proposal for the last observed bar; `row` is its feature row (None while warming up), `atr` in price units."""
        ...

    def explain(self, row: Floats | None, side: Side) -> Explanation:
        """Why the last proposal was made."""
        ...


@dataclass(frozen=True, slots=True)
class Distances:
    """Turns a stop distance into absolute prices around the touch."""

    instrument: Instrument

    def proposal(self, side: Side, quote: Quote, distance: Ticks, reward_risk: float, probability: float) -> Proposal:
        """Entry at the touch, the stop `distance` away, the target `reward_risk` times as far; None of them below a tick."""
        reference = quote.ask if side is Side.BUY else quote.bid
        stop = reference - side.sign * distance
        target = reference + side.sign * max(1, round(distance * reward_risk))
        return Proposal(side, reference, max(1, stop), max(1, target), probability)
