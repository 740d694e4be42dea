"""A LightGBM text as flat arrays, and the kernels that walk them: the same sums as the library's own, without the library.

The text is what `Booster.model_to_string` writes (format v4): blocks of `name=values` lines, a block a tree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.core.cache import kernel, part
from engine.core.errors import ModelError
from engine.domain.market import Floats

Int32s = npt.NDArray[np.int32]

FEATURE, LEFT, RIGHT, DECISION = range(4)
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_MISSING_ZERO, _MISSING_NAN = 1, 2
LARGEST_TREE = 64
"""Leaves a tree may have; the path buffers of `shapley` are as long."""
_ZERO = 1e-35
"""LightGBM's kZeroThreshold: what counts as zero where zeros stand for missing values."""


class Forest(NamedTuple):
    """Trees as arrays. `nodes` int32 (n, 4): feature, left, right (a child below zero is leaf ~child), decision bits.

    `roots` has a node (or ~leaf) per tree; `node_count` and `leaf_count` are the training rows that came by.
    """

    nodes: Int32s
    thresholds: Floats
    leaves: Floats
    roots: Int32s
    node_count: Floats
    leaf_count: Floats


def parse(text: str, features: int) -> Forest:
    """The trees in `text`, checked: plain numerical splits on `features` columns, children after parents. Else ModelError."""
    head, *blocks = text.split("\nTree=")
    _check_head(head, features)
    trees = [_tree(_fields(block), features) for block in blocks]
    if not trees:
        raise ModelError("the model text holds no tree; train the model again")
    nodes, leaves = 0, 0
    parts: list[Forest] = []
    for tree in trees:
        moved = tree.nodes.copy()
        for side in (LEFT, RIGHT):
            child = tree.nodes[:, side]
            moved[:, side] = np.where(child >= 0, child + nodes, child - leaves)
        root = nodes if len(tree.nodes) else ~leaves
        parts.append(tree._replace(nodes=moved, roots=np.array([root], np.int32)))
        nodes, leaves = nodes + len(tree.nodes), leaves + len(tree.leaves)
    return join(parts)


def join(parts: list[Forest]) -> Forest:
    """Arrays one after the other; their indices must already fit."""
    return Forest(*(np.ascontiguousarray(np.concatenate(column)) for column in zip(*parts, strict=True)))


def stack(first: Forest, second: Forest) -> Forest:
    """Two forests in one set of arrays; the roots of the second follow those of the first."""
    nodes, leaves = len(first.nodes), len(first.leaves)
    moved = second.nodes.copy()
    for side in (LEFT, RIGHT):
        moved[:, side] = np.where(moved[:, side] >= 0, moved[:, side] + nodes, moved[:, side] - leaves)
    roots = np.where(second.roots >= 0, second.roots + nodes, second.roots - leaves).astype(np.int32)
    return join([first, second._replace(nodes=moved, roots=roots)])


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
            return Forest(np.empty((0, 4), np.int32), np.empty(0), leaves[:1], np.empty(0, np.int32), np.empty(0), np.ones(1))
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
        or bool((nodes[:, DECISION] & _CATEGORICAL).any())
    ):
        raise ModelError("a tree of the model text is not well formed; train the model again")


@part
def goes_left(value: float, threshold: float, decision: int) -> bool:
    """LightGBM's numerical decision: `decision` bit 1 = missing goes left, bits 2-3 = what counts as missing."""
    missing = (decision >> 2) & 3
    if value != value and missing != _MISSING_NAN:
        value = 0.0
    if (missing == _MISSING_ZERO and -_ZERO < value <= _ZERO) or (missing == _MISSING_NAN and value != value):
        return decision & _DEFAULT_LEFT != 0
    return value <= threshold


@kernel
def raw_score(row: Floats, nodes: Int32s, thresholds: Floats, leaves: Floats, roots: Int32s, first: int, stop: int) -> float:
    """Sum of the leaves that `row` falls into, of the trees from `first` to `stop`, in their order."""
    total = 0.0
    for tree in range(first, stop):
        node = roots[tree]
        while node >= 0:
            left = goes_left(row[nodes[node, 0]], thresholds[node], nodes[node, 3])
            node = nodes[node, 1] if left else nodes[node, 2]
        total += leaves[~node]
    return total
