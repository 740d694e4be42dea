"""What belongs to the limits and is no number with a tighter way: as text, so that a book can say what it was kept by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from engine.domain.limits import Limits
from engine.domain.news import Blackout, NewsCalendar

SETTINGS = (
    "position_basis",
    "correlation_half_life",
    "day_zone",
    "day_minute",
    "confidence",
    "var_method",
    "var_bars",
    "account",
    "sessions",
    "self_match",
    "allowed",
    "news",
    "only_warn",
    "actions",
)
MEASURES = ("correlation_half_life", "confidence", "var_method", "var_bars")
"""Settings of what is measured over bars: a change of these is measured by from the next start on, which reads the bars anew."""

_LONGEST = 200
"""Characters of a value that a request repeats; what is longer is named by its hash."""


def told(limits: Limits) -> tuple[tuple[str, str], ...]:
    """Every setting as (name, JSON)."""
    return tuple((name, _text(getattr(limits, name))) for name in SETTINGS)


def with_settings(limits: Limits, texts: Mapping[str, str]) -> Limits:
    """The limits with the settings that `texts` tell; names that are no settings any more are left out."""
    return replace(limits, **{name: _value(name, text) for name, text in texts.items() if name in SETTINGS})


def named(text: str) -> str:
    """The text itself, or its hash where it is long."""
    return text if len(text) <= _LONGEST else f"sha256 {sha256(text.encode()).hexdigest()}"


def both(one: NewsCalendar, other: NewsCalendar) -> NewsCalendar:
    """The blackouts of both, in the order they begin."""
    kept = {*one.blackouts, *other.blackouts}
    return NewsCalendar(tuple(sorted(kept, key=lambda each: (each.begins, each))), one.sha256)


def _text(value: Any) -> str:
    match value:
        case NewsCalendar():
            value = {"blackouts": value.blackouts, "sha256": value.sha256}
        case Decimal():
            value = f"{value.normalize():f}"
        case _:
            pass
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _value(name: str, text: str) -> Any:
    value = json.loads(text)
    match name:
        case "news":
            return NewsCalendar(tuple(Blackout(*each) for each in value["blackouts"]), value["sha256"])
        case "confidence":
            return Decimal(value)
        case "actions":
            return {limit: tuple(actions) for limit, actions in value.items()}
        case "allowed" | "only_warn":
            return tuple(value)
        case _:
            return value
