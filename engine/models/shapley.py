"""Why a forest says what it says: exact Shapley values of one row, conditional on the paths of its trees.

A leaf pays its value to the features on its path: with the features S of a coalition known and the others averaged by the
training rows that came by, the leaf is reached with the product of o (known: 1 if the row takes the turn, else 0) and z (not
known: share of the rows that took it). Shapley's weights over all S give each feature its part. Sums over S are kept by their
size, as a polynomial. S. Lundberg, G. Erion, S.-I. Lee, Consistent Individualized Feature Attribution for Tree Ensembles (2018).
"""

from __future__ import annotations

import numpy as np

from engine.core.cache import kernel, part
from engine.domain.market import Floats
from engine.models.trees import LARGEST_TREE, Forest, Int32s, goes_left

_DEEPEST = LARGEST_TREE


@part
def _pay_leaf(value: float, count: int, known: Floats, shared: Floats, features: Int32s, sums: Floats, out: Floats) -> None:
    """Adds the parts of one leaf to `out`; its path has `count` distinct features with o in `known` and z in `shared`."""
    for mine in range(count):
        sums[:count] = 0.0
        sums[0] = 1.0
        size = 0
        for other in range(count):
            if other == mine:
                continue
            for k in range(size, -1, -1):
                sums[k + 1] += sums[k] * known[other]
                sums[k] *= shared[other]
            size += 1
        weight, total = 1.0 / count, 0.0
        for k in range(count):
            total += weight * sums[k]
            weight *= (k + 1.0) / (count - 1.0 - k) if k < count - 1 else 0.0
        out[features[mine]] += value * (known[mine] - shared[mine]) * total


@part
def _gather(
    row: Floats,
    forest: Forest,
    path: Int32s,
    turn: Int32s,
    depth: int,
    known: Floats,
    shared: Floats,
    features: Int32s,
) -> tuple[int, float]:
    """Fills o and z of the distinct features on the path down to the leaf; their number and the product of all z."""
    nodes, thresholds, _, _, node_count, leaf_count = forest
    count, reach = 0, 1.0
    for level in range(depth + 1):
        here, went_left = path[level], turn[level] == 1
        below = nodes[here, 1] if went_left else nodes[here, 2]
        came = node_count[below] if below >= 0 else leaf_count[~below]
        share = came / node_count[here]
        taken = 1.0 if goes_left(row[nodes[here, 0]], thresholds[here], nodes[here, 3]) == went_left else 0.0
        reach *= share
        slot = 0
        while slot < count and features[slot] != nodes[here, 0]:
            slot += 1
        if slot == count:
            features[slot], known[slot], shared[slot] = nodes[here, 0], 1.0, 1.0
            count += 1
        known[slot] *= taken
        shared[slot] *= share
    return count, reach


@kernel
def contributions(row: Floats, forest: Forest, first: int, stop: int, out: Floats) -> float:
    """Adds to `out` each feature's part in the raw score of `row`; returns the base, so that base + sum = raw score.

    Explained are the trees of `forest` from `first` to `stop`.
    """
    nodes, _, leaves, roots, _, _ = forest
    known, shared, sums = np.empty(_DEEPEST), np.empty(_DEEPEST), np.empty(_DEEPEST + 1)
    features = np.empty(_DEEPEST, np.int32)
    path, turn = np.empty(_DEEPEST, np.int32), np.empty(_DEEPEST, np.int32)
    base = 0.0
    for tree in range(first, stop):
        if roots[tree] < 0:
            base += leaves[~roots[tree]]
            continue
        depth = 0
        path[0], turn[0] = roots[tree], 0
        while depth >= 0:
            if turn[depth] == 2:
                depth -= 1
                continue
            child = nodes[path[depth], 1 + turn[depth]]
            turn[depth] += 1
            if child >= 0:
                depth += 1
                path[depth], turn[depth] = child, 0
            else:
                count, reach = _gather(row, forest, path, turn, depth, known, shared, features)
                base += leaves[~child] * reach
                _pay_leaf(leaves[~child], count, known, shared, features, sums, out)
    return base
