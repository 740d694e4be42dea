"""Fitting one booster. LightGBM is imported here and nowhere else, and only when something is fitted."""

from __future__ import annotations

import os
from typing import Any

from engine.domain.market import Floats
from engine.features import specification as spec
from engine.models.options import TrainOptions


def lightgbm() -> Any:
    """The library, told before its import to let its threads sleep instead of spin."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import lightgbm as library

    return library


class Fitter:
    """Rows put into bins once and fitted for several labels. Same rows, labels and seed: the same text to the last byte."""

    def __init__(self, rows: Floats, options: TrainOptions, seed: int) -> None:
        self._library = lightgbm()
        self._parameters = _parameters(len(rows), options, seed)
        self._rounds = options.rounds
        self._data = self._library.Dataset(rows, feature_name=list(spec.NAMES), params=self._parameters, free_raw_data=False)

    def fit(self, label: Floats) -> Any:
        """A booster for `label` (0.0 or 1.0 a row)."""
        self._data.set_label(label)
        return self._library.train(self._parameters, self._data, num_boost_round=self._rounds)


def _parameters(rows: int, options: TrainOptions, seed: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "learning_rate": options.learning_rate,
        "num_leaves": options.leaves,
        "min_data_in_leaf": max(20, rows // 200),
        "feature_fraction": 0.6,
        "bagging_fraction": 0.5,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
