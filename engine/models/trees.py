"""Trees as flat arrays, and the kernels that walk them: the same sums as a training library's own, without the library."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.core.cache import kernel, part
from engine.domain.market import Floats

Int32s = npt.NDArray[np.int32]

FEATURE, LEFT, RIGHT, DECISION = range(4)
CATEGORICAL, _DEFAULT_LEFT = 1, 2
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


def chain(trees: list[Forest]) -> Forest:
    """Single trees, each with indices of its own and its root first, one after the other."""
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


def leaf(value: float) -> Forest:
    """A tree without a split, for `chain`."""
    none = np.empty(0)
    return Forest(np.empty((0, 4), np.int32), none, np.array([value]), np.empty(0, np.int32), none, np.ones(1))


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
