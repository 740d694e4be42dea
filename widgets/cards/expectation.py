"""What a signal would bring on average if its probability is right."""

from __future__ import annotations

from engine.domain.facts import SignalEmitted
from widgets import format as fmt

MEANING = "On average a trade, in units of what is lost at the stop: at the model's probability, before costs"
NO_PROBABILITY = "sma_cross"
"""The policy whose signals carry no probability of their own."""


def expected_r(signal: SignalEmitted) -> float | None:
    """p x reward/risk - (1 - p), in units of the initial risk; None where nobody stated a probability."""
    if signal.policy == NO_PROBABILITY:
        return None
    return signal.probability * signal.reward_risk - (1 - signal.probability)


def in_words(result: float | None) -> str:
    """ "expected −0.19 R", "+0.12 R expected", or nothing."""
    if result is None:
        return ""
    return f"expected {fmt.r_multiple(result)}" if result < 0 else f"{fmt.r_multiple(result)} expected"
