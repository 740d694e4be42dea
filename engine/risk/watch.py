"""The watch over the book: limits other than those on equity, which trip by what is held and what it is worth."""

from __future__ import annotations

from engine.domain import facts as f
from engine.risk.exposure import Snapshot
from engine.risk.gate import Gate, Measure
from engine.risk.guard import Guard, Trip
from engine.risk.sentences import sentence

_ON_EQUITY = frozenset({"daily_loss", "drawdown"})
"""The guard looks after these at every quote."""
_CLEAR = 0.95
"""A limit that tripped is cleared at this share of its cap, so that it does not trip at every breath of the market."""


class Watch:
    """Looks at the limits that `limits.actions` name, and at those that tripped; the guard remembers what did."""

    def __init__(self, gate: Gate, guard: Guard) -> None:
        self._gate = gate
        self._guard = guard
        self.adopt()

    def adopt(self) -> None:
        """Goes by the gate's limits from here on."""
        self._watched = frozenset(self._gate.limits.actions) - _ON_EQUITY

    @property
    def is_idle(self) -> bool:
        """True where nothing would come of a look."""
        tripped = self._guard.tripped_limits
        return not self._watched and not (tripped and any(map(self._guard.clears, tripped)))

    def look(self, snapshot: Snapshot) -> tuple[list[Trip], list[f.LimitCleared]]:
        """What trips in the book as it stands, and what that tripped before is over."""
        tripped = self._guard.tripped_limits
        trips, cleared = [], []
        for measure in self._gate.now(snapshot):
            cap = measure.hard if measure.hard is not None else measure.soft
            if cap is None:
                continue
            if measure.name in tripped:
                if self._guard.clears(measure.name) and measure.value <= _CLEAR * cap:
                    cleared.append(f.LimitCleared(measure.name, _said(measure, cap)))
            elif measure.name in self._watched and measure.value > cap:
                trips.append(self._guard.trip(measure.name, _said(measure, cap)))
        return trips, cleared


def _said(measure: Measure, cap: float) -> str:
    about = f"; {measure.words}" if measure.words else ""
    return sentence(measure.name, measure.value, cap, True).replace("would be", "is") + about
