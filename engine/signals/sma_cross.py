"""The moving-average cross: a policy without a model, the reference for speed, parity and hashes."""

from __future__ import annotations

from collections import deque

from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Floats, Quote
from engine.domain.order import Side
from engine.signals.policy import Distances, Explanation, Proposal


class SmaCross:
    """Long when the fast average of closes crosses above the slow one, short when below.

    The stop lies `stop_fraction` of the price away, the target `reward_risk` times as far. Averages are sums of ticks, exact.
    """

    name = "sma_cross"
    sha256 = ""
    threshold = 0.5

    def __init__(
        self, instrument: Instrument, fast: int = 10, slow: int = 50, stop_fraction: float = 0.005, reward_risk: float = 2.0
    ) -> None:
        self._distances = Distances(instrument)
        self._per_tick = 1 / float(instrument.tick_size)
        self._fast, self._slow = fast, slow
        self._stop_fraction = stop_fraction
        self.reward_risk = reward_risk
        self.forget()

    def forget(self) -> None:
        self._closes: deque[int] = deque(maxlen=self._slow + 1)
        self._fast_sum = self._slow_sum = 0
        self._above: bool | None = None
        self._crossed = 0

    def observe(self, bar: Bar) -> None:
        closes = self._closes
        close = round(bar.close * self._per_tick)
        closes.append(close)
        self._fast_sum += close
        self._slow_sum += close
        count = len(closes)
        if count > self._fast:
            self._fast_sum -= closes[-self._fast - 1]
        self._crossed = 0
        if count <= self._slow:
            return
        self._slow_sum -= closes[0]
        difference = self._fast_sum * self._slow - self._slow_sum * self._fast
        if difference == 0:
            return
        above = difference > 0
        if self._above is not None and above != self._above:
            self._crossed = 1 if above else -1
        self._above = above

    def decide(self, row: Floats | None, atr: float, quote: Quote) -> Proposal | None:  # noqa: ARG002
        if not self._crossed:
            return None
        side = Side.of(self._crossed)
        distance = max(1, round(quote.bid * self._stop_fraction))
        return self._distances.proposal(side, quote, distance, self.reward_risk, 0.5)

    def explain(self, row: Floats | None, side: Side) -> Explanation:  # noqa: ARG002
        fast, slow = self._fast_sum / self._fast / self._per_tick, self._slow_sum / self._slow / self._per_tick
        return 0.0, ((f"sma_{self._fast}", fast, 0.0), (f"sma_{self._slow}", slow, 0.0))
