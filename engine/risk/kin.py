"""What moves together with an order or a position: it shares one position's cap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.domain.instrument import Cash
from engine.domain.limits import Limits
from engine.domain.market import Symbol
from engine.risk.exposure import Snapshot, Stake


class Cluster(NamedTuple):
    """What moves together: how much it measures, and which positions these are, in words."""

    measured: Cash
    words: str


Kin = tuple[Symbol, Stake, float | None]
Near = tuple[tuple[Symbol, float | None, int], ...]
"""What may move along, how closely, and in which direction it has to be open for that: 0 for either."""
_NONE: tuple[Kin, ...] = ()


class Kinship:
    """Finds what moves along under the limits' `correlation`; which could is remembered while correlations are the same."""

    def __init__(self, limits: Limits) -> None:
        self._least = float(limits.correlation)
        self._by_risk = limits.position_basis == "risk"
        self._near: dict[Symbol, tuple[Mapping[Symbol, float | None], Near]] = {}

    def of(self, own: Symbol, sign: int, snapshot: Snapshot) -> Sequence[Kin]:
        """What is or may become open in other instruments and moves with `own` held in the direction `sign`.

        An unknown correlation counts as full.
        """
        known = snapshot.correlation
        if known is None:
            return _NONE
        row = known(own)
        before = self._near.get(own)
        near = before[1] if before is not None and before[0] is row else self._nearest(own, row)
        if not near:
            return _NONE
        stakes, signs = snapshot.stakes, snapshot.signs
        return [
            (symbol, stakes[symbol], together)
            for symbol, together, way in near
            if symbol in signs and (not way or way * sign in signs[symbol])
        ]

    def _nearest(self, own: Symbol, row: Mapping[Symbol, float | None]) -> Near:
        """Of all correlations of an instrument those that can matter."""
        near = tuple(
            (symbol, together, 0 if together is None else 1 if together > 0 else -1)
            for symbol, together in row.items()
            if together is None or abs(together) > self._least
        )
        self._near[own] = row, near
        return near

    def largest(self, snapshot: Snapshot) -> Cluster:
        """The open position that measures most together with all that moves with it; an empty one where nothing does."""
        largest = Cluster(0, "")
        for symbol, stake in snapshot.stakes.items():
            for sign in stake.signs:
                kin = self.of(symbol, sign, snapshot)
                measured = measured_of(kin, self._by_risk) + (stake.total_risk if self._by_risk else stake.total_notional)
                if kin and measured > largest.measured:
                    largest = Cluster(measured, f"{symbol}; {together(kin)}")
        return largest


def measured_of(kin: Iterable[Kin], by_risk: bool) -> Cash:
    """What the position limit measures of them: loss at the stops, or notional."""
    total = 0
    for _, stake, _ in kin:
        total += stake.risk + stake.pending_risk if by_risk else stake.notional + stake.pending_notional
    return total


def together(kin: Iterable[Kin]) -> str:
    """Which positions move along, and how closely."""
    return ", ".join(
        f"{symbol} correlates {correlation:+.2f}" if correlation is not None else f"how {symbol} correlates is not known yet"
        for symbol, _, correlation in kin
    )
