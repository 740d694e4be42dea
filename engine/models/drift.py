"""Watching for drift: how far live feature rows have moved from those the model was trained on."""

from __future__ import annotations

import numpy as np

from engine.domain.market import Floats

BINS = 10
_LEAST_SHARE = 1e-4
STABLE, SHIFTED = 0.1, 0.25
"""The customary reading of the index: below the first nothing moved, above the second the model should be trained again."""


def deciles(rows: Floats) -> list[list[float]]:
    """Per feature the nine values that cut the training rows (n, k) into ten equal shares."""
    cuts = np.quantile(rows, np.linspace(0, 1, BINS + 1)[1:-1], axis=0)
    return [[float(value) for value in column] for column in cuts.T]


def shares(rows: Floats, edges: list[list[float]]) -> Floats:
    """Share of the rows in each bin, shape (k, BINS); a value on an edge counts to the bin above."""
    counts = [np.bincount(np.searchsorted(cuts, rows[:, i], side="right"), minlength=BINS) for i, cuts in enumerate(edges)]
    return np.asarray(counts, np.float64) / max(1, len(rows))


def stability_index(expected: Floats, seen: Floats) -> Floats:
    """Population stability index per feature: sum over bins of (seen - expected) x ln(seen / expected), 0 = nothing moved.

    `expected` and `seen` are shares (k, BINS); an empty bin counts as 0.01 %.
    """
    expected, seen = np.maximum(expected, _LEAST_SHARE), np.maximum(seen, _LEAST_SHARE)
    index: Floats = np.sum((seen - expected) * np.log(seen / expected), axis=1)
    return index
