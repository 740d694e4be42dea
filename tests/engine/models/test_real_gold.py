"""The default model on recorded gold: trained on the first 40 %, it signals now and then on the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.features import specification as spec
from engine.features.batch import rows, with_spread
from engine.market.importing import read_history
from engine.models.options import TrainOptions
from engine.models.serving import ForestPredictor
from engine.models.training import train

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("mt4-export/XAUUSD_M1_2020_mt4.csv.gz", "M1"),
        ("mt5-export/XAUUSD_M5_2025_mt5-tab.csv.gz", "M5"),
        ("mt5-script/XAUUSD_H1_2016-2025_mt5-script.csv.gz", "H1"),
    ],
)
def test_the_default_model_signals_on_recorded_gold_but_not_all_the_time(name: str, frame: str) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"recorded data is not here: {name}")
    gold = instrument_of("XAUUSD")
    history = read_history(DATA / name, gold, clock="EET")
    assert history.bars is not None
    bars = with_spread(history.bars, gold)
    cut = len(bars) * 2 // 5
    predictor = ForestPredictor(train(bars[:cut], Timeframe.of(frame), gold, TrainOptions(), 7))
    table = rows(bars)[max(cut, spec.WARMUP) :: 3]
    signals = np.array([max(predictor.predict(row)) >= predictor.suggested_threshold for row in table])
    assert 0.001 < signals.mean() < 0.05
