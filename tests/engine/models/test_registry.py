"""Models on disk are what their manifest vouches for, or they are not loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import ModelError
from engine.features import specification as spec
from engine.models import registry
from engine.models.learners.lightgbm import LEARNER
from engine.models.manifest import FILE_NAME, TrainedModel, canonical, file_hashes
from engine.models.serving import ForestPredictor

LONG_FILE, _SHORT = LEARNER.files


@pytest.fixture
def place(model: TrainedModel, tmp_path: Path) -> Path:
    return registry.save(model, tmp_path)


def rewritten(place: Path, **changes: object) -> Path:
    manifest = json.loads((place / FILE_NAME).read_bytes()) | changes
    (place / FILE_NAME).write_bytes(canonical(manifest))
    return place


def test_a_saved_model_predicts_as_the_one_in_memory(place: Path, predictor: ForestPredictor, table: np.ndarray) -> None:
    loaded = registry.load(place)
    assert loaded.sha256 == predictor.sha256
    assert [loaded.predict(row) for row in table[:100]] == [predictor.predict(row) for row in table[:100]]
    assert loaded.suggested_threshold == predictor.suggested_threshold
    assert (loaded.stop_atr, loaded.reward_risk) == (1.5, 1.5)


def test_the_models_hash_is_that_of_the_manifest_file(place: Path, model: TrainedModel) -> None:
    assert hashlib.sha256((place / FILE_NAME).read_bytes()).hexdigest() == model.sha256
    assert place.name == f"XAUUSD-M1-{model.sha256[:12]}"


def test_the_manifest_file_may_be_given_instead_of_its_folder(place: Path, model: TrainedModel) -> None:
    assert registry.load(place / FILE_NAME).sha256 == model.sha256


def test_saving_twice_leaves_one_folder_and_nothing_half_done(place: Path, model: TrainedModel) -> None:
    assert registry.save(model, place.parent) == place
    assert [entry.name for entry in place.parent.iterdir()] == [place.name]


def test_saving_over_a_damaged_copy_mends_it(place: Path, model: TrainedModel) -> None:
    (place / LONG_FILE).write_bytes(b"damaged")
    assert registry.load(registry.save(model, place.parent)).sha256 == model.sha256


def test_one_changed_byte_is_refused_before_anything_is_parsed(place: Path) -> None:
    content = bytearray((place / LONG_FILE).read_bytes())
    content[100] ^= 1
    (place / LONG_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"long\.txt is not the file its manifest vouches for"):
        registry.load(place)


def test_a_text_swapped_together_with_its_hash_is_another_model(place: Path, model: TrainedModel) -> None:
    text = model.files[LONG_FILE].replace(b"feature_importances", b"feature_importancez")
    (place / LONG_FILE).write_bytes(text)
    rewritten(place, files={**model.manifest["files"], **file_hashes({LONG_FILE: text})})
    assert registry.load(place).sha256 != model.sha256


def test_a_model_of_other_features_is_refused(place: Path) -> None:
    rewritten(place, features={"sha256": "0" * 64, "version": 99, "names": list(spec.NAMES)})
    with pytest.raises(ModelError, match=rf"other features \(version 99, this program computes version {spec.VERSION}\)"):
        registry.load(place)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 2}, "has format 2, this program reads format 1"),
        ({"kind": "pickle"}, "train the model again"),
        ({"files": {"../../long.txt": "0", "short.txt": "0"}}, "names other files"),
        ({"calibration": {}}, "lacks something"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused_in_one_sentence(place: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        registry.load(rewritten(place, **changes))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\x80\x04pickle", b"not json"])
def test_a_file_that_is_no_manifest_is_refused(place: Path, content: bytes) -> None:
    (place / FILE_NAME).write_bytes(content)
    with pytest.raises(ModelError, match="is not a model manifest"):
        registry.load(place)


def test_a_manifest_edited_by_hand_is_noticed(place: Path) -> None:
    text = (place / FILE_NAME).read_text()
    (place / FILE_NAME).write_text(text.replace('"seed": 7', '"seed":  7'))
    with pytest.raises(ModelError, match="edited by hand"):
        registry.load(place)


def test_a_missing_model_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere.* cannot be read"):
        registry.load(tmp_path / "nowhere")


def test_two_processes_that_save_the_same_model_at_once_both_find_it(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def overtaken(making: Path, place: Path) -> Path:
        shutil.copytree(making, place)
        return rename(making, place)

    monkeypatch.setattr(Path, "rename", overtaken)
    place = registry.save(model, tmp_path)
    assert registry.load(place).sha256 == model.sha256
    assert [entry.name for entry in tmp_path.iterdir()] == [place.name]


def test_a_folder_that_cannot_be_written_is_told_and_left_clean(
    model: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_making: Path, _place: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        registry.save(model, tmp_path)
    assert list(tmp_path.iterdir()) == []
