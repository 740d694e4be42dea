"""Where a session's model comes from: a folder the user names, or a training that is kept and found again by its inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.config import ModelSection
from engine.core.errors import ModelError, UserError
from engine.core.workers import run_apart
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Timeframe
from engine.features import specification as spec
from engine.models import registry
from engine.models.dataset import data_sha256
from engine.models.learners import learner_of
from engine.models.manifest import FORMAT
from engine.models.options import TrainOptions
from engine.models.serving import ForestPredictor

LEAST_BARS = 2_000
"""Fewer bars teach nothing that could be checked."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A model in service, the folder it is kept in, and the barriers it was trained on."""

    predictor: ForestPredictor
    folder: Path

    @property
    def threshold(self) -> float:
        return self.predictor.suggested_threshold

    @property
    def stop_atr(self) -> float:
        return self.predictor.stop_atr

    @property
    def reward_risk(self) -> float:
        return self.predictor.reward_risk


def load_model(path: Path) -> Lesson:
    """The model in the folder `path`; UserError when it is not whole or was made for other features."""
    try:
        return Lesson(registry.load(path), path)
    except ModelError as error:
        raise UserError(str(error)) from error


def learn(
    bars: Bars,
    timeframe: Timeframe,
    instrument: Instrument,
    section: ModelSection,
    seed: int,
    folder: Path,
    progress: Callable[[float, str], None],
    apart: bool = False,
    signal_rate: float = 0.02,
) -> Lesson:
    """The model these bars, options and seed make: found below `folder` where it was trained before, else trained now.

    `apart` trains in a process of its own. UserError when there are too few bars, nothing can be learned from them, or the
    learner's library is not installed.
    """
    options = TrainOptions(
        stop_atr=section.stop_atr,
        reward_risk=section.reward_risk,
        horizon=section.horizon,
        signal_rate=section.signal_rate or signal_rate,
        learner=section.learner,
    )
    place = folder / _key(bars, timeframe, instrument, options, seed)
    kept = next(iter(sorted(place.glob("*/manifest.json"))), None)
    if kept is not None:
        return load_model(kept.parent)
    if len(bars) < LEAST_BARS:
        raise UserError(
            f"a model needs at least {LEAST_BARS:,} bars to learn from and there are {len(bars):,}; "
            "give a longer file, --model PATH or --policy sma_cross"
        )
    arguments = (bars, timeframe, instrument, options, seed, place)
    trained: Path = run_apart(train_into, arguments, progress) if apart else train_into(*arguments, progress)
    return load_model(trained)


def train_into(
    bars: Bars,
    timeframe: Timeframe,
    instrument: Instrument,
    options: TrainOptions,
    seed: int,
    place: Path,
    progress: Callable[[float, str], None],
) -> Path:
    """Trains a model and keeps it below `place`; its folder. UserError when nothing can be learned."""
    from engine.models.training import train

    try:
        kept = registry.save(train(bars, timeframe, instrument, options, seed, progress), place)
    except ModelError as error:
        raise UserError(f"no model can be trained: {error}") from error
    progress(1.0, "trained; compiling what asks it")
    rehearse_model(load_model(kept))
    return kept


def rehearse_model(lesson: Lesson) -> None:
    """Asks and has explained once, so that what serves the model is compiled and lies in the cache."""
    lesson.predictor.explain(np.zeros(spec.COUNT), 1)


def _key(bars: Bars, timeframe: Timeframe, instrument: Instrument, options: TrainOptions, seed: int) -> str:
    made_of = [spec.sha256(), FORMAT, learner_of(options.learner).versions()]
    terms = [instrument.symbol, str(instrument.tick_size), instrument.bar_side.value, instrument.spread]
    inputs = [data_sha256(bars), timeframe.name, *terms, options.as_dict(), seed, *made_of]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]
