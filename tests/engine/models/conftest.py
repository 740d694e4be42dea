"""One small trained model for all tests of this folder."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain.instrument import Instrument, instrument_of
from engine.domain.market import Bars, Timeframe
from engine.features import specification as spec
from engine.features.batch import rows
from engine.models.manifest import TrainedModel
from engine.models.options import TrainOptions
from engine.models.serving import ForestPredictor
from engine.models.training import train
from tests.engine.features.markets import wandering_bars

SEED = 7
OPTIONS = TrainOptions(rounds=20, folds=3, source="a random walk")


@pytest.fixture(scope="session")
def bars() -> Bars:
    return wandering_bars(4_000)


@pytest.fixture(scope="session")
def gold() -> Instrument:
    return instrument_of("XAUUSD")


@pytest.fixture(scope="session")
def model(bars: Bars, gold: Instrument) -> TrainedModel:
    return train(bars, Timeframe.of("M1"), gold, OPTIONS, SEED)


@pytest.fixture(scope="session")
def predictor(model: TrainedModel) -> ForestPredictor:
    return ForestPredictor(model)


@pytest.fixture(scope="session")
def table(bars: Bars) -> np.ndarray:
    """Whole feature rows."""
    return rows(bars)[spec.WARMUP :]
