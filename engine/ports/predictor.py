"""A model as the policy sees it."""

from __future__ import annotations

from typing import Protocol

from engine.domain.market import Floats


class Predictor(Protocol):
    """Turns one feature row into calibrated probabilities. Deterministic: the same row gives the same numbers."""

    @property
    def sha256(self) -> str:
        """Hash of the model file."""
        ...

    def predict(self, row: Floats) -> tuple[float, float]:
        """(probability that a long reaches its target before its stop, the same for a short) for one float64 row."""
        ...

    def explain(self, row: Floats, side: int, top: int = 6) -> tuple[float, tuple[tuple[str, float, float], ...]]:
        """(base log-odds, the `top` largest (feature, value, contribution)) of the long (+1) or short (-1) model."""
        ...
