"""A definition's values as texts for fields, and the texts as values again; nothing is judged here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.domain.definition import Definition
from engine.domain.revision import leaves

LINES = ("sessions.periods", "holidays.early")
WORDS = ("holidays.closed", "price.plausible")


def texts_of(definition: Definition) -> dict[str, str]:
    """Every value as the text of its field."""
    return {path: _text(path, value) for path, value in leaves(definition).items()}


def _text(path: str, value: Any) -> str:
    if path == "holidays.early":
        return "\n".join(_early_text(rule) for rule in value)
    if path in LINES:
        return "\n".join(value)
    if path in WORDS:
        return " ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def _early_text(rule: Mapping[str, str]) -> str:
    bounds = [f"{word} {rule[key]}" for word, key in (("from", "since"), ("until", "until")) if key in rule]
    return " ".join([rule["on"], rule["at"], *bounds])


def values_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The texts as a definition's values; what is empty is left out."""
    values: dict[str, Any] = {}
    for path, text in texts.items():
        *parts, name = path.split(".")
        place = values
        for part in parts:
            place = place.setdefault(part, {})
        found = _value(path, text.strip())
        if found not in ("", None):
            place[name] = found
    return {name: value for name, value in values.items() if value != {}}


def _value(path: str, text: str) -> Any:
    if path == "holidays.early":
        return [_early(line) for line in text.splitlines() if line.strip()]
    if path in LINES:
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text.replace(",", " ").split() if path in WORDS else text


def _early(line: str) -> dict[str, str]:
    """A line such as "holiday 14:30 from 2022-01-01"; words that have no place come out as keys that no definition knows."""
    words = line.split()
    rule = dict(zip(("on", "at"), words, strict=False))
    for word, value in zip(words[2::2], [*words[3::2], ""], strict=False):
        rule[{"from": "since"}.get(word, word)] = value
    return rule


def field_of(path: str, known: Mapping[str, object]) -> str:
    """The field that a fault at `path` belongs to: the field itself, or the one that holds it; "" for none."""
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path
