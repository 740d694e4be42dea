"""A session's model: trained by the learner the configuration names, kept, and found again."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from engine.config import ModelSection
from engine.core.errors import ConfigError, UserError
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.learning import Lesson, learn
from engine.models.learners import LEARNERS, base, learner_of
from tests.engine.features.markets import wandering_bars

ROOT = Path(__file__).parents[2]
BARS = wandering_bars(3_000)
GOLD, M1 = instrument_of("XAUUSD"), Timeframe.of("M1")


def lesson(folder: Path, learner: str, told: list[str]) -> Lesson:
    return learn(BARS, M1, GOLD, ModelSection(learner=learner), 7, folder, lambda _share, words: told.append(words))


def test_a_model_of_the_learner_that_was_asked_for_is_trained_once(tmp_path: Path) -> None:
    pytest.importorskip("catboost", reason="the catboost extra is not installed")
    first, again, other = [], [], []
    taught = lesson(tmp_path, "catboost", first)
    assert taught.predictor.manifest["kind"] == "catboost"
    assert lesson(tmp_path, "catboost", again).predictor.sha256 == taught.predictor.sha256
    assert (bool(first), again) == (True, [])
    usual = lesson(tmp_path, "lightgbm", other)
    assert usual.predictor.manifest["kind"] == "lightgbm"
    assert other


def test_naming_the_learners_imports_none_of_their_libraries() -> None:
    program = "import sys, engine.config; print(*sorted({'catboost', 'lightgbm', 'numba', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


def test_every_learner_is_called_as_it_is_registered() -> None:
    assert [learner_of(name).name for name in LEARNERS] == list(LEARNERS)
    with pytest.raises(ConfigError, match="learner 'forest' is not known; use one of lightgbm, catboost"):
        learner_of("forest")


def test_a_learner_that_is_not_installed_is_told_before_anything_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(base, "version", absent)
    with pytest.raises(UserError, match=r"uv sync --extra catboost, or set model\.learner = \"lightgbm\""):
        lesson(tmp_path, "catboost", told := [])
    assert told == []
    assert list(tmp_path.iterdir()) == []
