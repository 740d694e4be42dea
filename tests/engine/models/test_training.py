"""Training: deterministic, honest about what it has seen, and quick to refuse what cannot be learned from."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import ConfigError, ModelError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Timeframe
from engine.features import specification as spec
from engine.models.dataset import build, data_sha256
from engine.models.manifest import TrainedModel, canonical
from engine.models.options import TrainOptions
from engine.models.training import train
from tests.engine.features.markets import wandering_bars
from tests.engine.models.conftest import OPTIONS, SEED

M1 = Timeframe.of("M1")


def test_the_same_bars_options_and_seed_give_the_same_model_to_the_byte(
    model: TrainedModel, bars: Bars, gold: Instrument
) -> None:
    again = train(bars, M1, gold, OPTIONS, SEED)
    assert again.files == model.files
    assert canonical(again.manifest) == canonical(model.manifest)
    assert again.sha256 == model.sha256


def test_another_seed_gives_another_model(model: TrainedModel, bars: Bars, gold: Instrument) -> None:
    assert train(bars, M1, gold, OPTIONS, SEED + 1).files != model.files


def test_a_strong_pattern_is_learned_and_its_probabilities_are_true(gold: Instrument) -> None:
    """Every 200 bars the market turns between rising and falling, so the recent past tells the near future."""
    bars = wandering_bars(6_000, seed=3)
    trend = np.cumsum(np.where(np.arange(6_000) // 200 % 2 == 0, 0.25, -0.25))
    bars = replace(bars, **{name: getattr(bars, name) + trend for name in ("open", "high", "low", "close")})
    report = train(bars, M1, gold, OPTIONS, SEED).manifest["metrics"]
    for side in ("long", "short"):
        after = report[side]["calibrated"]
        assert after["auc"] > 0.7
        assert abs(after["mean"] - after["base_rate"]) < 0.1
        assert after["log_loss"] < 0.95 * _entropy(after["base_rate"])
    best = report["thresholds"][3]
    assert best["hit_rate"] > 0.6
    assert best["mean_r"] > 0.5


def _entropy(rate: float) -> float:
    return -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)


def test_the_manifest_says_what_the_model_was_made_of(model: TrainedModel, bars: Bars) -> None:
    manifest = model.manifest
    assert manifest["data"]["sha256"] == data_sha256(bars)
    assert manifest["data"]["bars"] == len(bars)
    assert manifest["data"]["from"] == "2024-03-04T00:00:00Z"
    assert manifest["features"] == {"sha256": spec.sha256(), "version": spec.VERSION, "names": list(spec.NAMES)}
    assert manifest["training"]["stop_atr"] == OPTIONS.stop_atr
    assert manifest["seed"] == SEED
    assert manifest["break_even"] == pytest.approx(0.4)
    assert manifest["created_from"] == "a random walk"
    assert sum(manifest["importance"].values()) == pytest.approx(1.0)
    assert [fold["purged"] > 0 for fold in manifest["metrics"]["folds"]] == [True] * OPTIONS.folds
    assert json.loads(canonical(manifest)) == manifest


def test_the_suggested_threshold_lets_the_asked_share_of_bars_through(bars: Bars, gold: Instrument) -> None:
    rare, frequent = (train(bars, M1, gold, replace(OPTIONS, signal_rate=rate), SEED).suggested_threshold for rate in (0.01, 0.2))
    assert frequent < rare


def test_progress_only_goes_forward_and_ends_at_one(bars: Bars, gold: Instrument) -> None:
    told: list[tuple[float, str]] = []
    train(bars, M1, gold, OPTIONS, SEED, lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "fold 3 of 3" in [words for _, words in told]


def test_too_few_bars_are_refused_with_their_number(gold: Instrument) -> None:
    with pytest.raises(ModelError, match=r"900 bars leave \d+ rows to learn from, 1,000 are needed"):
        train(wandering_bars(900), M1, gold, OPTIONS, SEED)


def test_trades_that_all_end_alike_are_refused(gold: Instrument) -> None:
    bars = wandering_bars(3_000)
    flat = np.full(3_000, 1_800.0)
    with pytest.raises(ModelError, match="every long of XAUUSD ended alike"):
        train(replace(bars, open=flat, high=flat, low=flat, close=flat), M1, gold, OPTIONS, SEED)


@pytest.mark.parametrize("wrong", [{"folds": 1}, {"stop_atr": 0.0}, {"signal_rate": 1.0}, {"leaves": 65}, {"horizon": 0}])
def test_an_impossible_option_is_named(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        TrainOptions(**wrong)  # type: ignore[arg-type]  # one of them is wrong on purpose


def test_a_training_set_holds_no_row_whose_outcome_the_data_does_not_show(bars: Bars, gold: Instrument) -> None:
    data = build(bars, gold, OPTIONS)
    assert np.isfinite(data.rows).all()
    assert data.bar[0] == spec.WARMUP
    assert (data.end > data.bar).all()
    assert (data.end < len(bars)).all()
