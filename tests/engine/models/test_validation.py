"""Folds never learn from what overlaps their test."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.models import calibration, drift, metrics
from engine.models.validation import walk_forward


@given(st.lists(st.integers(1, 40), min_size=50, max_size=200), st.integers(2, 6), st.integers(0, 30))
def test_every_training_label_is_over_an_embargo_before_its_test(durations: list[int], folds: int, embargo: int) -> None:
    bar = np.arange(len(durations)) + 256
    end = bar + np.array(durations)
    result = walk_forward(bar, end, folds, embargo)
    for fold in result:
        first = bar[fold.test[0]]
        assert (end[fold.train] < first - embargo).all()
        assert len(fold.train) + fold.purged == fold.test[0]
        left_out = np.setdiff1d(np.arange(fold.test[0]), fold.train)
        assert (end[left_out] >= first - embargo).all()
    tested = np.concatenate([fold.test for fold in result])
    assert np.array_equal(tested, np.arange(tested[0], len(bar)))


def test_calibration_finds_the_sigmoid_the_labels_came_from() -> None:
    random = np.random.default_rng(5)
    raw = random.normal(0, 2, 60_000)
    label = (random.random(60_000) < calibration.sigmoid(0.6 * raw - 0.9)).astype(np.float64)
    fitted = calibration.fit(raw, label)
    assert abs(fitted.slope - 0.6) < 0.02
    assert abs(fitted.intercept + 0.9) < 0.03


def test_scores_that_rank_the_wrong_way_keep_their_order_and_the_base_rate() -> None:
    random = np.random.default_rng(5)
    raw = random.normal(0, 2, 20_000)
    label = (random.random(20_000) < calibration.sigmoid(-raw)).astype(np.float64)
    fitted = calibration.fit(raw, label)
    assert fitted.slope == calibration.LEAST_SLOPE
    assert abs(fitted(raw).mean() - label.mean()) < 1e-3


def test_calibration_of_scores_that_separate_perfectly_stays_finite() -> None:
    raw = np.concatenate([np.full(500, -3.0), np.full(500, 3.0)])
    fitted = calibration.fit(raw, (raw > 0).astype(np.float64))
    assert np.isfinite(fitted).all()
    assert 0.99 < fitted(np.array([3.0]))[0] < 1.0


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs: list[tuple[int, bool]]) -> None:
    score, label = np.array([float(s) for s, _ in pairs]), np.array([float(hit) for _, hit in pairs])
    hits, misses = score[label == 1], score[label == 0]
    ordered = [(h > m) + 0.5 * (h == m) for h in hits for m in misses]
    expected = np.mean(ordered) if ordered else 0.5
    assert abs(metrics.auc(score, label) - expected) < 1e-12


def test_a_sure_and_right_forecast_costs_nothing() -> None:
    label = np.array([0.0, 1.0, 1.0])
    assert metrics.log_loss(label, label) < 1e-9
    assert metrics.brier(label, label) == 0.0


def test_rows_like_those_of_training_show_no_drift_and_shifted_ones_do() -> None:
    random = np.random.default_rng(2)
    trained = random.normal(size=(5_000, 2))
    edges = drift.deciles(trained)
    expected = drift.shares(trained, edges)
    assert np.allclose(expected, 0.1, atol=0.001)
    same, moved = random.normal(size=(2_000, 2)), random.normal([0.0, 1.0], size=(2_000, 2))
    assert (drift.stability_index(expected, drift.shares(same, edges)) < drift.STABLE).all()
    index = drift.stability_index(expected, drift.shares(moved, edges))
    assert index[0] < drift.STABLE
    assert index[1] > drift.SHIFTED
