"""Raw scores to probabilities: Platt's sigmoid, two numbers a side (J. Platt 1999, with the targets of his section 2.2)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.domain.market import Floats

LEAST_SLOPE = 0.05
"""A model that ranks no better than chance keeps its order, only flatter, so that a threshold still means something."""

_ITERATIONS = 50


class Calibration(NamedTuple):
    """probability = 1 / (1 + exp(-(slope x raw + intercept)))."""

    slope: float
    intercept: float

    def __call__(self, raw: Floats) -> Floats:
        return sigmoid(self.slope * raw + self.intercept)


PLAIN = Calibration(1.0, 0.0)


def sigmoid(log_odds: Floats) -> Floats:
    """Probabilities of log-odds, without overflow."""
    half: Floats = np.tanh(0.5 * log_odds)
    return 0.5 + 0.5 * half


def fit(raw: Floats, label: Floats) -> Calibration:
    """The slope and intercept that make `label` (0 or 1) likeliest, by Newton's method; the slope LEAST_SLOPE at least."""
    hits = float(label.sum())
    misses = len(label) - hits
    goal = np.where(label > 0.5, (hits + 1) / (hits + 2), 1 / (misses + 2))
    slope, intercept = 1.0, 0.0
    for _ in range(_ITERATIONS):
        probability = sigmoid(slope * raw + intercept)
        gap, weight = probability - goal, probability * (1 - probability) + 1e-12
        gradient = np.array([np.sum(gap * raw), np.sum(gap)])
        curvature = np.array([[np.sum(weight * raw * raw), np.sum(weight * raw)], [np.sum(weight * raw), np.sum(weight)]])
        move = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        slope, intercept = slope - float(move[0]), intercept - float(move[1])
        if np.abs(move).max() < 1e-10:
            break
    if slope >= LEAST_SLOPE:
        return Calibration(slope, intercept)
    return Calibration(LEAST_SLOPE, _intercept(raw, goal))


def _intercept(raw: Floats, goal: Floats) -> float:
    """The intercept that gives the mean of `goal` with the least slope, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        if float(np.mean(sigmoid(LEAST_SLOPE * raw + middle))) < float(np.mean(goal)):
            low = middle
        else:
            high = middle
    return (low + high) / 2
