"""What an order needs on its way and would read from files the first time: read before the session begins.

A thread that reads a file lets another have the interpreter, at every call; a stop that is due must not be the first to need it.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.clock import Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Bar
from engine.features.live import FeatureBuilder
from engine.risk.hours import Hours
from engine.rules.loading import load_rules


def make_ready(instruments: Iterable[Instrument], now: Nanos) -> None:
    """Loads the compiled rules and features, and the calendars of the instruments' markets."""
    load_rules()
    FeatureBuilder().push(Bar(now, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0))
    for instrument in instruments:
        if not Hours(instrument.sessions).is_open(now):
            instrument.sessions.closure(now)
