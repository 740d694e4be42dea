"""When the nights begin that holding is charged for: each instrument's own time of day, in its own zone."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.clock import Nanos, to_datetime
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.sessions import daily_after

NEVER: Nanos = (1 << 63) - 1


class Nights:
    """The next beginnings of nights; instruments that cost nothing to hold have none."""

    def __init__(self, instruments: Mapping[Symbol, Instrument]) -> None:
        self._symbols: dict[tuple[str, int], tuple[Symbol, ...]] = {}
        for symbol, instrument in instruments.items():
            if instrument.financing_long or instrument.financing_short:
                key = instrument.night_zone, instrument.night_minute
                self._symbols[key] = (*self._symbols.get(key, ()), symbol)
        self._due: dict[tuple[str, int], Nanos] = {}

    def start(self, at: Nanos) -> None:
        """The next nights are those after `at` (ns UTC)."""
        self._due = {key: daily_after(at, *key) for key in self._symbols}

    @property
    def due(self) -> Nanos:
        """When the next night begins; far away where there is none."""
        return min(self._due.values(), default=NEVER)

    def take(self, at: Nanos) -> list[tuple[int, tuple[Symbol, ...]]]:
        """The nights that have begun by `at`: the weekday (Monday = 0) in their own zone, and the instruments held over them."""
        begun = [(key, due) for key, due in self._due.items() if due <= at]
        for key, _ in begun:
            self._due[key] = daily_after(at, *key)
        return [(to_datetime(due, zone).weekday(), self._symbols[zone, minute]) for (zone, minute), due in begun]
