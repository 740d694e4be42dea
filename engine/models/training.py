"""Training: labelled rows, walk-forward, calibration, final fit; the result is a manifest and two texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.core.clock import to_iso
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Floats, Ints, Timeframe
from engine.features import specification as spec
from engine.models import calibration, drift, metrics
from engine.models.dataset import TrainingSet, build, data_sha256
from engine.models.learners import learner_of
from engine.models.learners.base import Booster
from engine.models.manifest import FORMAT, TrainedModel, file_hashes
from engine.models.options import TrainOptions
from engine.models.validation import Fold, walk_forward

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and a few words."""

SIDES = ("long", "short")


class OutOfFold(NamedTuple):
    """Predictions by models that had not seen the row: raw scores and labels per side, one array a fold."""

    raw: dict[str, list[Floats]]
    label: dict[str, list[Floats]]
    folds: list[Fold]

    def joined(self, first: int = 0, stop: int | None = None) -> tuple[Floats, Floats]:
        """(raw, label) of both sides one after the other, of the folds from `first` to `stop`."""
        raw = [part for side in SIDES for part in self.raw[side][first:stop]]
        label = [part for side in SIDES for part in self.label[side][first:stop]]
        return np.concatenate(raw), np.concatenate(label)

    def side(self, name: str, first: int = 0) -> tuple[Floats, Floats]:
        """(raw, label) of one side, of the folds from `first` on."""
        return np.concatenate(self.raw[name][first:]), np.concatenate(self.label[name][first:])


def train(
    bars: Bars,
    timeframe: Timeframe,
    instrument: Instrument,
    options: TrainOptions,
    seed: int,
    progress: Progress | None = None,
) -> TrainedModel:
    """Trains a long and a short model on `bars`, deterministic to the byte. Needs one core; run it in a process of its own.

    Raises ModelError when the bars are too few or every trade would have ended alike, UserError when the learner's library is
    not installed.
    """
    tell = progress or (lambda _share, _words: None)
    learner = learner_of(options.learner)
    learner.load()
    tell(0.0, "computing features and labels")
    data = build(bars, instrument, options)
    predicted = _walk(data, options, seed, tell)
    calibrated = calibration.fit(*predicted.joined())
    tell(0.75, "fitting the final model")
    fitter = learner.fitter(data.rows, options, seed)
    boosters = {side: fitter.fit(data.side(side)) for side in SIDES}
    files = {name: boosters[side].text() for name, side in zip(learner.files, SIDES, strict=True)}
    manifest = {
        "format": FORMAT,
        "kind": learner.name,
        "files": file_hashes(files),
        "instrument": instrument.symbol,
        "timeframe": timeframe.name,
        "created_from": options.source,
        "data": _data(bars, data),
        "features": {"sha256": spec.sha256(), "version": spec.VERSION, "names": list(spec.NAMES)},
        "training": options.as_dict(),
        "seed": seed,
        "calibration": {"slope": calibrated.slope, "intercept": calibrated.intercept},
        "break_even": options.break_even,
        "suggested_threshold": _suggested_threshold(predicted, calibrated, options),
        "metrics": _metrics(predicted, calibrated, options),
        "importance": _importance(boosters),
        "drift": _drift(data.rows),
        "libraries": learner.versions(),
    }
    tell(1.0, "trained")
    return TrainedModel(manifest, files)


def _walk(data: TrainingSet, options: TrainOptions, seed: int, tell: Progress) -> OutOfFold:
    folds = walk_forward(data.bar, data.end, options.folds, options.embargo)
    result = OutOfFold({side: [] for side in SIDES}, {side: [] for side in SIDES}, folds)
    work = np.cumsum([len(fold.train) for fold in folds])
    for number, fold in enumerate(folds):
        tell(0.05 + 0.7 * float(work[number] - len(fold.train)) / float(work[-1]), f"fold {number + 1} of {len(folds)}")
        fitter = learner_of(options.learner).fitter(data.rows[fold.train], options, seed)
        for side in SIDES:
            booster = fitter.fit(data.side(side)[fold.train])
            result.raw[side].append(booster.raw(data.rows[fold.test]))
            result.label[side].append(data.side(side)[fold.test])
    return result


def _suggested_threshold(predicted: OutOfFold, calibrated: calibration.Calibration, options: TrainOptions) -> float:
    """What `signal_rate` of the bars reached in the later folds, whose models had seen nearly as much as the final one."""
    later = len(predicted.folds) // 2
    long, short = (calibrated(predicted.side(side, later)[0]) for side in SIDES)
    return metrics.threshold_for(np.maximum(long, short), options.signal_rate)


def _metrics(predicted: OutOfFold, calibrated: calibration.Calibration, options: TrainOptions) -> dict[str, Any]:
    """Out-of-fold quality; "calibrated" applies to each fold what the folds before it taught, so the first is left out."""
    later = [calibration.fit(*predicted.joined(0, number)) for number in range(1, len(predicted.folds))]
    report: dict[str, Any] = {"folds": _fold_table(predicted)}
    for side in SIDES:
        raw, label = predicted.side(side, 1)
        after = np.concatenate([fitted(part) for fitted, part in zip(later, predicted.raw[side][1:], strict=True)])
        report[side] = {
            "uncalibrated": metrics.quality(calibration.PLAIN(raw), label),
            "calibrated": metrics.quality(after, label),
        }
    (long, long_label), (short, short_label) = (predicted.side(side) for side in SIDES)
    report["thresholds"] = metrics.threshold_table(
        calibrated(long), calibrated(short), long_label, short_label, options.reward_risk
    )
    return report


def _fold_table(predicted: OutOfFold) -> list[dict[str, float]]:
    table = []
    for number, fold in enumerate(predicted.folds):
        row: dict[str, float] = {"train": len(fold.train), "purged": fold.purged, "test": len(fold.test)}
        for side in SIDES:
            row[f"auc_{side}"] = metrics.auc(predicted.raw[side][number], predicted.label[side][number])
            row[f"base_rate_{side}"] = float(predicted.label[side][number].mean())
        table.append(row)
    return table


def _importance(boosters: dict[str, Booster]) -> dict[str, float]:
    """Share of the total gain that came from splits on each feature, both sides together; most important first by value."""
    gain = np.sum([boosters[side].gain() for side in SIDES], axis=0)
    total = float(gain.sum()) or 1.0
    return {name: float(value) / total for name, value in zip(spec.NAMES, gain, strict=True)}


def _data(bars: Bars, data: TrainingSet) -> dict[str, Any]:
    at: Ints = bars.at
    return {
        "sha256": data_sha256(bars),
        "bars": len(bars),
        "rows": len(data),
        "from": to_iso(int(at[0])),
        "to": to_iso(int(at[-1])),
        "timed_out": data.timed_out,
        "base_rate_long": float(data.long.mean()),
        "base_rate_short": float(data.short.mean()),
    }


def _drift(rows: Floats) -> dict[str, Any]:
    """Edges and, because ties make them unequal, the true share of the training rows in every bin."""
    edges = drift.deciles(rows)
    return {"deciles": edges, "shares": drift.shares(rows, edges).tolist()}
