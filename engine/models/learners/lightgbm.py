"""LightGBM: its training, and its text as trees.

The text is what `Booster.model_to_string` writes (format v4): blocks of `name=values` lines, a block a tree.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from engine.core.errors import ModelError
from engine.domain.market import Floats
from engine.features import specification as spec
from engine.models.learners.base import Learner
from engine.models.options import TrainOptions
from engine.models.trees import CATEGORICAL, DECISION, FEATURE, LARGEST_TREE, LEFT, RIGHT, Forest, Int32s, chain, leaf


def lightgbm() -> Any:
    """The library, told before its import to let its threads sleep instead of spin."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import lightgbm as library

    return library


class LightGBMBooster:
    """A fitted booster in the words of `Booster`."""

    def __init__(self, booster: Any) -> None:
        self._booster = booster

    def raw(self, rows: Floats) -> Floats:
        scores: Floats = self._booster.predict(rows, raw_score=True, num_threads=1)
        return scores

    def text(self) -> bytes:
        return bytes(self._booster.model_to_string().encode())

    def gain(self) -> Floats:
        gains: Floats = self._booster.feature_importance("gain")
        return gains


class LightGBMFitter:
    """Rows put into bins once and fitted for several labels. Same rows, labels and seed: the same text to the last byte."""

    def __init__(self, rows: Floats, options: TrainOptions, seed: int) -> None:
        self._library = lightgbm()
        self._parameters = _parameters(len(rows), options, seed)
        self._rounds = options.rounds
        self._data = self._library.Dataset(rows, feature_name=list(spec.NAMES), params=self._parameters, free_raw_data=False)

    def fit(self, label: Floats) -> LightGBMBooster:
        self._data.set_label(label)
        return LightGBMBooster(self._library.train(self._parameters, self._data, num_boost_round=self._rounds))


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


def parse(text: str, features: int) -> Forest:
    """The trees in `text`, checked: plain numerical splits on `features` columns, children after parents. Else ModelError."""
    head, *blocks = text.split("\nTree=")
    _check_head(head, features)
    trees = [_tree(_fields(block), features) for block in blocks]
    if not trees:
        raise ModelError("the model text holds no tree; train the model again")
    return chain(trees)


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n\n", 1)[0].splitlines() if "=" in line)


def _check_head(head: str, features: int) -> None:
    fields = _fields(head.replace("\n\n", "\n"))
    expected = {"version": "v4", "num_class": "1", "num_tree_per_iteration": "1", "max_feature_idx": str(features - 1)}
    for name, value in expected.items():
        if fields.get(name) != value:
            raise ModelError(f"the model text says {name}={fields.get(name)}, not {value}; train the model again")
    if not fields.get("objective", "").startswith("binary sigmoid:1") or "average_output" in head:
        raise ModelError("the model text is not a boosted binary classifier; train the model again")


def _tree(fields: dict[str, str], features: int) -> Forest:
    try:
        count = int(fields["num_leaves"])
        if fields.get("num_cat", "0") != "0" or fields.get("is_linear", "0") != "0":
            raise ModelError("the model text has categorical or linear trees, which are not served; train the model again")
        if not 1 <= count <= LARGEST_TREE:
            raise ModelError(f"a tree of the model text has {count} leaves, {LARGEST_TREE} are served; train the model again")
        leaves = np.array(fields["leaf_value"].split(), np.float64)
        if count == 1:
            return leaf(float(leaves[0]))
        columns = ("split_feature", "left_child", "right_child", "decision_type")
        nodes = np.array([fields[name].split() for name in columns], np.int32).T
        thresholds = np.array(fields["threshold"].split(), np.float64)
        node_count = np.array(fields["internal_count"].split(), np.float64)
        leaf_count = np.array(fields["leaf_count"].split(), np.float64)
    except (KeyError, ValueError) as error:
        raise ModelError(f"the model text cannot be read ({error}); train the model again") from error
    _check_tree(nodes, count, features)
    if {len(thresholds), len(node_count)} != {count - 1} or {len(leaves), len(leaf_count)} != {count}:
        raise ModelError("a tree of the model text has lost values; train the model again")
    return Forest(nodes, thresholds, leaves, np.empty(0, np.int32), node_count, leaf_count)


def _check_tree(nodes: Int32s, leaves: int, features: int) -> None:
    """Every child is a later node or a leaf, each reached once, so that a walk always ends inside the arrays."""
    children = nodes[:, [LEFT, RIGHT]]
    own = np.arange(len(nodes))[:, None]
    reached = np.sort(children.ravel())
    if (
        len(nodes) != leaves - 1
        or not np.array_equal(reached, np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)]))
        or bool(((children >= 0) & (children <= own)).any())
        or bool(((nodes[:, FEATURE] < 0) | (nodes[:, FEATURE] >= features)).any())
        or bool((nodes[:, DECISION] & CATEGORICAL).any())
    ):
        raise ModelError("a tree of the model text is not well formed; train the model again")


LEARNER = Learner("lightgbm", "lightgbm", lightgbm, ("long.txt", "short.txt"), LightGBMFitter, parse)
