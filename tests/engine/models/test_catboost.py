"""CatBoost's trees, served by our kernels: the library's own scores and Shapley values, and nothing else of it when trading."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ModelError, UserError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Timeframe
from engine.features import specification as spec
from engine.models import registry
from engine.models.learners.catboost import LEARNER, parse, threshold_of
from engine.models.manifest import TrainedModel
from engine.models.serving import ForestPredictor
from engine.models.shapley import contributions
from engine.models.training import train
from engine.models.trees import raw_score
from tests.engine.models.conftest import OPTIONS, SEED

PROJECT = Path(__file__).parents[3]
LONG_FILE, SHORT_FILE = LEARNER.files
FLOAT32 = st.floats(allow_nan=False, allow_infinity=False, width=32)

catboost = pytest.importorskip("catboost", reason="the catboost extra is not installed")


@pytest.fixture(scope="module")
def model(bars: Bars, gold: Instrument) -> TrainedModel:
    return train(bars, Timeframe.of("M1"), gold, replace(OPTIONS, learner="catboost"), SEED)


@pytest.fixture(scope="module")
def predictor(model: TrainedModel) -> ForestPredictor:
    return ForestPredictor(model)


def library_model(text: bytes, folder: Path) -> Any:
    file = folder / "model.json"
    file.write_bytes(text)
    loaded = catboost.CatBoost()
    loaded.load_model(str(file), format="json")
    return loaded


def served(text: bytes, rows: np.ndarray) -> np.ndarray:
    forest = parse(text.decode(), rows.shape[1])
    return np.array([raw_score(row, *forest[:4], 0, len(forest.roots)) for row in rows])


def test_raw_scores_are_the_librarys_own(model: TrainedModel, table: np.ndarray, tmp_path: Path) -> None:
    for name in LEARNER.files:
        expected = library_model(model.files[name], tmp_path).predict(table, prediction_type="RawFormulaVal", thread_count=1)
        assert np.abs(served(model.files[name], table) - expected).max() < 1e-9
        assert np.ptp(expected) > 0.1


def test_values_on_and_beside_every_border_take_the_turn_the_library_takes(model: TrainedModel, tmp_path: Path) -> None:
    """Float32 rounds the values just above a border down to it: in float64 the turn is taken half a step later."""
    borders = [
        (column["flat_feature_index"], border)
        for column in json.loads(model.files[LONG_FILE])["features_info"]["float_features"]
        for border in column["borders"]
    ]
    rows = []
    for feature, border in borders:
        step = float(np.nextafter(np.float32(border), np.float32(np.inf))) - border
        for value in (border, np.nextafter(border, np.inf), border + step / 2, border + step * 0.500001, border + step):
            rows.append(np.zeros(spec.COUNT))
            rows[-1][feature] = value
    table = np.array(rows)
    expected = library_model(model.files[LONG_FILE], tmp_path).predict(table, prediction_type="RawFormulaVal", thread_count=1)
    assert np.abs(served(model.files[LONG_FILE], table) - expected).max() < 1e-9


@given(FLOAT32, st.integers(-3, 3))
def test_the_threshold_parts_float64_as_the_border_parts_float32(border: float, steps: int) -> None:
    value = threshold_of(border)
    for _ in range(abs(steps)):
        value = float(np.nextafter(value, np.inf if steps > 0 else -np.inf))
    with np.errstate(over="ignore"):
        rounded = np.float32(value)
    assert (value <= threshold_of(border)) == bool(rounded <= np.float32(border))


def test_contributions_are_the_librarys_shapley_values(model: TrainedModel, table: np.ndarray, tmp_path: Path) -> None:
    for name in LEARNER.files:
        pool = catboost.Pool(table[:60], feature_names=list(spec.NAMES))
        expected = library_model(model.files[name], tmp_path).get_feature_importance(pool, type="ShapValues", thread_count=1)
        forest = parse(model.files[name].decode(), spec.COUNT)
        for row, values in zip(table, expected, strict=False):
            parts = np.zeros(spec.COUNT)
            base = contributions(row, forest, 0, len(forest.roots), parts)
            assert np.allclose(parts, values[:-1], atol=1e-6)
            assert base == pytest.approx(values[-1], abs=1e-6)


def test_base_and_contributions_add_up_to_the_prediction(predictor: ForestPredictor, table: np.ndarray) -> None:
    for row in table[:50]:
        for side, probability in zip((1, -1), predictor.predict(row), strict=True):
            base, parts = predictor.contributions(row, side)
            assert 1 / (1 + np.exp(-(base + parts.sum()))) == pytest.approx(probability, abs=1e-12)


def test_missing_values_take_the_turn_the_library_takes(tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    for treatment in ("Min", "Max"):
        rows = random.normal(size=(2_000, 4))
        rows[random.random(rows.shape) < 0.2] = np.nan
        label = (np.nan_to_num(rows[:, 0], nan=2.0) + np.nan_to_num(rows[:, 1], nan=-2.0) > 0).astype(float)
        options = {"loss_function": "Logloss", "iterations": 10, "depth": 3, "nan_mode": treatment, "logging_level": "Silent"}
        fitted = catboost.CatBoost({**options, "thread_count": 1, "allow_writing_files": False}).fit(rows, label)
        fitted.save_model(str(tmp_path / "model.json"), format="json")
        text = (tmp_path / "model.json").read_bytes()
        expected = fitted.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
        assert np.abs(served(text, rows) - expected).max() < 1e-9


def test_the_same_bars_options_and_seed_give_the_same_model_to_the_byte(
    model: TrainedModel, bars: Bars, gold: Instrument
) -> None:
    again = train(bars, Timeframe.of("M1"), gold, replace(OPTIONS, learner="catboost"), SEED)
    assert again.files == model.files
    assert again.sha256 == model.sha256


def test_the_manifest_names_the_learner_and_its_version(model: TrainedModel) -> None:
    assert model.manifest["kind"] == "catboost"
    assert set(model.manifest["libraries"]) == {"catboost", "numpy"}
    assert set(model.manifest["files"]) == {"long.json", "short.json"}
    assert sum(model.manifest["importance"].values()) == pytest.approx(1.0)


def test_a_stored_model_is_served_without_its_library(model: TrainedModel, table: np.ndarray, tmp_path: Path) -> None:
    place = registry.save(model, tmp_path)
    program = (
        "import sys, numpy as np; from engine.models import registry; p = registry.load(sys.argv[1]); "
        "row = np.zeros(49); p.predict(row); p.explain(row, 1); "
        "print(sorted({'catboost', 'lightgbm', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.strip() == "[]"
    assert registry.load(place).predict(table[0]) == ForestPredictor(model).predict(table[0])


def test_one_changed_byte_is_refused_before_anything_is_parsed(model: TrainedModel, tmp_path: Path) -> None:
    place = registry.save(model, tmp_path)
    (place / SHORT_FILE).write_bytes(model.files[SHORT_FILE].replace(b"0", b"1", 1))
    with pytest.raises(ModelError, match=r"short\.json is not the file its manifest vouches for"):
        registry.load(place)


def broken(text: bytes, change: Any) -> str:
    whole = json.loads(text)
    change(whole)
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda whole: whole["oblivious_trees"].clear(), "holds no tree"),
        (lambda whole: whole.pop("scale_and_bias"), "cannot be read"),
        (lambda whole: whole["features_info"].update(categorical_features=[{}]), "not of 49 plain features"),
        (lambda whole: whole["features_info"]["float_features"].pop(), "of 49 plain features; train"),
        (lambda whole: whole["oblivious_trees"][0]["leaf_values"].pop(), "lost values"),
        (lambda whole: whole["oblivious_trees"][0]["splits"][0].update(split_type="OneHotFeature"), "not well formed"),
        (lambda whole: whole["oblivious_trees"][0]["splits"][0].update(float_feature_index=49), "a feature there is not"),
        (lambda whole: whole["oblivious_trees"][0]["splits"][0].update(border=0.1), "no float32"),
        (lambda whole: whole["oblivious_trees"][0]["splits"].extend([{}] * 9), "deep, 6 are served"),
        (lambda whole: whole["oblivious_trees"][0]["leaf_values"].__setitem__(0, float("nan")), "not a number"),
        (lambda whole: whole.update(oblivious_trees=5), "cannot be read .*TypeError"),
    ],
)
def test_a_text_that_was_tampered_with_is_refused_not_walked(model: TrainedModel, change: Any, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        parse(broken(model.files[LONG_FILE], change), spec.COUNT)


def test_scale_and_bias_are_part_of_the_score(model: TrainedModel, table: np.ndarray, tmp_path: Path) -> None:
    text = broken(model.files[LONG_FILE], lambda whole: whole.update(scale_and_bias=[0.5, [0.25]])).encode()
    expected = library_model(text, tmp_path).predict(table[:50], prediction_type="RawFormulaVal", thread_count=1)
    assert np.abs(served(text, table[:50]) - expected).max() < 1e-9


def test_a_library_that_is_missing_is_told_with_what_to_do() -> None:
    absent = replace(LEARNER, distribution="a_library_nobody_has", library=lambda: import_module("a_library_nobody_has"))
    for ask in (absent.load, absent.versions):
        with pytest.raises(UserError, match=r"a_library_nobody_has, which is not installed; .*--extra catboost.*lightgbm"):
            ask()
