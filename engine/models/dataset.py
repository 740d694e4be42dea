"""Bars as a training set: feature rows and what each long and short would have come to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from engine.core.errors import ModelError
from engine.domain.instrument import Instrument
from engine.domain.market import BAR_COLUMNS, Bars, Floats, Ints
from engine.features.batch import rows_and_atr, with_spread
from engine.market.tape import sides, spread_ticks
from engine.models.options import TrainOptions
from engine.rules.labels import TARGET, TIMED_OUT, UNKNOWN, label
from engine.rules.paths import as_ticks

LEAST_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Usable bars only, in order: `bar` (index in the file), `rows` (n, COUNT), per side label (1.0 target first) and label end.

    `end` is the later of both sides' label ends, an index of the file's bars.
    """

    bar: Ints
    rows: Floats
    long: Floats
    short: Floats
    end: Ints
    timed_out: float

    def __len__(self) -> int:
        return len(self.bar)

    def side(self, name: str) -> Floats:
        """The labels of "long" or "short"."""
        return self.long if name == "long" else self.short


def build(bars: Bars, instrument: Instrument, options: TrainOptions) -> TrainingSet:
    """Labelled rows of `bars`. Raises ModelError when too few are left or one outcome never happens."""
    bars = with_spread(bars, instrument)
    rows, atr = rows_and_atr(bars)
    outcomes, ends = {}, {}
    for name, side in (("long", 1), ("short", -1)):
        outcomes[name], ends[name] = _labels(bars, atr, side, instrument, options)
    usable = np.isfinite(rows[:, 0]) & (outcomes["long"] != UNKNOWN) & (outcomes["short"] != UNKNOWN)
    bar = np.flatnonzero(usable)
    if len(bar) < LEAST_ROWS:
        raise ModelError(
            f"{len(bars):,} bars leave {len(bar):,} rows to learn from, {LEAST_ROWS:,} are needed; give a longer history of "
            f"{instrument.symbol}"
        )
    long, short = (np.asarray(outcomes[name][bar] == TARGET, np.float64) for name in ("long", "short"))
    for name, labels in (("long", long), ("short", short)):
        if labels.min() == labels.max():
            raise ModelError(f"every {name} of {instrument.symbol} ended alike; choose another stop_atr or reward_risk")
    late = float(np.mean([outcomes[name][bar] == TIMED_OUT for name in ("long", "short")]))
    return TrainingSet(bar, rows[bar], long, short, np.maximum(ends["long"], ends["short"])[bar], late)


def _labels(bars: Bars, atr: Floats, side: int, instrument: Instrument, options: TrainOptions) -> tuple[Ints, Ints]:
    tick = float(instrument.tick_size)
    recorded = np.column_stack([as_ticks(column, tick) for column in (bars.open, bars.high, bars.low, bars.close)])
    spread = spread_ticks(bars, instrument)
    bids, _ = sides(recorded, spread[:, None], instrument.bar_side)
    distance = np.maximum(1, np.rint(atr * options.stop_atr * (1 / tick))).astype(np.int64)
    return label(side, np.ascontiguousarray(bids), spread, distance, options.reward_risk, options.horizon)


def data_sha256(bars: Bars) -> str:
    """Hash of the bars' columns as little-endian numbers."""
    digest = hashlib.sha256()
    for name in BAR_COLUMNS:
        kind = "<i8" if name == "at" else "<f8"
        digest.update(np.ascontiguousarray(getattr(bars, name), kind).tobytes())
    return digest.hexdigest()
