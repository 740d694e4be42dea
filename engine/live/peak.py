"""The highest equity, on record: a live book has no market to walk again, and a restart must not measure a drawdown from less."""

from __future__ import annotations

from engine.domain import facts as f
from engine.domain.instrument import Cash
from engine.domain.market import Bar, Symbol
from engine.pipeline import Pipeline

STEP = 1_000
"""A peak is recorded when it is a part in so many above the last that was."""


class Peak:
    """Watches the bars that close. To be made when the book was begun or recalled, for that is what is on record."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._recorded = pipeline.guard.peak
        pipeline.on_bar.append(self._on_bar)

    def _on_bar(self, _symbol: Symbol, _bar: Bar, equity: Cash) -> None:
        if equity - self._recorded > self._recorded // STEP:
            self._recorded = equity
            self._pipeline.emit(f.EquityPeaked(equity))
