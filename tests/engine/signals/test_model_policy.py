"""The model's policy: the likelier side, when it is likely enough, between the barriers the model was trained on."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import ModelError
from engine.domain.market import Floats, Quote
from engine.domain.order import Side
from engine.signals.model_policy import ModelPolicy
from tests.engine.rig import GOLD

QUOTE = Quote("XAUUSD", 0, 200_000, 200_020)
ROW = np.zeros(3)


class Oracle:
    """A predictor that was told what to say."""

    sha256 = "abc"

    def __init__(self, long: float, short: float) -> None:
        self.says = long, short

    def predict(self, row: Floats) -> tuple[float, float]:
        if row[0]:
            raise ModelError("not with this row")
        return self.says

    def explain(self, row: Floats, side: int, top: int = 6) -> tuple[float, tuple[tuple[str, float, float], ...]]:
        return float(side), (("a", 1.0, 0.5),)


def policy(long: float, short: float) -> ModelPolicy:
    return ModelPolicy(GOLD, Oracle(long, short), 0.55, 2.0, 1.5)


@pytest.mark.parametrize(
    ("long", "short", "side"),
    [(0.6, 0.3, Side.BUY), (0.3, 0.6, Side.SELL), (0.6, 0.6, Side.BUY), (0.55, 0.1, Side.BUY), (0.549, 0.2, None)],
)
def test_the_likelier_side_is_proposed_at_or_over_the_threshold(long: float, short: float, side: Side | None) -> None:
    proposal = policy(long, short).decide(ROW, 1.0, QUOTE)
    assert (proposal.side if proposal else None) is side


def test_stop_and_target_lie_in_atr_around_the_touch() -> None:
    proposal = policy(0.2, 0.7).decide(ROW, 1.25, QUOTE)
    assert proposal is not None
    assert (proposal.reference, proposal.stop, proposal.target, proposal.probability) == (200_000, 200_250, 199_625, 0.7)


def test_without_a_row_or_a_prediction_there_is_no_proposal() -> None:
    assert policy(0.9, 0.1).decide(None, 1.0, QUOTE) is None
    assert policy(0.9, 0.1).decide(np.ones(3), 1.0, QUOTE) is None


def test_an_explanation_is_of_the_side_that_was_proposed() -> None:
    assert policy(0.9, 0.1).explain(ROW, Side.SELL) == (-1.0, (("a", 1.0, 0.5),))
    assert policy(0.9, 0.1).explain(None, Side.SELL) == (0.0, ())
