"""Purged, embargoed walk-forward: every test block is predicted by a model that has only seen what was over before it.

Method: M. Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7; here training rows
always lie before the test block.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from engine.domain.market import Ints


class Fold(NamedTuple):
    """Positions of training and test rows; `purged` rows were left out between them."""

    train: Ints
    test: Ints
    purged: int


def walk_forward(bar: Ints, end: Ints, folds: int, embargo: int) -> list[Fold]:
    """`folds` folds over rows of ascending `bar` index, whose labels are known at bar `end`.

    The rows are cut into folds + 1 blocks of equal length; block k + 1 is tested by what came before it. A training row's label
    must have ended more than `embargo` bars before the first test bar.
    """
    edges = np.linspace(0, len(bar), folds + 2).astype(np.int64)
    result = []
    for start, stop in pairwise(edges[1:]):
        before = np.arange(start)
        train = before[end[:start] < bar[start] - embargo]
        result.append(Fold(train, np.arange(start, stop), int(start) - len(train)))
    return result
