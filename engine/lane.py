"""A lane: one instrument's way from quotes to bars, feature rows and what its policy makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.clock import HOUR, Nanos
from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Bars, Floats, Symbol, Ticks, Timeframe
from engine.features.live import FeatureBuilder, with_spread
from engine.market.bars import BarBuilder
from engine.signals.policy import Policy

_REMEMBERED = 500
"""Bars before the session that a policy is shown while warming up."""


class Lane:
    """What the pipeline keeps for each instrument it trades; account, orders and limits are shared and the pipeline's own."""

    __slots__ = ("_atr", "bars", "features", "instrument", "policy", "symbol", "timeframe")

    def __init__(self, instrument: Instrument, timeframe: Timeframe, policy: Policy, counts: bool = True) -> None:
        """`counts` says whether the number of quotes is a volume (engine.market.bars)."""
        self.symbol: Symbol = instrument.symbol
        self.instrument = instrument
        self.timeframe = timeframe
        self.policy = policy
        self.bars = BarBuilder(instrument, timeframe, counts)
        self.features = FeatureBuilder()
        self._atr: Ticks | None = None

    def warm(self, bars: Bars) -> None:
        """Takes in the bars that lie before the session."""
        if not len(bars):
            return
        known = with_spread(bars, self.instrument)
        self.features.warm(known)
        for index in range(max(0, len(known) - _REMEMBERED), len(known)):
            self.policy.observe(known.row(index))
        self._atr = None

    def renew(self, bars: Bars) -> None:
        """Forgets what was before and takes in these bars instead; live bars tell no volume, so these tell none either."""
        self.features = FeatureBuilder()
        self._atr = None
        self.policy.forget()
        self.warm(replace(bars, volume=np.ones(len(bars))))

    def close(self) -> tuple[Bar, Floats | None]:
        """Ends the bar at hand; the bar and its feature row (None while warming up)."""
        bar = self.bars.close()
        return bar, self.take(bar)

    def take(self, bar: Bar) -> Floats | None:
        """Takes in a closed bar; its feature row (None while warming up)."""
        row = self.features.push(bar)
        self.policy.observe(bar)
        self._atr = None
        return row

    @property
    def atr(self) -> Ticks:
        """The last average true range in ticks, worked out once a bar; 0 while unknown."""
        if self._atr is None:
            self._atr = round(self.features.atr / float(self.instrument.tick_size))
        return self._atr

    def is_open(self, at: Nanos) -> bool:
        """Whether what is decided at `at` can be dealt. Long bars end as the market shuts, and wait for the open."""
        sessions = self.instrument.sessions
        return sessions.is_open(at) or (self.timeframe.span >= 4 * HOUR and sessions.is_open(at - 1))
