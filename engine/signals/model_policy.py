"""A policy that trades what a model is sure enough of."""

from __future__ import annotations

from collections.abc import Callable

from engine.core.clock import Nanos
from engine.core.errors import ModelError
from engine.domain.instrument import Instrument
from engine.domain.market import Bar, Floats, Quote
from engine.domain.order import Side
from engine.ports.predictor import Predictor
from engine.signals.policy import Distances, Explanation, Proposal


class ModelPolicy:
    """Long or short, whichever is likelier to reach its target before its stop, when that probability is over `threshold`.

    The stop lies `stop_atr` ATR away, the target `reward_risk` times as far: the barriers the model was trained on.
    """

    name = "model"

    def __init__(
        self, instrument: Instrument, predictor: Predictor, threshold: float, stop_atr: float, reward_risk: float
    ) -> None:
        self._distances = Distances(instrument)
        self._per_tick = 1 / float(instrument.tick_size)
        self._predictor = predictor
        self._stop_atr = stop_atr
        self.threshold = threshold
        self.reward_risk = reward_risk
        self.sha256 = predictor.sha256
        self.watcher: Callable[[Nanos, float, float], None] | None = None
        """Told of every bar's open time and probabilities (long, short); for pictures only."""
        self._bar: Nanos = 0

    def observe(self, bar: Bar) -> None:
        self._bar = bar.at

    def forget(self) -> None:
        """Nothing to forget: all it goes by is in the rows."""

    def decide(self, row: Floats | None, atr: float, quote: Quote) -> Proposal | None:
        if row is None:
            return None
        try:
            long, short = self._predictor.predict(row)
        except ModelError:
            return None
        if self.watcher is not None:
            self.watcher(self._bar, long, short)
        side, probability = (Side.BUY, long) if long >= short else (Side.SELL, short)
        if probability < self.threshold:
            return None
        distance = max(1, round(atr * self._stop_atr * self._per_tick))
        return self._distances.proposal(side, quote, distance, self.reward_risk, probability)

    def explain(self, row: Floats | None, side: Side) -> Explanation:
        if row is None:
            return 0.0, ()
        return self._predictor.explain(row, side.sign)
