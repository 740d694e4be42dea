"""The sentence for a limit that an order or the book goes beyond."""

from __future__ import annotations

_WORDS = {
    "position": "the position's loss at its stop would be",
    "daily_loss": "it would be",
    "worst_day": "the day's loss with every stop filled would be",
    "open_risk": "the sum of losses at all stops would be",
    "leverage": "gross notional to equity would be",
    "drawdown": "from the peak it would be",
    "correlation": "with what moves along, the position's loss at its stop would be",
    "margin": "what is held back of equity would be",
    "value_at_risk": "what a day is not likely to lose more than would be",
    "expected_shortfall": "what a bad day loses on average would be",
}


def sentence(name: str, value: float, cap: float, hard: bool) -> str:
    """`name` as a LimitLine has it; `value` and `cap` as shares of equity, leverage as a multiple."""
    base = name.removesuffix("_soft")
    if base == "leverage":
        figure = f"{value:.2f}:1, the cap is {cap:g}:1"
    else:
        figure = f"{100 * value:.2f} % of equity, the cap is {100 * cap:g} %"
    return f"{base.replace('_', ' ')}: {_WORDS[base]} {figure}" + ("" if hard else " (a warning)")
