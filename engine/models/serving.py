"""A stored model in service: flat trees walked by a kernel, so that the training library is not needed to trade."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.core.cache import kernel
from engine.core.errors import ModelError
from engine.domain.market import Floats
from engine.features import specification as spec
from engine.models import drift
from engine.models.learners import learner_of
from engine.models.manifest import TrainedModel
from engine.models.shapley import contributions
from engine.models.trees import Int32s, raw_score, stack


@kernel
def probabilities(
    row: Floats,
    nodes: Int32s,
    thresholds: Floats,
    leaves: Floats,
    roots: Int32s,
    longs: int,
    slope: float,
    intercept: float,
) -> tuple[float, float]:
    """Calibrated (long, short); NaN for both when a feature is not a number. The first `longs` trees are the long model."""
    for column in range(row.shape[0]):
        if not math.isfinite(row[column]):
            return math.nan, math.nan
    long = slope * raw_score(row, nodes, thresholds, leaves, roots, 0, longs) + intercept
    short = slope * raw_score(row, nodes, thresholds, leaves, roots, longs, roots.shape[0]) + intercept
    return 0.5 + 0.5 * math.tanh(0.5 * long), 0.5 + 0.5 * math.tanh(0.5 * short)


class ForestPredictor:
    """Serves one trained model (port Predictor). Build it from a TrainedModel, or with `registry.load` from disk."""

    __slots__ = ("_arrays", "_forest", "_intercept", "_longs", "_slope", "manifest", "sha256")

    def __init__(self, model: TrainedModel) -> None:
        """Raises ModelError when the model's features are not the ones this program computes."""
        manifest = model.manifest
        if manifest["features"]["sha256"] != spec.sha256():
            raise ModelError(
                f"model {model.sha256[:12]} was trained on other features (version {manifest['features'].get('version')}, this "
                f"program computes version {spec.VERSION}); train it again"
            )
        learner = learner_of(manifest["kind"])
        long, short = (learner.parse(model.files[name].decode("ascii"), spec.COUNT) for name in learner.files)
        self._forest = stack(long, short)
        self._arrays = self._forest[:4]
        self._longs = len(long.roots)
        self._slope = float(manifest["calibration"]["slope"])
        self._intercept = float(manifest["calibration"]["intercept"])
        self.manifest: dict[str, Any] = manifest
        self.sha256 = model.sha256

    @property
    def suggested_threshold(self) -> float:
        """The probability from which on to signal, as learned in training."""
        return float(self.manifest["suggested_threshold"])

    @property
    def stop_atr(self) -> float:
        """Stop distance of the labels, in ATRs."""
        return float(self.manifest["training"]["stop_atr"])

    @property
    def reward_risk(self) -> float:
        """Target distance of the labels over their stop distance."""
        return float(self.manifest["training"]["reward_risk"])

    def predict(self, row: Floats) -> tuple[float, float]:
        """(long, short) probabilities of the target before the stop. ModelError for a row that is not whole."""
        if row.shape != (spec.COUNT,):
            raise ModelError(f"a feature row has {spec.COUNT} values, not the shape {row.shape}")
        both: tuple[float, float] = probabilities(row, *self._arrays, self._longs, self._slope, self._intercept)
        if both[0] != both[0]:
            raise ModelError("a feature row holds a value that is not a number")
        return both

    def explain(self, row: Floats, side: int, top: int = 6) -> tuple[float, tuple[tuple[str, float, float], ...]]:
        """(base, ((feature, value, contribution), ...)) in calibrated log-odds; base and all contributions sum to the prediction.

        `side` +1 long, -1 short; the `top` largest by magnitude, largest first. About a millisecond.
        """
        base, parts = self.contributions(row, side)
        order = sorted(range(spec.COUNT), key=lambda column: (-abs(parts[column]), column))[:top]
        return base, tuple((spec.NAMES[column], float(row[column]), float(parts[column])) for column in order)

    def contributions(self, row: Floats, side: int) -> tuple[float, Floats]:
        """(base, one contribution a feature) of the long (+1) or short (-1) model, in calibrated log-odds."""
        self.predict(row)
        parts = np.zeros(spec.COUNT)
        trees = (0, self._longs) if side > 0 else (self._longs, len(self._forest.roots))
        base = contributions(row, self._forest, *trees, parts)
        return self._slope * base + self._intercept, self._slope * parts

    def drift(self, rows: Floats) -> dict[str, float]:
        """Population stability index by feature of live `rows` (n, COUNT) against the training rows; see `drift.SHIFTED`."""
        edges = self.manifest["drift"]["deciles"]
        expected = np.asarray(self.manifest["drift"]["shares"])
        index = drift.stability_index(expected, drift.shares(rows, edges))
        return {name: float(value) for name, value in zip(spec.NAMES, index, strict=True)}
