"""CatBoost: its training, and its JSON as trees.

Its trees are oblivious: all nodes of a level ask the same question, and bit k of a leaf's number is the answer of level k. They
are told as ordinary trees here. CatBoost asks in float32; `threshold_of` says the same in float64.
"""

from __future__ import annotations

import json
import math
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import ModelError
from engine.domain.market import Floats
from engine.features import specification as spec
from engine.models.learners.base import Learner
from engine.models.options import TrainOptions
from engine.models.trees import LARGEST_TREE, LEFT, RIGHT, Forest, chain, leaf

DEEPEST = LARGEST_TREE.bit_length() - 1
LARGEST = float(np.finfo(np.float32).max)
_MISSING = {"AsIs": 0b1010, "AsFalse": 0b1010, "AsTrue": 0b1000}
"""Where a value that is not a number goes, as decision bits: it is compared as it is (left), as the least or as the greatest."""


def catboost() -> Any:
    """The library; only `Learner.load` says it well when it is not installed."""
    return import_module("catboost")


class CatBoostBooster:
    """A fitted model in the words of `Booster`."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def raw(self, rows: Floats) -> Floats:
        scores: Floats = self._model.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
        return scores

    def text(self) -> bytes:
        """The library's JSON without `model_info`, which holds the time of training and a random name."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            self._model.save_model(str(file), format="json")
            whole = json.loads(file.read_bytes())
        del whole["model_info"]
        return (json.dumps(whole, sort_keys=True, indent=1, allow_nan=False) + "\n").encode("ascii")

    def gain(self) -> Floats:
        return np.asarray(self._model.get_feature_importance(type="PredictionValuesChange"), np.float64)


class CatBoostFitter:
    """Rows to be fitted for several labels. Same rows, labels and seed: the same text to the last byte."""

    def __init__(self, rows: Floats, options: TrainOptions, seed: int) -> None:
        self._library = LEARNER.load()
        self._rows, self._parameters = rows, _parameters(options, seed)

    def fit(self, label: Floats) -> CatBoostBooster:
        data = self._library.Pool(self._rows, label, feature_names=list(spec.NAMES), thread_count=1)
        model = self._library.CatBoost(self._parameters)
        model.fit(data)
        return CatBoostBooster(model)


def _parameters(options: TrainOptions, seed: int) -> dict[str, Any]:
    return {
        "loss_function": "Logloss",
        "iterations": options.rounds,
        "learning_rate": options.learning_rate,
        "depth": max(1, (options.leaves + 1).bit_length() - 1),
        "rsm": 0.6,
        "bootstrap_type": "Bernoulli",
        "subsample": 0.5,
        "l2_leaf_reg": 5.0,
        "border_count": 63,
        "boosting_type": "Plain",
        "boost_from_average": False,
        "leaf_estimation_method": "Newton",
        "leaf_estimation_iterations": 1,
        "random_seed": seed % (1 << 31),
        "thread_count": 1,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def parse(text: str, features: int) -> Forest:
    """The trees in `text`, checked: splits of `features` plain columns, one value a leaf. Else ModelError."""
    try:
        whole = json.loads(text)
        columns = whole["features_info"]["float_features"]
        scale, (bias,) = whole["scale_and_bias"]
        missing = [_MISSING[column["nan_value_treatment"]] for column in columns]
        plain = set(whole["features_info"]) == {"float_features"}
        if not plain or [column["flat_feature_index"] for column in columns] != list(range(features)):
            raise ModelError(f"the model text is not of {features} plain features; train the model again")
        trees = [_tree(tree, scale, missing) for tree in whole["oblivious_trees"]]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ModelError(f"the model text cannot be read ({error!r}); train the model again") from error
    if not trees:
        raise ModelError("the model text holds no tree; train the model again")
    forest = chain([leaf(float(bias)), *trees] if bias else trees)
    if not (np.isfinite(forest.leaves).all() and np.isfinite(forest.thresholds).all()):
        raise ModelError("the model text holds a value that is not a number; train the model again")
    return forest


def _tree(tree: dict[str, Any], scale: float, missing: list[int]) -> Forest:
    questions, values, weights = tree["splits"], tree["leaf_values"], tree["leaf_weights"]
    if len(questions) > DEEPEST:
        raise ModelError(f"a tree of the model text is {len(questions)} deep, {DEEPEST} are served; train the model again")
    if {len(values), len(weights)} != {1 << len(questions)}:
        raise ModelError("a tree of the model text has lost values; train the model again")
    if any(question["split_type"] != "FloatFeature" for question in questions) or min(weights) < 0 or not sum(weights):
        raise ModelError("a tree of the model text is not well formed; train the model again")
    asked = [(int(question["float_feature_index"]), threshold_of(question["border"])) for question in questions]
    if any(not 0 <= feature < len(missing) for feature, _ in asked):
        raise ModelError("a tree of the model text asks for a feature there is not; train the model again")
    return _Growing(asked, [scale * value for value in values], weights, missing).forest()


class _Growing:
    """An ordinary tree while it is made of an oblivious one, a parent before its children and the last question first.

    The order makes no difference to what a row scores. It makes one to how shares of rows explain it, and this is CatBoost's.
    """

    def __init__(self, asked: list[tuple[int, float]], values: list[float], weights: list[float], missing: list[int]) -> None:
        self._asked, self._values, self._weights, self._missing = asked, values, weights, missing
        self._nodes: list[list[int]] = []
        self._thresholds: list[float] = []
        self._node_count: list[float] = []
        self._leaves: list[tuple[float, float]] = []

    def forest(self) -> Forest:
        self._grow(len(self._asked), 0)
        values, counts = np.array(self._leaves, np.float64).T
        nodes = np.array(self._nodes, np.int32).reshape(-1, 4)
        return Forest(nodes, np.array(self._thresholds), values, np.empty(0, np.int32), np.array(self._node_count), counts)

    def _grow(self, level: int, first: int) -> int:
        """Adds the part that holds the leaves from `first` on, of 2 to the power of `level`; its node, or ~leaf.

        A part that no training row came to is one leaf: it has no shares to explain by.
        """
        part = slice(first, first + (1 << level))
        values, count = self._values[part], sum(self._weights[part])
        if not level or not count:
            if values != values[:1] * len(values):
                raise ModelError("a tree of the model text has values where no training row was; train the model again")
            self._leaves.append((values[0], count))
            return ~(len(self._leaves) - 1)
        here, (feature, threshold) = len(self._nodes), self._asked[level - 1]
        self._nodes.append([feature, 0, 0, self._missing[feature]])
        self._thresholds.append(threshold)
        self._node_count.append(count)
        self._nodes[here][LEFT] = self._grow(level - 1, first)
        self._nodes[here][RIGHT] = self._grow(level - 1, first + (1 << level - 1))
        return here


def threshold_of(border: float) -> float:
    """The greatest float64 that is not above the float32 `border` once it is rounded to float32 too. ModelError for no border."""
    if not math.isfinite(border) or abs(border) > LARGEST or float(np.float32(border)) != border:
        raise ModelError(f"the model text has the border {border}, which is no float32; train the model again")
    above = math.ldexp(1.0, 128) if border == LARGEST else float(np.nextafter(np.float32(border), np.float32(np.inf)))
    middle = (border + above) / 2
    return middle if _rounded(middle) <= border else math.nextafter(middle, -math.inf)


def _rounded(value: float) -> float:
    with np.errstate(over="ignore"):  # from half a step above the largest on it is infinity, as it is for CatBoost
        return float(np.float32(value))


LEARNER = Learner("catboost", "catboost", catboost, ("long.json", "short.json"), CatBoostFitter, parse, extra="catboost")
