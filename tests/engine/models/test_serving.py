"""Serving equals the library that trained the model, without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import ModelError
from engine.domain.market import Bars
from engine.features import specification as spec
from engine.features.live import FeatureBuilder
from engine.models import registry
from engine.models.learners.lightgbm import LEARNER, lightgbm, parse
from engine.models.manifest import TrainedModel
from engine.models.serving import ForestPredictor
from engine.models.shapley import contributions
from engine.models.trees import Forest, raw_score

LONG_FILE, SHORT_FILE = LEARNER.files
PROJECT = Path(__file__).parents[3]


def served(forest: Forest, row: np.ndarray) -> float:
    return raw_score(row, *forest[:4], 0, len(forest.roots))


def booster(text: bytes) -> object:
    return lightgbm().Booster(model_str=text.decode())


def test_raw_scores_are_the_librarys_own_to_the_last_bit(model: TrainedModel, table: np.ndarray) -> None:
    for name in (LONG_FILE, SHORT_FILE):
        forest = parse(model.files[name].decode(), spec.COUNT)
        expected = booster(model.files[name]).predict(table[:500], raw_score=True, num_threads=1)
        assert [served(forest, row) for row in table[:500]] == expected.tolist()


@pytest.mark.parametrize("zero_as_missing", [False, True])
def test_missing_values_take_the_turn_the_library_takes(zero_as_missing: bool) -> None:
    random = np.random.default_rng(9)
    table = random.normal(size=(3_000, 4))
    table[random.random(table.shape) < 0.2] = 0.0 if zero_as_missing else np.nan
    label = (np.nan_to_num(table[:, 0], nan=-3.0) + np.nan_to_num(table[:, 1], nan=2.0) > 0).astype(float)
    library = lightgbm()
    options = {
        "objective": "binary",
        "verbosity": -1,
        "num_threads": 1,
        "zero_as_missing": zero_as_missing,
        "min_data_in_leaf": 5,
    }
    text = library.train(options, library.Dataset(table, label), num_boost_round=30).model_to_string()
    table[::7, 2] = np.nan
    table[::11, 3] = 0.0
    expected = library.Booster(model_str=text).predict(table, raw_score=True, num_threads=1)
    forest = parse(text, 4)
    assert [served(forest, row) for row in table] == expected.tolist()


def test_contributions_are_the_librarys_shapley_values(
    model: TrainedModel, predictor: ForestPredictor, table: np.ndarray
) -> None:
    slope, intercept = (model.manifest["calibration"][name] for name in ("slope", "intercept"))
    for name, side in ((LONG_FILE, 1), (SHORT_FILE, -1)):
        expected = booster(model.files[name]).predict(table[:40], pred_contrib=True, num_threads=1)
        for row, values in zip(table, expected, strict=False):
            base, parts = predictor.contributions(row, side)
            assert np.allclose(parts, slope * values[:-1], atol=1e-12)
            assert base == pytest.approx(slope * values[-1] + intercept, abs=1e-12)


def test_base_and_contributions_add_up_to_the_prediction(predictor: ForestPredictor, table: np.ndarray) -> None:
    for row in table[:50]:
        for side, probability in zip((1, -1), predictor.predict(row), strict=True):
            base, parts = predictor.contributions(row, side)
            assert 1 / (1 + np.exp(-(base + parts.sum()))) == pytest.approx(probability, abs=1e-12)


def test_a_feature_used_twice_on_a_path_is_paid_once() -> None:
    """One feature, two splits: all of the difference from the mean is its own."""
    library = lightgbm()
    table = np.linspace(0, 1, 400)[:, None]
    label = ((table[:, 0] > 0.3) & (table[:, 0] < 0.6)).astype(float)
    text = library.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1, "num_leaves": 4}, library.Dataset(table, label), 5
    )
    forest = parse(text.model_to_string(), 1)
    for value in (0.1, 0.45, 0.9):
        row, parts = np.array([value]), np.zeros(1)
        base = contributions(row, forest, 0, len(forest.roots), parts)
        assert base + parts[0] == pytest.approx(served(forest, row), abs=1e-12)


def test_the_explanation_names_the_strongest_first(predictor: ForestPredictor, table: np.ndarray) -> None:
    base, reasons = predictor.explain(table[3], -1, top=4)
    expected_base, parts = predictor.contributions(table[3], -1)
    assert base == expected_base
    sizes = [abs(part) for _, _, part in reasons]
    assert sizes == sorted(np.abs(parts), reverse=True)[:4]
    name, value, part = reasons[0]
    assert value == table[3][spec.NAMES.index(name)]
    assert part == parts[spec.NAMES.index(name)]


def test_a_live_builder_feeds_the_predictor(predictor: ForestPredictor, bars: Bars, table: np.ndarray) -> None:
    builder = FeatureBuilder()
    builder.warm(bars[: spec.WARMUP + 5])
    assert builder.last_row is not None
    assert predictor.predict(builder.last_row) == predictor.predict(table[4])


def test_a_row_with_a_hole_or_of_another_length_is_refused(predictor: ForestPredictor, table: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"has 49 values, not the shape \(48,\)"):
        predictor.predict(table[0][:-1])
    for bad in (np.nan, np.inf):
        row = table[0].copy()
        row[17] = bad
        with pytest.raises(ModelError, match="not a number"):
            predictor.predict(row)


def test_drift_is_told_by_feature(predictor: ForestPredictor, table: np.ndarray) -> None:
    calm = predictor.drift(table)
    assert max(calm.values()) < 0.01
    moved = table.copy()
    moved[:, spec.NAMES.index("rsi")] += 0.5
    assert max(predictor.drift(moved), key=predictor.drift(moved).__getitem__) == "rsi"


def test_serving_needs_no_training_library(model: TrainedModel, tmp_path: Path) -> None:
    place = registry.save(model, tmp_path)
    program = (
        "import sys, numpy as np; from engine.models import registry; p = registry.load(sys.argv[1]); "
        "row = np.zeros(49); p.predict(row); p.explain(row, 1); "
        "print(sorted({'lightgbm', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("objective=binary", "objective=regression", "not a boosted binary classifier"),
        ("version=v4", "version=v3", "version=v3, not v4"),
        ("max_feature_idx=48", "max_feature_idx=9", "max_feature_idx=9"),
        ("num_cat=0", "num_cat=1", "categorical"),
        ("left_child=1", "left_child=0", "not well formed"),
        ("split_feature=", "split_feature=49 ", "cannot be read|not well formed"),
        ("leaf_value=", "leaf_value=0.5 ", "lost values"),
        ("threshold=", "threshold=x ", "cannot be read"),
        ("num_leaves=15", "num_leaves=1500", "1500 leaves, 64 are served"),
    ],
)
def test_a_text_that_was_tampered_with_is_refused_not_walked(model: TrainedModel, old: str, new: str, sentence: str) -> None:
    text = model.files[LONG_FILE].decode()
    assert old in text
    with pytest.raises(ModelError, match=sentence):
        parse(text.replace(old, new), spec.COUNT)


def test_a_tree_without_a_split_adds_its_one_leaf() -> None:
    library = lightgbm()
    data = library.Dataset(np.zeros((200, 2)), np.arange(200) % 4 == 0)
    text = library.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 3).model_to_string()
    forest, row, parts = parse(text, 2), np.zeros(2), np.zeros(2)
    expected = library.Booster(model_str=text).predict(row[None, :], raw_score=True)[0]
    assert served(forest, row) == expected
    assert contributions(row, forest, 0, len(forest.roots), parts) == expected
    assert not parts.any()


def test_a_text_without_trees_is_refused(model: TrainedModel) -> None:
    with pytest.raises(ModelError, match="holds no tree"):
        parse(model.files[LONG_FILE].decode().split("\nTree=")[0], spec.COUNT)
