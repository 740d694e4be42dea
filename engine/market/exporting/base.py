"""What every export format does: bars to a file's bytes, such that reading them gives the same bars again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Floats, Timeframe
from engine.market.clocks import FileClock
from engine.market.formats import Format

_MOST_DECIMALS = 15


@dataclass(frozen=True, slots=True)
class Order:
    """What is written: bars (ns UTC) of an instrument and timeframe, on `clock` where the format has no zone of its own."""

    bars: Bars
    instrument: Instrument
    timeframe: Timeframe
    clock: FileClock


@dataclass(frozen=True, slots=True)
class Exporter:
    """One export format: `render` gives the file's bytes (UserError where it cannot hold the bars), `reader` reads them;
    `has_clock` says that its times are on a clock the user chooses."""

    name: str
    title: str
    suffix: str
    reader: Format
    render: Callable[[Order], bytes]
    has_clock: bool = False


def decimals_of(*columns: Floats) -> int:
    """The fewest decimals that say every one of the prices exactly, 15 at most."""
    values = np.concatenate(columns)
    for places in range(_MOST_DECIMALS):
        if np.array_equal(np.round(values, places), values):
            return places
    return _MOST_DECIMALS
