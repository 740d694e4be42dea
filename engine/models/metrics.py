"""How good predictions are: ranking, calibration, and what a threshold would have let through."""

from __future__ import annotations

import numpy as np

from engine.domain.market import Floats


def auc(score: Floats, label: Floats) -> float:
    """The chance that a hit scores above a miss, ties half; 0.5 where one of them is missing."""
    hits = int(label.sum())
    misses = len(label) - hits
    if not hits or not misses:
        return 0.5
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = float(mean_rank[place][label > 0.5].sum())
    return (rank_sum - hits * (hits + 1) / 2) / (hits * misses)


def log_loss(probability: Floats, label: Floats) -> float:
    """Mean negative log-likelihood, in nats."""
    bounded = np.clip(probability, 1e-12, 1 - 1e-12)
    return float(-np.mean(np.where(label > 0.5, np.log(bounded), np.log1p(-bounded))))


def brier(probability: Floats, label: Floats) -> float:
    """Mean squared error of the probability."""
    return float(np.mean((probability - label) ** 2))


def quality(probability: Floats, label: Floats) -> dict[str, float]:
    """AUC, log loss, Brier score, mean prediction and base rate."""
    return {
        "auc": auc(probability, label),
        "log_loss": log_loss(probability, label),
        "brier": brier(probability, label),
        "mean": float(probability.mean()),
        "base_rate": float(label.mean()),
    }


def threshold_for(best: Floats, rate: float) -> float:
    """The probability that a share `rate` of all bars reaches with its better side."""
    return float(np.quantile(best, 1 - rate))


def threshold_table(
    long: Floats, short: Floats, long_label: Floats, short_label: Floats, reward_risk: float
) -> list[dict[str, float]]:
    """For a row of thresholds: signals per 1,000 bars, share that met the target first, and mean result in R before costs."""
    best = np.maximum(long, short)
    hit = np.where(long >= short, long_label, short_label)
    table = []
    for rate in (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25):
        threshold = threshold_for(best, rate)
        chosen = hit[best >= threshold]
        share = float(chosen.mean())
        table.append(
            {
                "threshold": threshold,
                "signals_per_1000": 1000 * len(chosen) / len(best),
                "hit_rate": share,
                "mean_r": share * reward_risk - (1 - share),
            }
        )
    return table
